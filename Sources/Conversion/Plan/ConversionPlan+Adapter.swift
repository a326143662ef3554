import WeightmillGGUF
import WeightmillLLaMA
import WeightmillMerging
package import WeightmillModels
import WeightmillQuantization
package import WeightmillTensors

/// Plans of GGUF adapters.
extension ConversionPlan {
  /// The types that llama.cpp computes adapters in.
  package static let adapterTypes: [TensorType] = [.f32, .f16, .bf16]

  /// Plans the conversion of a LoRA adapter to a GGUF file for llama.cpp's `--lora`.
  ///
  /// - Parameters:
  ///   - adapter: The adapter.
  ///   - type: The type of all tensors, one of `adapterTypes`.
  ///   - name: What `general.name` shall say.
  package init(adapter: LoadedAdapter, as type: TensorType, name: String) {
    let exported = adapter.exported
    let items = exported.tensors.enumerated().map { index, tensor in
      Item(
        tensor: TensorDescriptor(name: tensor.name, type: type, shape: tensor.shape), index: index,
        rowGroup: exported.rowGroup(ofTensor: index), fallbackFrom: nil, importance: nil, shard: 0)
    }
    var metadata = GGUFMetadata()
    metadata["general.architecture"] = .string(adapter.architecture.name)
    metadata["general.type"] = .string("adapter")
    metadata["adapter.type"] = .string("lora")
    metadata["general.name"] = .string(name)
    // Of a path its last part: folders tell of the machine.
    if let base = exported.baseName?.split(separator: "/").last {
      metadata["general.base_model.count"] = .uint32(1)
      metadata["general.base_model.0.name"] = .string(String(base))
    }
    metadata["adapter.lora.alpha"] = .float32(exported.alpha)
    metadata["general.quantization_version"] = .uint32(2)
    Provenance.describe(items.map(\.planned), .best, mergeRule: nil, in: &metadata)
    self.init(adapter, items: items, metadata: metadata)
  }
}

import WeightmillLLaMA
package import WeightmillQuantizedSources
import WeightmillStrictJSON
package import WeightmillTensors

/// Checkpoints whose weights are stored quantized, in the layouts of transformers.
extension Checkpoint {
  /// The keys of `config.json` that say how weights are quantized; the second is that of the first
  /// versions of compressed-tensors.
  package static let quantizationKeys = ["quantization_config", "compression_config"]

  /// The weights, decoded.
  ///
  /// - Returns: The tensors as those of a floating-point model; `nil` when none is quantized.
  /// - Throws: `unsupported` for ways of quantizing that are not read, `mismatch` and `malformed` for
  ///   tensors that do not go with each other; reading errors.
  package func quantizedSource() throws(WeightmillError) -> QuantizedSource? {
    guard metadata == nil else { return nil }
    let object = configuration?.json.object
    let name = (object?.nonNull("dtype") ?? object?.nonNull("torch_dtype"))?.string
    let biases = knownBiases
    return try QuantizedSource(catalogue, recipe: try recipe(), type: name.flatMap(Self.type)) {
      biases($0)
    }
  }

  /// Tells whether the configuration speaks of a bias; if it is not known, it may.
  private var knownBiases: (String) -> Bool {
    guard let configuration,
      let model = try? LlamaConfiguration(
        huggingFace: configuration.json, location: configuration.path)
    else { return { _ in true } }
    return { [names] stored in
      let name = names?.name(of: stored) ?? stored
      guard
        case .layer(_, let kind) = NamingScheme.huggingFace.role(of: name, in: model.architecture)
      else { return false }
      return model.biases?.contains(kind) ?? true
    }
  }

  /// The tensors of the model: those of the files, or what they are decoded to.
  package func modelCatalogue() throws(WeightmillError) -> any Catalogue {
    try quantizedSource()?.catalogue ?? catalogue
  }

  /// The way in which the weights are stored, in words; `nil` if they are not quantized, or in a way
  /// that is not read.
  package var quantization: String? { (try? quantizedSource())?.summary }

  /// Remarks on the checkpoint and, if its weights are quantized, on what they are decoded to.
  package var modelNotes: [String] {
    notes + ((try? quantizedSource())?.notes ?? [])
  }

  /// Refuses quantized weights where sums must be exact.
  ///
  /// - Throws: `mismatch` when the weights are quantized.
  package func refuseQuantized() throws(WeightmillError) {
    guard let summary = try quantizedSource()?.summary else { return }
    throw WeightmillError(
      .mismatch, path,
      "is quantized (\(summary)); a delta is the difference between models before that",
      remedy: "give the model as it was before it was quantized, and quantize the sum")
  }

  /// What the files say of the way in which weights are quantized.
  private func recipe() throws(WeightmillError) -> Recipe? {
    if let configuration, let object = configuration.json.object {
      for key in Self.quantizationKeys {
        if let value = object.nonNull(key) {
          return try Recipe(value, location: configuration.path)
        }
      }
    }
    guard QuantizedSource.needsRecipe(catalogue) else { return nil }
    for name in QuantizedSource.recipeFiles {
      let path = InputPath(folder).appending(name)
      if Folder.isFolder(path) == false {
        return try Recipe(TextInput.json(path), location: path)
      }
    }
    return nil
  }

  /// The type that PyTorch calls so.
  private static func type(_ name: String) -> TensorType? {
    switch name.split(separator: ".").last.map(String.init) {
    case "float32", "float": .f32
    case "float16", "half": .f16
    case "bfloat16": .bf16
    default: nil
    }
  }
}

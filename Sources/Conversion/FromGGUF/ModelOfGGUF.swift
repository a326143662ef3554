import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors

/// A model from a GGUF file as transformers has it: its tensors under Hugging Face's names, in its order
/// of rows, with what llama.cpp's converter did undone.
struct ModelOfGGUF {
  /// The model, under GGUF's names, with the tensors that are written.
  let llama: LlamaModel
  /// The tensors in Hugging Face's names.
  let view: any Catalogue
  /// The type that is written unless another one is asked for.
  let type: TensorType
  /// Remarks for the user.
  private(set) var notes: [String] = []

  /// Views a model.
  ///
  /// - Parameters:
  ///   - loaded: The model, from a GGUF file.
  ///   - type: The type that is asked for.
  /// - Throws: `unsupported` for tensors that cannot be decoded.
  init(_ loaded: LoadedModel, as type: TensorType?) throws(WeightmillError) {
    let (model, added) = try loaded.llama.asInTransformers()
    llama = model
    let apart = LlamaView(model, as: .huggingFace)
    if model.architecture.fusedQueries == nil {
      view = apart
    } else {
      // A mix may have given the three other types.
      let isOfOneType = Set(apart.tensors.map(\.type)).count == 1
      view = FusedQueries(
        isOfOneType ? apart : try DecodedCatalogue(apart), model.configuration)
    }
    let own = Self.ownType(loaded.llama)
    self.type = type ?? own ?? .f16
    noteTypes(loaded.llama, asked: type, own: own)
    noteIdentity()
    if !added.isEmpty {
      let summary = TensorFault.summary(added.map { TensorFault($0, "") })
      notes.append(
        "\(summary): not in the file, and written as zeros, which add nothing: transformers has all "
          + "biases of such a part or none")
    }
    try noteRounding(apart)
  }

  /// The type of the matrices, if all have the same one and it is one of numbers that transformers
  /// computes with.
  private static func ownType(_ model: LlamaModel) -> TensorType? {
    let types = Set(matrices(model).map(\.type))
    guard types.count == 1, let type = types.first, ScalarRows.encodable.contains(type) else {
      return nil
    }
    return type
  }

  private static func matrices(_ model: LlamaModel) -> [TensorDescriptor] {
    model.catalogue.tensors.filter { $0.shape.extents.count > 1 }
  }

  private mutating func noteTypes(_ model: LlamaModel, asked: TensorType?, own: TensorType?) {
    let quantized = Set(Self.matrices(model).map(\.type)).filter { !$0.isScalar }
    if !quantized.isEmpty {
      let names = quantized.map(\.name).sorted().joined(separator: ", ")
      notes.append(
        "the file is quantized (\(names)): its weights are decoded to \(type.name), which does not "
          + "bring back what quantizing took")
    } else if asked == nil, own == nil {
      notes.append("the file's matrices are of several types: all are written as \(type.name)")
    }
  }

  /// GGUF files have one name for models that transformers has several classes for.
  private mutating func noteIdentity() {
    let architecture = llama.architecture
    let others = Architecture.all.filter {
      $0.name == architecture.name && $0.huggingFaceType != architecture.huggingFaceType
    }
    if !others.isEmpty {
      let names = others.map(\.huggingFaceType) + architecture.otherTypes.sorted()
      notes.append(
        "config.json says model_type \(architecture.huggingFaceType); a GGUF file does not say "
          + "whether it was \(names.joined(separator: " or ")), which compute the same, but for windows "
          + "of attention, which such files do not hold")
    }
    if [.miniCPM, .internLM2].contains(architecture) {
      notes.append(
        "transformers has no class for \(architecture.huggingFaceType): it needs the Python files of "
          + "the original model's folder (auto_map)")
    }
  }

  /// Vectors are F32 in GGUF files: says where the type that is written cannot hold their values.
  private mutating func noteRounding(_ apart: LlamaView) throws(WeightmillError) {
    guard type == .f16 || type == .bf16 else { return }
    var (names, count): ([String], Int) = ([], 0)
    for (index, tensor) in apart.tensors.enumerated() where tensor.shape.extents.count == 1 {
      guard tensor.type == .f32 else { continue }
      let bytes = try apart.bytes(rows: 0..<1, ofTensor: index)
      let values = ScalarRows.values(bytes, as: .f32)
      var stored = [UInt8](repeating: 0, count: values.count * type.bytesPerBlock)
      stored.withMutableBytes { ScalarRows.store(values, as: type, into: &$0, at: 0) }
      let rounded = zip(values, ScalarRows.values(stored, as: type)).count { $0 != $1 }
      guard rounded > 0 else { continue }
      names.append(tensor.name)
      count += rounded
    }
    guard let first = names.first else { return }
    notes.append(
      "\(count) values of \(names.count) norms and biases, the first \(quoted(first)), are no numbers "
        + "of \(type.name) and are rounded; --type f32 keeps them")
  }
}

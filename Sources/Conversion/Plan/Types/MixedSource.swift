import WeightmillGGUF
import WeightmillLLaMA
import WeightmillTensors

/// The tensors of a GGUF file as the mixes see them, whether or not their architecture is known.
struct MixedSource {
  /// The architecture; `nil` if it is not known, or the file holds more than is known of it: then
  /// names and metadata tell what a tensor is.
  let architecture: Architecture?
  /// The traits of the model that the rules of a mix look at.
  let model: MixedModel
  /// The file of the tensors, for messages.
  let location: String
  /// The indices of the tensors of attention's values among their kind.
  private let valueIndices: [TensorName: Int]

  /// Describes a model that is known.
  init(_ model: LlamaModel) {
    architecture = model.architecture
    self.model = MixedModel(
      layerCount: model.configuration.layerCount, headCount: model.configuration.headCount,
      keyValueHeadCount: model.configuration.keyValueHeadCount,
      tiesEmbeddings: model.tiesEmbeddings, hasImportance: false)
    location = model.catalogue.location
    valueIndices = [:]
  }

  /// Describes a file of any architecture.
  init(_ catalogue: any Catalogue, _ metadata: GGUFMetadata) {
    architecture = nil
    location = catalogue.location
    let name = metadata["general.architecture"]?.string ?? ""
    /// Of a list with a number for each layer the first counts, as in llama.cpp.
    func size(_ key: Architecture.Key) -> Int? {
      let value = metadata["\(name).\(key.rawValue)"]
      guard let size = value?.integer ?? value?.array?.first?.integer else { return nil }
      return min(max(size, 0), 1 << 24)
    }
    let names = catalogue.tensors.map(\.name)
    let values = names.filter { TensorCategory(name: $0) == .value }
      .map { (layer: TensorCategory.layer(of: $0) ?? 0, name: $0) }
      .sorted { ($0.layer, $0.name) < ($1.layer, $1.name) }
    valueIndices = Dictionary(
      values.enumerated().map { (TensorName($0.element.name), $0.offset) },
      uniquingKeysWith: { first, _ in first })
    let heads = size(.headCount) ?? 1
    var model = MixedModel(
      layerCount: size(.blockCount) ?? 0, headCount: heads,
      keyValueHeadCount: size(.keyValueHeadCount) ?? heads,
      tiesEmbeddings: !names.contains("output.weight"), hasImportance: false)
    model.expertCount = size(.expertCount) ?? 0
    model.valueCount = values.count
    self.model = model
  }

  /// The role of a tensor, in an architecture that is known.
  func role(of name: String) -> TensorRole? {
    architecture.flatMap { NamingScheme.gguf.role(of: name, in: $0) }
  }

  /// The layer that a tensor belongs to.
  func layer(of name: String) -> Int? {
    guard architecture != nil else { return TensorCategory.layer(of: name) }
    if case .layer(let layer, _)? = role(of: name) { return layer } else { return nil }
  }

  /// The category of a tensor; `nil` if it keeps its type.
  func category(of tensor: TensorDescriptor) -> TensorCategory? {
    guard architecture == nil else { return TensorCategory(role(of: tensor.name)) }
    return TensorCategory.isQuantized(tensor) ? TensorCategory(name: tensor.name) : nil
  }

  /// Whether a tensor that is quantized makes the file a quantized one: tensors that no mix would
  /// change, such as tables of integers, do not.
  func counts(_ tensor: TensorDescriptor) -> Bool { category(of: tensor) != nil }

  /// The index of a tensor among those of its kind.
  func index(of name: String) -> Int { valueIndices[TensorName(name)] ?? layer(of: name) ?? 0 }
}

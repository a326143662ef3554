package import WeightmillTensors

/// A GGUF file whose queries, keys and values are one matrix in each layer, below one another, taken
/// apart: the same rows under the names that files of its kind have.
///
/// Biases are taken apart as the matrices are. Source: `conversion/base.py` of llama.cpp (`--fuse-qkv`).
struct SeparateQueries: Catalogue {
  let tensors: [TensorDescriptor]
  private let base: any Catalogue
  private let sources: [Source]

  /// The rows of a tensor, or the values of a vector, from `first` on.
  private struct Source: Sendable {
    let index: Int
    let first: Int
  }

  /// Takes the tensors apart.
  ///
  /// - Parameter model: A model from such a GGUF file.
  /// - Throws: `unsupported` for biases in blocks.
  init(_ model: LlamaModel) throws(WeightmillError) {
    let configuration = model.configuration
    let apart = configuration.separatingQueries
    let base = model.stored
    var (tensors, sources) = ([TensorDescriptor](), [Source]())
    for (index, tensor) in base.tensors.enumerated() {
      let role = NamingScheme.gguf.role(of: tensor.name, in: configuration.architecture)
      guard case .layer(let layer, let kind)? = role, let parts = kind.parts else {
        tensors.append(tensor)
        sources.append(Source(index: index, first: 0))
        continue
      }
      guard kind == .queryKeyValue || tensor.type.valuesPerBlock == 1 else {
        throw WeightmillError(
          .unsupported, base.location,
          "tensor \(quoted(tensor.name)) is of type \(tensor.type.name), which cannot be taken apart",
          remedy: "start from the model before it was quantized")
      }
      var first = 0
      for part in parts {
        let extents = TensorRole.layer(layer, part).extents(in: apart)
        guard let shape = TensorShape(extents) else { continue }
        let name = NamingScheme.gguf.name(of: .layer(layer, part), in: apart.architecture)
        tensors.append(TensorDescriptor(name: name, type: tensor.type, shape: shape))
        sources.append(Source(index: index, first: first))
        first += extents[0]
      }
    }
    self.base = base
    self.tensors = tensors
    self.sources = sources
  }

  var location: String { base.location }

  func readingOrdinal(ofTensor index: Int) -> Int {
    base.readingOrdinal(ofTensor: sources[index].index)
  }

  func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let (tensor, source) = (tensors[index], sources[index])
    guard tensor.shape.extents.count == 1, tensor != base.tensors[source.index] else {
      return try base.read(
        rows: rows.lowerBound + source.first..<rows.upperBound + source.first,
        ofTensor: source.index, into: &bytes, at: offset)
    }
    guard !rows.isEmpty else { return }
    let whole = try base.bytes(rows: 0..<1, ofTensor: source.index)
    bytes.copy(
      whole, from: source.first * tensor.type.bytesPerBlock, count: tensor.byteCount, to: offset)
  }
}

extension TensorRole.LayerTensor {
  /// The tensors of which this is made; `nil` for one that is not fused by files of GGUF alone.
  fileprivate var parts: [TensorRole.LayerTensor]? {
    switch self {
    case .queryKeyValue: [.query, .key, .value]
    case .queryKeyValueBias: [.queryBias, .keyBias, .valueBias]
    default: nil
    }
  }
}

extension LlamaModel {
  /// The model of a GGUF file with the tensors that transformers has for it: queries, keys and values
  /// apart where only GGUF files fuse them, and biases of zeros where transformers has biases and the
  /// file has none, which add nothing.
  ///
  /// - Returns: The model, and the names of the tensors that were added.
  /// - Throws: `unsupported` for biases in blocks.
  package func asInTransformers() throws(WeightmillError) -> (model: LlamaModel, added: [String]) {
    guard scheme == .gguf else { return (self, []) }
    var model = self
    if architecture.fusesQueriesInGGUFOnly {
      model = try LlamaModel(
        catalogue: SeparateQueries(self), configuration: configuration.separatingQueries,
        scheme: .gguf)
    }
    let missing = model.missingBiases
    guard !missing.isEmpty else { return (model, []) }
    let vectors = missing.map { role in
      (
        name: NamingScheme.gguf.name(of: role, in: model.architecture),
        values: [Float](repeating: 0, count: role.extents(in: model.configuration)[0])
      )
    }
    return (
      try LlamaModel(
        catalogue: ExtendedCatalogue(model.stored, adding: vectors),
        configuration: model.configuration, scheme: .gguf), vectors.map(\.name)
    )
  }

  /// The biases that a model in transformers has beside those that are there: those its class always
  /// has, and in each layer the others of attention, or of the feed-forward part, if there is one.
  private var missingBiases: [TensorRole] {
    typealias Tensors = TensorRole.LayerTensor
    let present = Set(
      roles.compactMap { role -> Tensors? in
        if case .layer(_, let tensor) = role, role.isBias { tensor } else { nil }
      })
    var wanted = architecture.requiredTensors.intersection(Tensors.biases)
    // Where biases may be there or not, a configuration speaks of these groups.
    for group in [Tensors.attentionBiases, Tensors.feedForwardBiases]
    where group.isSubset(of: architecture.layerTensors) && !group.isDisjoint(with: present) {
      wanted.formUnion(group)
    }
    return (0..<configuration.layerCount).flatMap { layer in
      Tensors.allCases.filter(wanted.contains).map { TensorRole.layer(layer, $0) }
    }.filter { self[$0] == nil }
  }
}

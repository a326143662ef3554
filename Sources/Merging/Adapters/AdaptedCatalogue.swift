import WeightmillLLaMA
import WeightmillTensors

/// A model's tensors with an adapter merged into them, in Hugging Face's names and row order.
///
/// Every tensor keeps the type it has in the model. Rows of a module that the adapter stores whole
/// are the adapter's, rounded to that type; an update is added to what is there then.
struct AdaptedCatalogue: Catalogue {
  /// The change that an adapter makes to a tensor.
  struct Change: Sendable {
    /// The tensor of the adapter that replaces it.
    var saved: Int?
    /// The update that is added.
    var update: LowRankUpdate?
  }

  /// About how many values are updated at a time.
  private static let blockValues = 1 << 18

  let location: String
  let tensors: [TensorDescriptor]
  private let base: LlamaView
  private let adapter: any Catalogue
  private let sources: [(base: Int?, change: Change?)]
  private let decoded = DecodedFactors()

  /// Puts changes, which have been checked, over a model.
  init(_ model: LlamaModel, adapter: any Catalogue, changes: [TensorRole: Change]) {
    let scheme = NamingScheme.huggingFace
    location = "\(model.catalogue.location) + \(adapter.location)"
    base = LlamaView(model, as: scheme)
    self.adapter = adapter
    var tensors: [TensorDescriptor] = []
    var sources: [(base: Int?, change: Change?)] = []
    for (index, tensor) in base.tensors.enumerated() {
      let change = scheme.role(of: tensor.name, in: model.architecture).flatMap { changes[$0] }
      let shape = change?.saved.map { adapter.tensors[$0].shape } ?? tensor.shape
      tensors.append(TensorDescriptor(name: tensor.name, type: tensor.type, shape: shape))
      sources.append((index, change))
    }
    // An output matrix of its own for a model whose embedding served as one.
    if model.tiesEmbeddings, let change = changes[.output], let saved = change.saved,
      let embedding = model.tensor(.tokenEmbedding)
    {
      tensors.append(
        TensorDescriptor(
          name: scheme.name(of: .output, in: model.architecture), type: embedding.type,
          shape: adapter.tensors[saved].shape))
      sources.append((nil, change))
    }
    self.tensors = tensors
    self.sources = sources
  }

  func readingOrdinal(ofTensor index: Int) -> Int {
    sources[index].base.map(base.readingOrdinal) ?? tensors.count
  }

  func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let (tensor, source) = (tensors[index], sources[index])
    if let saved = source.change?.saved {
      try readSaved(rows, saved, as: tensor.type, into: &bytes, at: offset)
    } else if let baseIndex = source.base {
      try base.read(rows: rows, ofTensor: baseIndex, into: &bytes, at: offset)
    }
    guard let update = source.change?.update else { return }
    for range in rows.rowRanges(columns: tensor.shape.columns, values: Self.blockValues) {
      try update.add(
        rows: range, of: tensor.type, to: &bytes,
        at: offset + (range.lowerBound - rows.lowerBound) * tensor.bytesPerRow, decoded: decoded)
    }
  }

  private func readSaved(
    _ rows: Range<Int>, _ index: Int, as type: TensorType, into bytes: inout MutableRawSpan,
    at offset: Int
  ) throws(WeightmillError) {
    let stored = adapter.tensors[index].type
    guard stored != type else {
      return try adapter.read(rows: rows, ofTensor: index, into: &bytes, at: offset)
    }
    let values = ScalarRows.values(try adapter.bytes(rows: rows, ofTensor: index), as: stored)
    ScalarRows.store(values, as: type, into: &bytes, at: offset)
  }
}

import WeightmillLLaMA
import WeightmillTensors

/// A model's tensors with an adapter merged into them, in Hugging Face's names, and its row order
/// unless `ordered(_:)` gives them in another.
///
/// Every tensor keeps the type it has in the model. Rows of a module that the adapter stores whole
/// are the adapter's, rounded to that type; an update is added to what is there then.
struct AdaptedCatalogue: RowOrderedCatalogue {
  /// The change that an adapter makes to a tensor.
  struct Change: Sendable {
    /// The tensor of the adapter that replaces it.
    var saved: Int?
    /// The update that is added.
    var update: LowRankUpdate?
  }

  private struct Source: Sendable {
    /// The tensor of the base; for an output matrix that it does not have, the embedding.
    let base: Int
    let change: Change?
    let isRotated: Bool
  }

  /// About how many values are updated at a time.
  private static let blockValues = 1 << 18

  let location: String
  let tensors: [TensorDescriptor]
  private var base: LlamaView
  private let adapter: any Catalogue
  private let sources: [Source]
  /// The way of the adapter's rows, which are in Hugging Face's order, into that of the base.
  private var permutation: RowPermutation?
  private let head: Int
  private let decoded = DecodedFactors()

  /// Puts changes, which have been checked, over a model.
  init(_ model: LlamaModel, adapter: any Catalogue, changes: [TensorRole: Change]) {
    let scheme = NamingScheme.huggingFace
    location = "\(model.catalogue.location) + \(adapter.location)"
    base = LlamaView(model, as: scheme)
    head = model.configuration.headDimension
    self.adapter = adapter
    var tensors: [TensorDescriptor] = []
    var sources: [Source] = []
    for (index, tensor) in base.tensors.enumerated() {
      let role = scheme.role(of: tensor.name, in: model.architecture)
      let change = role.flatMap { changes[$0] }
      let shape = change?.saved.map { adapter.tensors[$0].shape } ?? tensor.shape
      tensors.append(TensorDescriptor(name: tensor.name, type: tensor.type, shape: shape))
      sources.append(Source(base: index, change: change, isRotated: role?.isRotated == true))
    }
    // An output matrix of its own for a model whose embedding served as one.
    let isEmbedding = { (tensor: TensorDescriptor) in
      scheme.role(of: tensor.name, in: model.architecture) == .tokenEmbedding
    }
    if model.tiesEmbeddings, let change = changes[.output],
      let index = base.tensors.firstIndex(where: isEmbedding)
    {
      let embedding = base.tensors[index]
      tensors.append(
        TensorDescriptor(
          name: scheme.name(of: .output, in: model.architecture), type: embedding.type,
          shape: change.saved.map { adapter.tensors[$0].shape } ?? embedding.shape))
      sources.append(Source(base: index, change: change, isRotated: false))
    }
    self.tensors = tensors
    self.sources = sources
  }

  /// The same tensors with the rows of queries and keys in another order, if the base has it: then
  /// only the adapter's few rows are permuted.
  func ordered(_ order: Architecture.RowOrder) -> (any Catalogue)? {
    guard base.offers(order) else { return nil }
    var other = self
    other.base = base.ordered(order)
    other.permutation = order == .halves ? nil : RowPermutation(head: head, to: order)
    return other
  }

  func readingOrdinal(ofTensor index: Int) -> Int {
    base.readingOrdinal(ofTensor: sources[index].base)
  }

  func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let (tensor, source) = (tensors[index], sources[index])
    let permutation = source.isRotated ? permutation : nil
    if let saved = source.change?.saved {
      try readSaved(rows, saved, permutation, as: tensor.type, into: &bytes, at: offset)
    } else {
      try base.read(rows: rows, ofTensor: source.base, into: &bytes, at: offset)
    }
    guard let update = source.change?.update else { return }
    let ranges = rows.rowRanges(
      columns: tensor.shape.columns, values: Self.blockValues, group: permutation?.head ?? 1)
    for range in ranges {
      try update.add(
        rows: range, permutedBy: permutation, of: tensor.type, to: &bytes,
        at: offset + (range.lowerBound - rows.lowerBound) * tensor.bytesPerRow, decoded: decoded)
    }
  }

  private func readSaved(
    _ rows: Range<Int>, _ index: Int, _ permutation: RowPermutation?, as type: TensorType,
    into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let stored = adapter.tensors[index].type
    guard stored != type else {
      return try adapter.read(
        rows: rows, ofTensor: index, permutedBy: permutation, into: &bytes, at: offset)
    }
    ScalarRows.convert(
      try adapter.bytes(rows: rows, ofTensor: index, permutedBy: permutation), from: stored,
      to: type, into: &bytes, at: offset)
  }
}

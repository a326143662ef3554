public import Tensors

/// A model's tensors under another scheme's names, rows of queries and keys in its order.
public struct LlamaView: Catalogue {
  /// The model's file or folder.
  public let location: String
  /// The tensors under the scheme's names, in the order of use.
  public let tensors: [TensorDescriptor]
  private let model: LlamaModel
  private let sources: [(index: Int, order: RowPermutation?)]

  /// Views a model.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - scheme: Whose names and row order to show.
  public init(_ model: LlamaModel, as scheme: NamingScheme) {
    self.location = model.catalogue.location
    self.model = model
    var tensors: [TensorDescriptor] = []
    var sources: [(index: Int, order: RowPermutation?)] = []
    for role in model.roles {
      guard let index = model[role] else { continue }
      let source = model.catalogue.tensors[index]
      tensors.append(
        TensorDescriptor(name: scheme.name(of: role), type: source.type, shape: source.shape))
      let differs = scheme.rowOrder != model.scheme.rowOrder
      sources.append(
        (
          index,
          role.isRotated && differs
            ? RowPermutation(head: model.configuration.headDimension, to: scheme.rowOrder) : nil
        ))
    }
    self.tensors = tensors
    self.sources = sources
  }

  /// The ordinal of the tensor it comes from.
  public func readingOrdinal(ofTensor index: Int) -> Int {
    model.catalogue.readingOrdinal(ofTensor: sources[index].index)
  }

  /// Reads rows, those of queries and keys in the scheme's order.
  public func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let source = sources[index]
    guard let order = source.order else {
      return try model.catalogue.read(
        rows: rows, ofTensor: source.index, into: &bytes, at: offset)
    }
    // One read for each head: rows change places within it only.
    let size = tensors[index].bytesPerRow
    var first = rows.lowerBound
    while first < rows.upperBound {
      let end = min(rows.upperBound, (first / order.head + 1) * order.head)
      let sources = (first..<end).map(order.source)
      let (low, high) = (sources.min() ?? first, sources.max() ?? first)
      let block = try model.catalogue.bytes(rows: low..<high + 1, ofTensor: source.index)
      for (place, row) in sources.enumerated() {
        bytes.copy(
          block, from: (row - low) * size, count: size,
          to: offset + (first - rows.lowerBound + place) * size)
      }
      first = end
    }
  }
}

/// The permutation of a head's rows between the two orders.
///
/// With head dimension *d*, *i* < *d*/2 and *j* in {0, 1}: row *hd* + *j* *d*/2 + *i* of the halves
/// order is row *hd* + 2*i* + *j* of the neighbours order.
struct RowPermutation: Sendable {
  let head: Int
  let to: NamingScheme.RowOrder

  /// The row of the other order that a row of the target order is.
  func source(of row: Int) -> Int {
    let (first, place) = (row / head * head, row % head)
    switch to {
    case .halves: return first + place % (head / 2) * 2 + place / (head / 2)
    case .neighbours: return first + place % 2 * (head / 2) + place / 2
    }
  }
}

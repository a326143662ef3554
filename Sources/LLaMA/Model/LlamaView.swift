package import WeightmillTensors

/// A model's tensors under another scheme's names, rows of queries and keys in its order.
package struct LlamaView: Catalogue {
  /// The model's file or folder.
  package let location: String
  /// The tensors under the scheme's names, in the order of use.
  package let tensors: [TensorDescriptor]
  private let model: LlamaModel
  private let scheme: NamingScheme
  /// The model's tensors, in the order of rows that is shown where they can be had in it.
  private let catalogue: any Catalogue
  private let sources: [(index: Int, order: RowPermutation?)]

  /// Views a model.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - scheme: Whose names and row order to show.
  package init(_ model: LlamaModel, as scheme: NamingScheme) {
    self.init(model, as: scheme, scheme.rowOrder(of: model.architecture))
  }

  private init(
    _ model: LlamaModel, as scheme: NamingScheme, _ order: Architecture.RowOrder
  ) {
    self.location = model.catalogue.location
    self.model = model
    self.scheme = scheme
    var permutation: RowPermutation?
    if order == model.rowOrder {
      catalogue = model.catalogue
    } else if let other = (model.catalogue as? any RowOrderedCatalogue)?.ordered(order) {
      catalogue = other
    } else {
      catalogue = model.catalogue
      permutation = RowPermutation(head: model.configuration.headDimension, to: order)
    }
    var tensors: [TensorDescriptor] = []
    var sources: [(index: Int, order: RowPermutation?)] = []
    for role in model.roles where scheme.holds(role) {
      guard let index = model[role] else { continue }
      let source = model.catalogue.tensors[index]
      tensors.append(
        TensorDescriptor(
          name: scheme.name(of: role, in: model.architecture), type: source.type,
          shape: source.shape))
      sources.append((index, role.isRotated ? permutation : nil))
    }
    self.tensors = tensors
    self.sources = sources
  }

  /// The same tensors under the same names, rows of queries and keys in another order.
  ///
  /// - Parameter order: The order.
  /// - Returns: The view; its tensors have the indices they have here.
  package func ordered(_ order: Architecture.RowOrder) -> LlamaView {
    LlamaView(model, as: scheme, order)
  }

  /// Whether the model's own rows are in an order.
  ///
  /// - Parameter order: The order.
  /// - Returns: Whether they are read as they are stored.
  package func isStored(in order: Architecture.RowOrder) -> Bool { model.rowOrder == order }

  /// The ordinal of the tensor it comes from.
  package func readingOrdinal(ofTensor index: Int) -> Int {
    catalogue.readingOrdinal(ofTensor: sources[index].index)
  }

  /// Reads rows, those of queries and keys in the scheme's order.
  package func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let source = sources[index]
    guard let order = source.order else {
      return try catalogue.read(rows: rows, ofTensor: source.index, into: &bytes, at: offset)
    }
    guard tensors[index].shape.extents.count > 1 else {
      return try readVector(rows, index, order, into: &bytes, at: offset)
    }
    // One read for each head: rows change places within it only.
    let size = tensors[index].bytesPerRow
    var first = rows.lowerBound
    while first < rows.upperBound {
      let end = min(rows.upperBound, (first / order.head + 1) * order.head)
      let sources = (first..<end).map(order.source)
      let (low, high) = (sources.min() ?? first, sources.max() ?? first)
      let block = try catalogue.bytes(rows: low..<high + 1, ofTensor: source.index)
      for (place, row) in sources.enumerated() {
        bytes.copy(
          block, from: (row - low) * size, count: size,
          to: offset + (first - rows.lowerBound + place) * size)
      }
      first = end
    }
  }

  /// Reads what is added to queries or keys, or multiplies them: one row, whose values change places
  /// as the rows of the matrix do.
  private func readVector(
    _ rows: Range<Int>, _ index: Int, _ order: RowPermutation, into bytes: inout MutableRawSpan,
    at offset: Int
  ) throws(WeightmillError) {
    let tensor = tensors[index]
    guard tensor.type.valuesPerBlock == 1 else {
      throw WeightmillError(
        .unsupported, location,
        "tensor \(quoted(tensor.name)) is of type \(tensor.type.name), whose values cannot change "
          + "places", remedy: "start from the model before it was quantized")
    }
    let size = tensor.type.bytesPerBlock
    let values = try catalogue.bytes(rows: rows, ofTensor: sources[index].index)
    for place in 0..<values.count / size {
      bytes.copy(
        values, from: order.source(of: place) * size, count: size, to: offset + place * size)
    }
  }
}

/// The permutation of a head's rows between the two orders.
///
/// With head dimension *d*, *i* < *d*/2 and *j* in {0, 1}: row *hd* + *j* *d*/2 + *i* of the halves
/// order is row *hd* + 2*i* + *j* of the neighbours order.
struct RowPermutation: Sendable {
  let head: Int
  let to: Architecture.RowOrder

  /// The row of the other order that a row of the target order is.
  func source(of row: Int) -> Int {
    let (first, place) = (row / head * head, row % head)
    switch to {
    case .halves: return first + place % (head / 2) * 2 + place / (head / 2)
    case .neighbours: return first + place % 2 * (head / 2) + place / 2
    }
  }
}

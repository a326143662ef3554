internal import Synchronization
package import WeightmillLLaMA
package import WeightmillTensors

/// Float32 tensors of a model whose values are summed up while they are read.
///
/// Each row is summed by itself, so that the sums do not depend on who reads which rows in which
/// order; rows may be read several times. A tensor's rows are added up when the last one comes, in
/// Hugging Face's order, whatever the order in which `ordered(_:)` gives them. Memory is a double for
/// each row of the tensors that are being read.
package struct SummedCatalogue: RowOrderedCatalogue {
  /// The catalogue's file or folder.
  package let location: String
  /// The catalogue's tensors.
  package let tensors: [TensorDescriptor]
  private var catalogue: any Catalogue
  private let isRotated: [Bool]
  private let head: Int
  private let rowSums: RowSums
  /// The order of rows in which the tensors are read.
  private var order = Architecture.RowOrder.halves

  /// Watches a catalogue.
  ///
  /// - Parameters:
  ///   - catalogue: The tensors, all F32, under Hugging Face's names and in its order of rows.
  ///   - configuration: The sizes of the model they make.
  package init(_ catalogue: any Catalogue, _ configuration: LlamaConfiguration) {
    self.catalogue = catalogue
    isRotated = catalogue.tensors.map {
      let role = NamingScheme.huggingFace.role(of: $0.name, in: configuration.architecture)
      return role?.isRotated == true
    }
    head = configuration.headDimension
    location = catalogue.location
    tensors = catalogue.tensors
    rowSums = RowSums(heights: catalogue.tensors.map(\.shape.rows))
  }

  /// The same tensors with the rows of queries and keys in another order, if the catalogue has it;
  /// what is read of them counts here, too.
  package func ordered(_ order: Architecture.RowOrder) -> (any Catalogue)? {
    guard let ordered = (catalogue as? any RowOrderedCatalogue)?.ordered(order) else { return nil }
    var other = self
    other.catalogue = ordered
    other.order = order
    return other
  }

  /// The ordinal of the tensor it comes from.
  package func readingOrdinal(ofTensor index: Int) -> Int {
    catalogue.readingOrdinal(ofTensor: index)
  }

  /// Reads rows and adds up their values.
  package func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let columns = tensors[index].shape.columns
    precondition(tensors[index].type == .f32, "only float32 values are summed up")
    precondition(offset >= 0 && offset + rows.count * columns * 4 <= bytes.byteCount)
    try catalogue.read(rows: rows, ofTensor: index, into: &bytes, at: offset)
    rowSums.note(sums(of: rows, index, in: &bytes, at: offset), ofTensor: index)
  }

  /// The sums of rows that were read, by their numbers in Hugging Face's order.
  private func sums(
    of rows: Range<Int>, _ index: Int, in bytes: inout MutableRawSpan, at offset: Int
  ) -> [(row: Int, sum: Double)] {
    let columns = tensors[index].shape.columns
    let isPermuted = order != .halves && isRotated[index]
    let isVector = tensors[index].shape.extents.count == 1
    let (toOrder, toHalves) = (
      RowPermutation(head: head, to: order), RowPermutation(head: head, to: .halves)
    )
    var values = [Float](repeating: 0, count: columns)
    return unsafe bytes.withUnsafeMutableBytes { buffer -> [(row: Int, sum: Double)] in
      guard let start = buffer.baseAddress else { return [] }
      return rows.enumerated().map { number, row in
        unsafe values.withUnsafeMutableBufferPointer { values in
          guard let to = values.baseAddress else { return }
          unsafe ScalarRows.decode(
            start + (offset &+ number &* columns &* 4), as: .f32, to, count: columns)
        }
        guard isPermuted, isVector else {
          let sum = values.reduce(0.0) { $0 + Double($1) }
          return (isPermuted ? toOrder.source(of: row) : row, sum)
        }
        return (row, values.indices.reduce(0.0) { $0 + Double(values[toHalves.source(of: $1)]) })
      }
    }
  }

  /// The sum of each tensor's values in the order of `tensors`, or `nil` when rows were not read.
  package var sums: [Double]? { rowSums.ofTensors }
}

/// The sums of the rows of tensors, of which some have been read.
private final class RowSums: Sendable {
  private enum State {
    case reading(rows: [Double?], missing: Int)
    case done(Double)
  }

  private let heights: [Int]
  private let states: Mutex<[State]>

  /// Begins with nothing read of tensors that have so many rows.
  init(heights: [Int]) {
    self.heights = heights
    states = Mutex(heights.map { .reading(rows: [], missing: $0) })
  }

  /// Takes the sums of some rows.
  func note(_ sums: [(row: Int, sum: Double)], ofTensor index: Int) {
    states.withLock { Self.note(sums, in: &$0[index], height: heights[index]) }
  }

  private static func note(
    _ sums: [(row: Int, sum: Double)], in state: inout State, height: Int
  ) {
    guard case .reading(var seen, var missing) = state else { return }
    // Taken out, so that the rows are changed in place.
    state = .done(0)
    if seen.isEmpty { seen = [Double?](repeating: nil, count: height) }
    for (row, sum) in sums where seen[row] == nil {
      seen[row] = sum
      missing -= 1
    }
    state =
      missing > 0
      ? .reading(rows: seen, missing: missing) : .done(seen.reduce(0) { $0 + ($1 ?? 0) })
  }

  /// The sum of each tensor's values, or `nil` when rows were not read.
  var ofTensors: [Double]? {
    let sums = states.withLock { states in
      states.map { state -> Double? in
        if case .done(let sum) = state { return sum }
        return nil
      }
    }
    let done = sums.compactMap { $0 }
    return done.count == heights.count ? done : nil
  }
}

internal import Synchronization
package import WeightmillTensors

/// Float32 tensors whose values are summed up while they are read.
///
/// Each row is summed by itself, so that the sums do not depend on who reads which rows in which
/// order; rows may be read several times. A tensor's rows are added up when the last one comes.
/// Memory is a double for each row of the tensors that are being read.
package final class SummedCatalogue: Catalogue {
  /// The catalogue's file or folder.
  package let location: String
  /// The catalogue's tensors.
  package let tensors: [TensorDescriptor]
  private let catalogue: any Catalogue
  private let states: Mutex<[State]>

  private enum State {
    case reading(rows: [Double?], missing: Int)
    case done(Double)
  }

  /// Watches a catalogue.
  ///
  /// - Parameter catalogue: The tensors, all F32.
  package init(_ catalogue: any Catalogue) {
    self.catalogue = catalogue
    location = catalogue.location
    tensors = catalogue.tensors
    states = Mutex(
      catalogue.tensors.map { .reading(rows: [], missing: $0.shape.rows) })
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
    var sums = [Double](repeating: 0, count: rows.count)
    var values = [Float](repeating: 0, count: columns)
    unsafe bytes.withUnsafeMutableBytes { buffer in
      guard let start = buffer.baseAddress else { return }
      for row in 0..<rows.count {
        unsafe values.withUnsafeMutableBufferPointer { values in
          guard let to = values.baseAddress else { return }
          unsafe ScalarRows.decode(
            start + (offset &+ row &* columns &* 4), as: .f32, to, count: columns)
        }
        sums[row] = values.reduce(0.0) { $0 + Double($1) }
      }
    }
    states.withLock { Self.note(sums, of: rows, in: &$0[index], height: tensors[index].shape.rows) }
  }

  private static func note(
    _ sums: [Double], of rows: Range<Int>, in state: inout State, height: Int
  ) {
    guard case .reading(var seen, var missing) = state else { return }
    // Taken out, so that the rows are changed in place.
    state = .done(0)
    if seen.isEmpty { seen = [Double?](repeating: nil, count: height) }
    for (row, sum) in zip(rows, sums) where seen[row] == nil {
      seen[row] = sum
      missing -= 1
    }
    state =
      missing > 0
      ? .reading(rows: seen, missing: missing) : .done(seen.reduce(0) { $0 + ($1 ?? 0) })
  }

  /// The sum of each tensor's values in the order of `tensors`, or `nil` when rows were not read.
  package var sums: [Double]? {
    let sums = states.withLock { states in
      states.map { state -> Double? in
        if case .done(let sum) = state { return sum }
        return nil
      }
    }
    let done = sums.compactMap { $0 }
    return done.count == tensors.count ? done : nil
  }
}

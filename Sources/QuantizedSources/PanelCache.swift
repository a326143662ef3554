import Synchronization
import WeightmillTensors

/// Some columns of a matrix that is stored transposed, as rows.
struct ColumnPanel: Sendable {
  /// The rows of the matrix.
  let rows: Range<Int>
  /// The words of a column of codes.
  let wordCount: Int
  /// The scales, and zero points, of a row.
  let groupCount: Int
  /// The columns of codes, one after the other.
  var words: [UInt32] = []
  /// The scales of each row.
  var scales: [Float] = []
  /// The zero points of each row.
  var zeros: [Float] = []

  init(rows: Range<Int>, wordCount: Int, groupCount: Int) {
    self.rows = rows
    self.wordCount = wordCount
    self.groupCount = groupCount
  }
}

/// The last panels that were read: threads that work on neighbouring rows share them.
final class PanelCache: Sendable {
  /// One that is left and one that is begun.
  private static let capacity = 2

  private struct Entry {
    let number: Int
    let matrix: Int
    let panel: ColumnPanel
  }

  /// How many bytes a panel holds; more only if the fewest rows that it may have need them.
  let panelBytes: Int
  private let entries = Mutex<[Entry]>([])

  init(panelBytes: Int) { self.panelBytes = panelBytes }

  /// A panel, from the cache or read now; meanwhile the other threads wait, which want it as well.
  ///
  /// - Parameters:
  ///   - number: Which panel of the matrix.
  ///   - matrix: Which matrix.
  ///   - read: Reads it.
  /// - Returns: The panel.
  /// - Throws: What `read` throws.
  func panel(
    _ number: Int, of matrix: Int, read: () throws(WeightmillError) -> ColumnPanel
  ) throws(WeightmillError) -> ColumnPanel {
    try entries.withLock { (entries) throws(WeightmillError) in
      if let entry = entries.first(where: { $0.number == number && $0.matrix == matrix }) {
        return entry.panel
      }
      // Before reading, so that no more than the capacity is held at any time.
      if entries.count == Self.capacity { entries.removeFirst() }
      let panel = try read()
      entries.append(Entry(number: number, matrix: matrix, panel: panel))
      return panel
    }
  }
}

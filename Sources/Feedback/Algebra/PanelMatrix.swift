import CWeightmillKernels
package import WeightmillLLaMA
package import WeightmillTensors

/// A matrix of binary32 numbers in panels of 16 columns: `[panel][row][16]`.
///
/// The vectors of a forward pass are one: a row for each feature, a column for each token. Several threads
/// may write to it, each to its own part.
@safe package final class PanelMatrix: @unchecked Sendable {
  /// The number of columns that lie side by side.
  package static let width = Int(WEIGHTMILL_TOKENS)

  /// The number of rows.
  package let rows: Int
  /// The number of columns. Those that the last panel has too many hold nothing of use.
  package let columns: Int
  private let base: UnsafeMutablePointer<Float>
  /// The vectors that are looked at, if the matrix is not its own.
  private let owner: Activations?

  /// Makes a matrix of zeros.
  package init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    owner = nil
    let count = max(1, (columns + Self.width - 1) / Self.width * Self.width * rows)
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: count * MemoryLayout<Float>.size, alignment: 64)
    unsafe base = memory.initializeMemory(as: Float.self, repeating: 0, count: count)
  }

  /// Looks at vectors of binary32: a row for each feature, a column for each vector. They are only read.
  package init(_ vectors: Activations) {
    precondition(vectors.precision == .single)
    rows = vectors.columns
    columns = vectors.rows
    owner = vectors
    unsafe base = vectors.address(panel: 0).assumingMemoryBound(to: Float.self)
  }

  deinit { if owner == nil { unsafe base.deallocate() } }

  /// The number of panels.
  package var panels: Int { (columns + Self.width - 1) / Self.width }

  /// The number of a panel's numbers.
  var stride: Int { rows * Self.width }

  /// Where a row of a panel begins.
  package func address(panel: Int, row: Int = 0) -> UnsafeMutablePointer<Float> {
    unsafe base + (panel * stride + row * Self.width)
  }

  /// One number.
  package subscript(row: Int, column: Int) -> Float {
    get {
      precondition((0..<rows).contains(row) && (0..<columns).contains(column))
      return unsafe address(panel: column / Self.width, row: row)[column % Self.width]
    }
    set {
      precondition((0..<rows).contains(row) && (0..<columns).contains(column))
      unsafe address(panel: column / Self.width, row: row)[column % Self.width] = newValue
    }
  }

  /// Copies numbers of a row.
  ///
  /// - Parameters:
  ///   - row: The row.
  ///   - range: The columns; begins where a panel does.
  ///   - target: Room for them.
  func copy(row: Int, columns range: Range<Int>, to target: UnsafeMutablePointer<Float>) {
    precondition((0..<rows).contains(row) && range.lowerBound % Self.width == 0)
    precondition(range.lowerBound >= 0 && range.upperBound <= columns)
    for first in Swift.stride(from: range.lowerBound, to: range.upperBound, by: Self.width) {
      unsafe (target + (first - range.lowerBound)).update(
        from: address(panel: first / Self.width, row: row),
        count: min(Self.width, range.upperBound - first))
    }
  }

  /// The matrix with rows and columns exchanged, of some rows and columns of this one.
  ///
  /// - Parameters:
  ///   - rows: The rows, which become columns.
  ///   - columns: The columns, which become rows; begin where a panel does.
  ///   - sign: What all numbers are multiplied by: 1 or -1.
  ///   - workers: The threads.
  /// - Returns: A matrix of its own.
  package func transposed(
    rows: Range<Int>, columns: Range<Int>, sign: Float = 1, _ workers: Workers
  ) -> PanelMatrix {
    let result = PanelMatrix(rows: columns.count, columns: rows.count)
    workers.forEach(result.panels, scratch: {}) { (panel, _) in
      let first = rows.lowerBound + panel * Self.width
      let count = min(Self.width, rows.upperBound - first)
      for source in Swift.stride(from: columns.lowerBound, to: columns.upperBound, by: Self.width) {
        let target = unsafe result.address(panel: panel, row: source - columns.lowerBound)
        let lanes = min(Self.width, columns.upperBound - source)
        for row in 0..<count {
          let from = unsafe self.address(panel: source / Self.width, row: first + row)
          for lane in 0..<lanes {
            unsafe target[lane * Self.width + row] = sign * from[lane]
          }
        }
      }
    }
    return result
  }
}

extension PanelMatrix {
  /// The sum of this matrix and a multiple of another of the same size.
  func adding(_ other: PanelMatrix, times factor: Float) -> PanelMatrix {
    precondition(rows == other.rows && columns == other.columns)
    let result = PanelMatrix(rows: rows, columns: columns)
    for panel in 0..<panels {
      let to = unsafe result.address(panel: panel)
      let (first, second) = unsafe (address(panel: panel), other.address(panel: panel))
      for index in 0..<stride { unsafe to[index] = first[index] + factor * second[index] }
    }
    return result
  }

  /// Copies some panels.
  func copy(panels range: Range<Int>) -> PanelMatrix {
    let result = PanelMatrix(
      rows: rows,
      columns: min(columns, range.upperBound * Self.width) - range.lowerBound * Self.width)
    for (index, panel) in range.enumerated() {
      unsafe result.address(panel: index).update(from: address(panel: panel), count: stride)
    }
    return result
  }

  /// Writes some panels.
  func replace(panels range: Range<Int>, with other: PanelMatrix) {
    precondition(other.rows == rows && other.panels == range.count)
    for (index, panel) in range.enumerated() {
      unsafe address(panel: panel).update(from: other.address(panel: index), count: stride)
    }
  }

  /// The sum of the squares of all numbers: in binary64, row by row within a panel, panel after panel.
  var squares: Double {
    var sum = 0.0
    for panel in 0..<panels {
      let lanes = min(Self.width, columns - panel * Self.width)
      for row in 0..<rows {
        let from = unsafe address(panel: panel, row: row)
        for lane in 0..<lanes { unsafe sum += Double(from[lane]) * Double(from[lane]) }
      }
    }
    return sum
  }
}

extension PanelMatrix {
  /// All of its bytes.
  var bytes: UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(
      start: address(panel: 0), count: panels * stride * MemoryLayout<Float>.size)
  }
}

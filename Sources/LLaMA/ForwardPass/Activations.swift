/// Float32 vectors, one for each token: a row-major matrix.
public struct Activations: Sendable {
  /// The number of vectors.
  public let rows: Int
  /// The length of each.
  public let columns: Int
  /// The vectors one after the other.
  public internal(set) var values: [Float]

  /// Makes vectors of zeros.
  ///
  /// - Parameters:
  ///   - rows: The number of vectors.
  ///   - columns: The length of each.
  public init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    self.values = [Float](repeating: 0, count: rows * columns)
  }

  /// One vector.
  ///
  /// - Parameter row: Its number.
  public subscript(_ row: Int) -> ArraySlice<Float> {
    values[row * columns..<(row + 1) * columns]
  }

  /// Adds other vectors of the same shape.
  mutating func add(_ other: Activations) {
    precondition(values.count == other.values.count)
    for place in values.indices { values[place] += other.values[place] }
  }
}

/// A place that several threads write to, each its own part of it.
@unsafe struct SharedFloats: @unchecked Sendable {
  let base: UnsafeMutablePointer<Float>
}

/// A place that several threads read.
@unsafe struct SharedConstants: @unchecked Sendable {
  let base: UnsafePointer<Float>
}

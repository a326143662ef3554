import CWeightmillKernels

/// A vector for each token, in binary32 or binary64.
///
/// Tokens lie side by side, in panels of 16: `[panel][feature][16 tokens]`. So the output of a product
/// is the input of the next, and each lane of a machine vector works for one token. Tokens that the
/// last panel has too many are zeros, or whatever becomes of zeros.
package struct Activations: Sendable {
  /// The number of vectors.
  package let rows: Int
  /// The length of each.
  package let columns: Int
  /// The numbers.
  package let precision: Precision
  private var storage: PanelStorage

  /// Makes vectors of zeros.
  ///
  /// - Parameters:
  ///   - rows: The number of vectors.
  ///   - columns: The length of each.
  ///   - precision: The numbers.
  package init(rows: Int, columns: Int, precision: Precision = .single) {
    self.init(rows: rows, columns: columns, precision: precision, isZeroed: true)
  }

  /// Makes vectors; all numbers must be written before they are read, unless they are zeros.
  init(rows: Int, columns: Int, precision: Precision, isZeroed: Bool) {
    self.rows = rows
    self.columns = columns
    self.precision = precision
    let panels = (rows + Kernels.tokens - 1) / Kernels.tokens
    storage = PanelStorage(
      byteCount: panels * columns * Kernels.tokens * precision.size, isZeroed: isZeroed)
  }

  /// A copy of one vector.
  ///
  /// - Parameter row: Its number.
  package subscript(_ row: Int) -> [Double] {
    precondition((0..<rows).contains(row))
    return (0..<columns).map { self[row, $0] }
  }

  /// A copy of one vector in binary32.
  ///
  /// - Parameter row: Its number.
  /// - Returns: Its numbers.
  func floats(_ row: Int) -> [Float] {
    let first = unsafe UnsafeRawPointer(lane(row))
    let step = Kernels.tokens * precision.size
    return (0..<columns).map { column in
      switch precision {
      case .single: unsafe first.load(fromByteOffset: column * step, as: Float.self)
      case .double: unsafe Float(first.load(fromByteOffset: column * step, as: Double.self))
      }
    }
  }

  /// Copies of some of the vectors.
  ///
  /// - Parameter rows: Their numbers.
  /// - Returns: As many vectors, in this order.
  package func selecting(_ rows: [Int]) -> Activations {
    let selected = Activations(rows: rows.count, columns: columns, precision: precision)
    for (index, row) in rows.enumerated() {
      unsafe precision.copyLane(
        of: lane(row), columns, to: selected.lane(index))
    }
    return selected
  }

  /// Copies of some features of all vectors.
  ///
  /// - Parameter range: The features.
  /// - Returns: As many vectors, of these features.
  func selecting(columns range: Range<Int>) -> Activations {
    precondition((0...columns).contains(range.lowerBound) && range.upperBound <= columns)
    let selected = Activations(
      rows: rows, columns: range.count, precision: precision, isZeroed: false)
    for panel in 0..<panelCount {
      unsafe selected.address(panel: panel).copyMemory(
        from: address(panel: panel, column: range.lowerBound),
        byteCount: selected.panelStride * precision.size)
    }
    return selected
  }

  /// The distance of these vectors from others: the sums over all their numbers of (self - other)²
  /// and of other².
  ///
  /// Sums are binary64 in a fixed order: each vector by itself, then the vectors of each panel of 16,
  /// then the panels.
  ///
  /// - Parameter other: As many vectors of the same length, in the same precision.
  /// - Returns: Both sums.
  package func squaredDifference(from other: Activations) -> (difference: Double, size: Double) {
    precondition(rows == other.rows && columns == other.columns && precision == other.precision)
    let kernels = Kernels(precision)
    var (difference, size) = (0.0, 0.0)
    for panel in 0..<panelCount {
      var sums = [0.0, 0.0]
      unsafe weightmill_differences(
        kernels.mode, address(panel: panel), other.address(panel: panel), columns,
        lanes(panel: panel), &sums)
      difference += sums[0]
      size += sums[1]
    }
    return (difference, size)
  }

  /// Adds the square of each number to its column's sum, token by token.
  ///
  /// - Parameter sums: A sum for each column.
  package func addSquares(to sums: inout [Double]) {
    precondition(sums.count == columns)
    let kernels = Kernels(precision)
    for panel in 0..<panelCount {
      unsafe weightmill_add_squares(
        kernels.mode, address(panel: panel), columns, lanes(panel: panel), &sums)
    }
  }

  /// Adds each number to its column's sum, token by token.
  ///
  /// - Parameter sums: A sum for each column.
  package func addValues(to sums: inout [Double]) {
    precondition(sums.count == columns)
    for panel in 0..<panelCount {
      let lanes = lanes(panel: panel)
      for column in 0..<columns {
        let first = unsafe address(panel: panel, column: column)
        var sum = sums[column]
        for lane in 0..<lanes {
          switch precision {
          case .single: unsafe sum += Double(first.load(fromByteOffset: lane * 4, as: Float.self))
          case .double: unsafe sum += first.load(fromByteOffset: lane * 8, as: Double.self)
          }
        }
        sums[column] = sum
      }
    }
  }

  /// The sum of the squares of some features of all vectors, added as `squaredDifference` does.
  func squares(columns: Range<Int>) -> Double {
    precondition((0..<self.columns).contains(columns))
    let kernels = Kernels(precision)
    return (0..<panelCount).reduce(0.0) { total, panel in
      var sums = [0.0, 0.0]
      let base = unsafe address(panel: panel, column: columns.lowerBound)
      unsafe weightmill_differences(
        kernels.mode, base, base, columns.count, lanes(panel: panel), &sums)
      return total + sums[1]
    }
  }

  // MARK: Panels

  /// The number of panels.
  package var panelCount: Int { (rows + Kernels.tokens - 1) / Kernels.tokens }

  /// The number of a panel's numbers.
  package var panelStride: Int { columns * Kernels.tokens }

  /// The number of tokens of a panel.
  func lanes(panel: Int) -> Int { min(rows - panel * Kernels.tokens, Kernels.tokens) }

  /// Where a feature of a panel begins. Only those write there who have made the vectors, or called
  /// `makeUnique`.
  package func address(panel: Int, column: Int = 0) -> UnsafeMutableRawPointer {
    unsafe storage.base + (panel * panelStride + column * Kernels.tokens) * precision.size
  }

  /// Where the first number of a vector is; the others follow in steps of a panel's tokens.
  private func lane(_ row: Int) -> UnsafeMutableRawPointer {
    precondition((0..<rows).contains(row))
    return unsafe address(panel: row / Kernels.tokens) + row % Kernels.tokens * precision.size
  }

  /// Copies the numbers if another value shares them.
  mutating func makeUnique() {
    if !isKnownUniquelyReferenced(&storage) { storage = PanelStorage(copying: storage) }
  }

  // MARK: Numbers

  /// One number.
  ///
  /// - Parameters:
  ///   - row: The vector's number.
  ///   - column: The feature's.
  package subscript(_ row: Int, _ column: Int) -> Double {
    precondition((0..<rows).contains(row) && (0..<columns).contains(column))
    let address = unsafe address(panel: row / Kernels.tokens, column: column)
    let lane = row % Kernels.tokens * precision.size
    return switch precision {
    case .single: unsafe Double(address.load(fromByteOffset: lane, as: Float.self))
    case .double: unsafe address.load(fromByteOffset: lane, as: Double.self)
    }
  }

  /// Writes a number, which must be one of this precision.
  func set(_ number: Double, row: Int, column: Int) {
    let address = unsafe address(panel: row / Kernels.tokens, column: column)
    let lane = row % Kernels.tokens * precision.size
    switch precision {
    case .single: unsafe address.storeBytes(of: Float(number), toByteOffset: lane, as: Float.self)
    case .double: unsafe address.storeBytes(of: number, toByteOffset: lane, as: Double.self)
    }
  }
}

/// The triangle of one block of a factor, in binary64.
struct Triangle {
  private let size: Int
  /// Row-major; what lies below the diagonal is of no use.
  private var numbers: [Double]
  /// The columns that have lost their digits.
  private var lost: [Int] = []

  /// Factors a block of the moments: block = R Rᵀ, with R upper triangular.
  ///
  /// - Parameters:
  ///   - moments: The moments, of which the upper triangle is read.
  ///   - columns: The block.
  ///   - damping: What was added to the diagonal. A column of which less than a quarter of it is left has lost
  ///     its digits: it gets that quarter, and nothing to do with the others.
  init(_ moments: PanelMatrix, _ columns: Range<Int>, damping: Double) {
    let size = columns.count
    self.size = size
    numbers = [Double](repeating: 0, count: size * size)
    for row in 0..<size {
      for column in row..<size {
        numbers[row * size + column] = Double(
          moments[columns.lowerBound + row, columns.lowerBound + column])
      }
    }
    var found = [Double](repeating: 0, count: size)
    var lost: [Int] = []
    unsafe numbers.withUnsafeMutableBufferPointer { numbers in
      unsafe found.withUnsafeMutableBufferPointer { found in
        for k in (0..<size).reversed() {
          let pivot = unsafe numbers[k * size + k]
          let isLost = !(pivot >= 0.25 * damping)
          if isLost { lost.append(k) }
          let root = (isLost ? 0.25 * damping : pivot).squareRoot()
          for row in 0..<k { unsafe found[row] = isLost ? 0 : numbers[row * size + k] / root }
          for row in 0..<k {
            let factor = unsafe found[row]
            let base = row * size
            for column in row..<k { unsafe numbers[base + column] -= factor * found[column] }
            unsafe numbers[base + k] = factor
          }
          unsafe numbers[k * size + k] = root
        }
      }
    }
    self.lost = lost
  }

  /// A number of the diagonal.
  func diagonal(_ index: Int) -> Float { Float(numbers[index * size + index]) }

  /// Writes R where the block was.
  func store(to matrix: PanelMatrix, _ columns: Range<Int>) {
    for row in 0..<size {
      for column in row..<size {
        matrix[columns.lowerBound + row, columns.lowerBound + column] = Float(
          numbers[row * size + column])
      }
    }
  }

  /// The inverse of R, upper triangular; rows of columns that have lost their digits are zeros, so that
  /// nothing follows from them outside of the block, either.
  func inverse() -> PanelMatrix {
    var inverse = [Double](repeating: 0, count: size * size)
    unsafe inverse.withUnsafeMutableBufferPointer { inverse in
      unsafe numbers.withUnsafeBufferPointer { numbers in
        for row in (0..<size).reversed() {
          let base = row * size
          unsafe inverse[base + row] = 1
          for k in row + 1..<max(size, row + 1) {
            let factor = unsafe numbers[base + k]
            let other = k * size
            for column in k..<size {
              unsafe inverse[base + column] -= factor * inverse[other + column]
            }
          }
          let pivot = unsafe numbers[base + row]
          for column in row..<size { unsafe inverse[base + column] /= pivot }
        }
      }
    }
    let result = PanelMatrix(rows: size, columns: size)
    for row in 0..<size where !lost.contains(row) {
      for column in row..<size { result[row, column] = Float(inverse[row * size + column]) }
    }
    return result
  }
}

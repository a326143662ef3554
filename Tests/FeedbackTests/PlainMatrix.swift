import WeightmillFeedback
import WeightmillTestSupport

/// A matrix of binary64 numbers, and plain loops over them: what products and factors are compared with.
struct PlainMatrix: Sendable {
  let rows: Int
  let columns: Int
  /// Row by row.
  var numbers: [Double]

  init(rows: Int, columns: Int, _ number: (Int, Int) -> Double = { _, _ in 0 }) {
    self.rows = rows
    self.columns = columns
    numbers = []
    numbers.reserveCapacity(rows * columns)
    for row in 0..<rows { for column in 0..<columns { numbers.append(number(row, column)) } }
  }

  init(_ panels: PanelMatrix) {
    self.init(rows: panels.rows, columns: panels.columns) { Double(panels[$0, $1]) }
  }

  /// Numbers of a normal distribution, which binary32 holds.
  static func random(_ rows: Int, _ columns: Int, seed: UInt64) -> PlainMatrix {
    var random = SeededGenerator(seed: seed)
    return PlainMatrix(rows: rows, columns: columns) { _, _ in Double(random.gaussian()) }
  }

  subscript(row: Int, column: Int) -> Double {
    get { numbers[row * columns + column] }
    set { numbers[row * columns + column] = newValue }
  }

  /// The numbers, rounded to binary32, in panels.
  var panels: PanelMatrix {
    let result = PanelMatrix(rows: rows, columns: columns)
    for row in 0..<rows {
      for column in 0..<columns { result[row, column] = Float(self[row, column]) }
    }
    return result
  }

  /// The numbers as binary32 holds them.
  var rounded: PlainMatrix {
    PlainMatrix(rows: rows, columns: columns) { Double(Float(self[$0, $1])) }
  }

  var transposed: PlainMatrix { PlainMatrix(rows: columns, columns: rows) { self[$1, $0] } }

  /// The diagonal, in binary32.
  var diagonal: [Float] { (0..<rows).map { Float(self[$0, $0]) } }

  /// Whether all numbers are finite.
  var isFinite: Bool { numbers.allSatisfy { $0.isFinite } }

  /// The square root of the sum of all squares.
  var norm: Double { numbers.reduce(0) { $0 + $1 * $1 }.squareRoot() }

  static func * (left: PlainMatrix, right: PlainMatrix) -> PlainMatrix {
    precondition(left.columns == right.rows)
    var result = PlainMatrix(rows: left.rows, columns: right.columns)
    for row in 0..<left.rows {
      for k in 0..<left.columns {
        let factor = left[row, k]
        for column in 0..<right.columns {
          result.numbers[row * right.columns + column] += factor * right[k, column]
        }
      }
    }
    return result
  }

  static func - (left: PlainMatrix, right: PlainMatrix) -> PlainMatrix {
    PlainMatrix(rows: left.rows, columns: left.columns) { left[$0, $1] - right[$0, $1] }
  }

  /// The matrix with a number added to its diagonal.
  func damped(_ damping: Double) -> PlainMatrix {
    PlainMatrix(rows: rows, columns: columns) { self[$0, $1] + ($0 == $1 ? damping : 0) }
  }

  /// R, upper triangular, with R Rᵀ = this positive definite matrix.
  var upperFactor: PlainMatrix {
    var rest = self
    for k in (0..<rows).reversed() {
      let root = rest[k, k].squareRoot()
      for row in 0..<k { rest[row, k] /= root }
      rest[k, k] = root
      for row in 0..<k {
        for column in row..<k { rest[row, column] -= rest[row, k] * rest[column, k] }
      }
    }
    return PlainMatrix(rows: rows, columns: rows) { $0 <= $1 ? rest[$0, $1] : 0 }
  }

  /// The inverse of this positive definite matrix times another.
  func solve(_ right: PlainMatrix) -> PlainMatrix {
    let factor = upperFactor
    var result = right
    for row in (0..<rows).reversed() {
      for column in 0..<right.columns {
        for k in row + 1..<max(rows, row + 1) {
          result[row, column] -= factor[row, k] * result[k, column]
        }
        result[row, column] /= factor[row, row]
      }
    }
    for row in 0..<rows {
      for column in 0..<right.columns {
        for k in 0..<row { result[row, column] -= factor[k, row] * result[k, column] }
        result[row, column] /= factor[row, row]
      }
    }
    return result
  }
}

extension PlainMatrix {
  /// Inputs of a layer: a column for each token. Features lie near a space of few dimensions, some are large.
  static func inputs(_ size: Int, tokens: Int, rank: Int, noise: Double, seed: UInt64)
    -> PlainMatrix
  {
    let common = random(size, rank, seed: seed) * random(rank, tokens, seed: seed + 1)
    let own = random(size, tokens, seed: seed + 2)
    return PlainMatrix(rows: size, columns: tokens) { feature, token in
      let scale = feature % 17 == 3 ? 4.0 : 0.5 + 0.125 * Double(feature % 5)
      return scale
        * (common[feature, token] / Double(rank).squareRoot() + noise * own[feature, token])
    }.rounded
  }

  /// Second moments of such inputs, symmetric, as binary32 holds them.
  static func moments(
    _ size: Int, rank: Int = 12, noise: Double = 0.3, seed: UInt64 = 91
  ) -> PlainMatrix {
    let inputs = inputs(size, tokens: size + 40, rank: rank, noise: noise, seed: seed)
    return (inputs * inputs.transposed).rounded
  }

  /// The mean of the diagonal.
  var mean: Double { (0..<rows).reduce(0) { $0 + self[$1, $1] } / Double(rows) }
}

extension PanelMatrix {
  /// The bits of all numbers, row by row.
  var bits: [UInt32] {
    (0..<rows).flatMap { row in (0..<columns).map { self[row, $0].bitPattern } }
  }

  /// The bits of a triangle, the diagonal left out.
  func triangle(isUpper: Bool) -> [UInt32] {
    (0..<rows).flatMap { row in
      (isUpper ? row + 1..<max(columns, row + 1) : 0..<row).map { self[row, $0].bitPattern }
    }
  }
}

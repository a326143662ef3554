import CWeightmillKernels
import Testing
import WeightmillLLaMA
import WeightmillTensors
import WeightmillTestSupport

/// The C kernels of the forward pass against plain loops, at every level of instructions.
struct ForwardKernelTests {
  private static let tokens = Int(WEIGHTMILL_TOKENS)

  private static func modes(double: Bool) -> [weightmill_mode] {
    (0...weightmill_forward_level()).map {
      weightmill_mode(level: Int32($0), is_double: double ? 1 : 0)
    }
  }

  private struct Shape: CustomTestStringConvertible {
    let rows: Int
    let columns: Int
    let panels: Int
    var testDescription: String { "\(rows)x\(columns), \(panels) panels" }
  }

  private static let shapes = [
    (1, 1, 1), (5, 255, 2), (6, 256, 1), (7, 257, 3), (50, 600, 2), (25, 300, 5),
  ].map {
    Shape(rows: $0.0, columns: $0.1, panels: $0.2)
  }

  /// Random weights, and panels of vectors.
  private static func inputs(_ shape: Shape) -> (weights: [Float], vectors: [Float]) {
    var random = SeededGenerator(seed: 5)
    return (
      (0..<shape.rows * shape.columns).map { _ in random.gaussian() },
      (0..<shape.panels * shape.columns * tokens).map { _ in random.gaussian() }
    )
  }

  /// What a kernel makes of weights that are packed as it wants them.
  private static func products<Number: BinaryFloatingPoint & BitwiseCopyable>(
    _ mode: weightmill_mode, _ shape: Shape, _ weights: [Float], _ vectors: [Number]
  ) -> [Number] {
    let height = weightmill_block_rows(mode)
    let blocks = (shape.rows + height - 1) / height
    var packed = [Number](repeating: .nan, count: blocks * height * shape.columns)
    var output = [Number](repeating: .nan, count: shape.panels * shape.rows * tokens)
    for block in 0..<blocks {
      let rows = block * height..<min((block + 1) * height, shape.rows)
      var part = [Number](repeating: .nan, count: height * shape.columns)
      weightmill_pack(
        mode, Array(weights[rows.lowerBound * shape.columns..<rows.upperBound * shape.columns]),
        shape.columns, rows.count, shape.columns, height, &part)
      packed.replaceSubrange(block * part.count..<(block + 1) * part.count, with: part)
    }
    weightmill_products(
      mode, packed, height * shape.columns, shape.rows, shape.columns, vectors,
      shape.columns * tokens, shape.panels, &output, shape.rows * tokens, 0)
    return output
  }

  @Test(arguments: shapes)
  private func productsAreTheDocumentedChains(shape: Shape) {
    let (weights, vectors) = Self.inputs(shape)
    let wide = vectors.map(Double.init)
    for mode in Self.modes(double: false) {
      let found = Self.products(mode, shape, weights, vectors)
      #expect(found == Self.chains(shape, weights, vectors))
    }
    for mode in Self.modes(double: true) {
      let found = Self.products(mode, shape, weights, wide)
      #expect(found == Self.chains(shape, weights.map(Double.init), wide))
    }
  }

  /// Groups of 256 fused multiply-adds, added in order.
  private static func chains<Number: BinaryFloatingPoint & BitwiseCopyable>(
    _ shape: Shape, _ weights: [Number], _ vectors: [Number]
  ) -> [Number] {
    var output: [Number] = []
    for panel in 0..<shape.panels {
      for row in 0..<shape.rows {
        for lane in 0..<tokens {
          var total: Number = 0
          for first in stride(from: 0, to: shape.columns, by: 256) {
            var sum: Number = 0
            for column in first..<min(first + 256, shape.columns) {
              let x = vectors[(panel * shape.columns + column) * tokens + lane]
              sum.addProduct(weights[row * shape.columns + column], x)
            }
            total = first == 0 ? sum : total + sum
          }
          output.append(total)
        }
      }
    }
    return output
  }

  /// The usual bound of a dot product: columns times the unit roundoff times the sum of sizes. Half of
  /// the columns of a group are a generous stand-in for their number.
  @Test(arguments: shapes)
  private func productsAreNearThoseOfBinary64(shape: Shape) {
    let (weights, vectors) = Self.inputs(shape)
    let found = Self.products(Self.modes(double: false)[0], shape, weights, vectors)
    let exact = Self.chains(shape, weights.map(Double.init), vectors.map(Double.init))
    let sizes = Self.chains(
      shape, weights.map { Double(abs($0)) }, vectors.map { Double(abs($0)) })
    for index in found.indices {
      let bound = Double(min(shape.columns, 128)) * 0x1p-24 * sizes[index]
      #expect(abs(Double(found[index]) - exact[index]) <= bound)
    }
  }

  @Test(arguments: [1, 3, 63, 64], [1, 77, 256])
  func narrowProductsHaveTheSameBits(rows: Int, columns: Int) {
    let shape = Shape(rows: rows, columns: columns, panels: 1)
    let (weights, vectors) = Self.inputs(shape)
    let expected = Self.products(Self.modes(double: false)[0], shape, weights, vectors)
    for mode in Self.modes(double: false) {
      var packed = [Float](repeating: .nan, count: Int(WEIGHTMILL_NARROW) * columns)
      var output = [Float](repeating: 7, count: rows * Self.tokens)
      weightmill_pack(
        mode, weights, columns, rows, columns, Int(WEIGHTMILL_NARROW), &packed)
      weightmill_narrow_products(mode, packed, rows, columns, vectors, 3, &output, 0)
      weightmill_narrow_products(mode, packed, rows, columns, vectors, 3, &output, 1)
      for index in output.indices {
        let isWritten = index % Self.tokens < 3
        #expect(output[index] == (isWritten ? expected[index] + expected[index] : 7))
      }
    }
  }

  // MARK: exp

  @Test func exponentialsOfBinary32AreWithinAUnitInTheLastPlace() {
    let values = (0..<1 << 20).map { -105 + Float($0) * (194 / Float(1 << 20)) }
    let results = Self.modes(double: false).map { mode in
      var results = values
      weightmill_exponentials(mode, &results, results.count)
      return results
    }
    for result in results { #expect(result == results[0]) }
    var worst = 0.0
    for (value, result) in zip(values, results[0]) where result.isNormal {
      let exact = Elementary.exponential(Double(value))
      worst = max(worst, abs(Double(result) - exact) / Double(result.ulp))
    }
    print("exp, binary32: \(worst) units in the last place")
    #expect(worst < 1)
  }

  @Test func exponentialsOfBinary64AreWithinAUnitInTheLastPlace() {
    let values = (0..<1 << 18).map { -700 + Double($0) * (1400 / Double(1 << 18)) }
    let results = Self.modes(double: true).map { mode in
      var results = values
      weightmill_exponentials(mode, &results, results.count)
      return results
    }
    for result in results { #expect(result == results[0]) }
    var worst = 0.0
    for (value, result) in zip(values, results[0]) {
      worst = max(worst, abs(result - Elementary.exponential(value)) / result.ulp)
    }
    print("exp, binary64: \(worst) units in the last place of the C library's")
    #expect(worst <= 1)
  }

  @Test func exponentialsKnowTheirEnds() {
    let values: [Float] = [
      -.infinity, -200, -104, -103.9, 0, 88.7, 88.8, 200, .infinity, .nan, 1e-30, -0.0, 0, 0, 0, 0,
    ]
    for mode in Self.modes(double: false) {
      var results = values
      weightmill_exponentials(mode, &results, results.count)
      #expect(results[0] == 0 && results[1] == 0 && results[2] == 0 && results[4] == 1)
      #expect(results[3] == .leastNonzeroMagnitude)
      #expect(results[5].isFinite && results[6] == .infinity && results[7] == .infinity)
      #expect(results[8] == .infinity && results[9].isNaN && results[10] == 1 && results[11] == 1)
    }
    for mode in Self.modes(double: true) {
      var results = values.map(Double.init) + [-1000, 1000, -745, 709.7]
      results += [Double](repeating: 0, count: 12)
      weightmill_exponentials(mode, &results, results.count)
      #expect(results[0] == 0 && results[4] == 1 && results[8] == .infinity && results[9].isNaN)
      #expect(results[16] == 0 && results[17] == .infinity)
      #expect(results[18] == .leastNonzeroMagnitude && results[19].isFinite)
    }
  }
}

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

  // MARK: Gates, caps, windows

  private static let values: [Double] = (0..<4096).map { -24 + Double($0) * 48 / 4096 }

  /// The results of a kernel at every level, which must be the same, and their largest distance from
  /// what they should be.
  private func worst(
    _ run: (weightmill_mode, inout [Float]) -> Void,
    _ wide: (weightmill_mode, inout [Double]) -> Void,
    _ expected: (Double) -> Double
  ) -> (single: Double, double: Double) {
    var (single, double) = (0.0, 0.0)
    var bits: Set<[Float]> = []
    for mode in Self.modes(double: false) {
      var results = Self.values.map(Float.init)
      run(mode, &results)
      bits.insert(results)
      for (value, result) in zip(Self.values, results) {
        single = max(single, abs(Double(result) - expected(Double(Float(value)))))
      }
    }
    #expect(bits.count == 1)
    for mode in Self.modes(double: true) {
      var results = Self.values
      wide(mode, &results)
      for (value, result) in zip(Self.values, results) {
        double = max(double, abs(result - expected(value)))
      }
    }
    return (single, double)
  }

  private static func tangent(_ value: Double) -> Double {
    let (up, down) = (Elementary.exponential(value), Elementary.exponential(-value))
    return (up - down) / (up + down)
  }

  @Test func gatesAreThoseOfTheirFormulas() {
    for (kind, formula) in [
      (WEIGHTMILL_SILU, { $0 / (1 + Elementary.exponential(-$0)) }),
      (
        WEIGHTMILL_GELU,
        {
          $0 / 2 * (1 + Self.tangent((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0)))
        }
      ),
    ] as [(Int32, (Double) -> Double)] {
      let ones = [Float](repeating: 1, count: Self.values.count)
      let wideOnes = ones.map(Double.init)
      let worst = worst(
        { weightmill_gate($0, &$1, ones, ones.count, kind) },
        { weightmill_gate($0, &$1, wideOnes, ones.count, kind) }, formula)
      // Values are up to 24, whose units in the last place are 2^-19 and 2^-48.
      #expect(worst.single <= 0x1p-19 && worst.double <= 0x1p-46, "\(kind): \(worst)")
    }
  }

  @Test func capsAreThoseOfTheirFormula() {
    for (factor, cap) in [(1.0, 30.0), (0.25, 1.5), (8, 50)] {
      let count = Self.values.count
      let worst = worst(
        { weightmill_cap($0, &$1, count, factor, cap) },
        { weightmill_cap($0, &$1, count, factor, cap) }, { cap * Self.tangent($0 * factor / cap) })
      #expect(worst.single <= cap * 0x1p-22 && worst.double <= cap * 0x1p-50, "\(cap): \(worst)")
    }
    for mode in Self.modes(double: false) {
      var ends: [Float] = [.infinity, -.infinity, .nan, 0] + [Float](repeating: 0, count: 12)
      weightmill_cap(mode, &ends, ends.count, 1, 30)
      #expect(ends[0] == 30 && ends[1] == -30 && ends[2].isNaN && ends[3] == 0)
    }
  }

  /// A lane sees the keys from its first to its limit, and nothing else.
  @Test func lanesSeeTheirWindows() {
    let keys = 21
    var random = SeededGenerator(seed: 3)
    let scores = (0..<keys * Self.tokens).map { _ in random.gaussian() }
    let firsts = (0..<Self.tokens).map { Int32($0) }
    let limits = (0..<Self.tokens).map { Int32($0 + 1 + $0 % 6) }
    for mode in Self.modes(double: false) {
      var results = scores
      var sums = [Double](repeating: 0, count: Self.tokens)
      weightmill_soften(mode, &results, keys, 0.5, firsts, limits, &sums)
      for lane in 0..<Self.tokens {
        let seen = Int(firsts[lane])..<Int(limits[lane])
        let all = (0..<keys).map { 0.5 * Double(scores[$0 * Self.tokens + lane]) }
        let largest = all[seen].max() ?? 0
        for key in 0..<keys {
          let expected = seen.contains(key) ? Elementary.exponential(all[key] - largest) : 0
          #expect(abs(Double(results[key * Self.tokens + lane]) - expected) <= 0x1p-22)
        }
        let sum = all[seen].reduce(0) { $0 + Elementary.exponential($1 - largest) }
        #expect(abs(sums[lane] - sum) <= 1e-5)
      }
    }
  }

  /// The values behind those that are turned stay as they are.
  @Test(arguments: [0, 1])
  func aPartOfEachHeadIsTurned(halves: Int32) {
    let (heads, head, turned) = (3, 10, 6)
    var random = SeededGenerator(seed: 4)
    let panel = (0..<heads * head * Self.tokens).map { _ in random.gaussian() }
    let angles = (0..<turned / 2 * Self.tokens).map { Double($0) / 7 }
    let cosines = angles.map { Float(Elementary.cosine($0)) }
    let sines = angles.map { Float(Elementary.sine($0)) }
    for mode in Self.modes(double: false) {
      var results = panel
      weightmill_rotate(mode, &results, heads, head, turned, halves, cosines, sines)
      for index in panel.indices {
        let (feature, lane) = (index / Self.tokens % head, index % Self.tokens)
        guard feature < turned else {
          #expect(results[index] == panel[index])
          continue
        }
        let pair = halves == 1 ? feature % (turned / 2) : feature / 2
        let isFirst = halves == 1 ? feature < turned / 2 : feature.isMultiple(of: 2)
        let distance = halves == 1 ? turned / 2 : 1
        let other = panel[index + (isFirst ? distance : -distance) * Self.tokens]
        let (cosine, sine) = (cosines[pair * Self.tokens + lane], sines[pair * Self.tokens + lane])
        let expected = panel[index] * cosine + (isFirst ? -other : other) * sine
        #expect(abs(results[index] - expected) <= 1e-6)
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

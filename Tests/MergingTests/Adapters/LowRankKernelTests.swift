import CWeightmillKernels
import Testing
import WeightmillTestSupport

/// Both kernels give the bits of sums that take one fused multiply-add after the other.
struct LowRankKernelTests {
  private static func sums(
    _ left: [Float], _ right: [Float], rows: Int, panels: Int, rank: Int, kernel: Int
  ) -> [Float] {
    var sums = [Float](repeating: .nan, count: rows * panels * Int(WEIGHTMILL_PANEL))
    weightmill_low_rank_sums(left, rows, right, panels, rank, &sums, Int32(kernel))
    return sums
  }

  private static func check(
    _ left: [Float], _ right: [Float], rows: Int, panels: Int, rank: Int,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let width = Int(WEIGHTMILL_PANEL)
    var expected: [UInt32] = []
    for row in 0..<rows {
      for column in 0..<panels * width {
        let panel = column / width * rank * width
        var sum: Float = 0
        for k in 0..<rank {
          sum = sum.addingProduct(left[row * rank + k], right[panel + k * width + column % width])
        }
        expected.append(sum.bitPattern)
      }
    }
    for kernel in [Int(WEIGHTMILL_PORTABLE), Int(WEIGHTMILL_BEST)] {
      let found = sums(left, right, rows: rows, panels: panels, rank: rank, kernel: kernel)
      #expect(found.map(\.bitPattern) == expected, sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: [1, 2, 7, 64, 300], [1, 3, 4, 9])
  func sumsAreExactChains(rank: Int, rows: Int) {
    var random = SeededGenerator(seed: UInt64(rank * 16 + rows))
    let panels = 3
    Self.check(
      (0..<rows * rank).map { _ in random.gaussian() },
      (0..<panels * rank * 16).map { _ in random.gaussian() }, rows: rows, panels: panels,
      rank: rank)
  }

  /// Where rounding twice would differ: sums half way between two numbers, and subnormal ones.
  @Test func sumsThatAreHardToRoundAreExact() {
    var random = SeededGenerator(seed: 3)
    func value() -> Float {
      let bits = UInt32(truncatingIfNeeded: random.next())
      // Few bits and far apart: 2^-80 … 2^15.
      return Float(
        bitPattern: (bits & 0x8030_0000) | UInt32.random(in: 47..<142, using: &random) << 23)
    }
    let (rows, panels, rank) = (4, 20, 12)
    Self.check(
      (0..<rows * rank).map { _ in value() }, (0..<panels * rank * 16).map { _ in value() },
      rows: rows, panels: panels, rank: rank)
  }

  @Test func nothingIsWrittenForNoRows() {
    #expect(
      Self.sums([1], [Float](repeating: 1, count: 16), rows: 0, panels: 1, rank: 1, kernel: 1) == []
    )
  }
}

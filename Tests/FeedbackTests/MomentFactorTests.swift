import Testing
import WeightmillFeedback
import WeightmillTensors
import WeightmillTestSupport

/// The factor R of moments: R Rᵀ are the moments and their damping.
struct MomentFactorTests {
  private static let sizes = [1, 16, 200, 256, 300, 700]

  private func factor(
    _ matrix: PanelMatrix, _ moments: PlainMatrix, share: Double, threads: Int = 2
  ) -> MomentFactor {
    MomentFactor(
      matrix, diagonal: moments.diagonal, damping: Float(share * moments.mean),
      Workers(threads: threads))
  }

  /// R: what lies on the diagonal and above it.
  private func upper(_ factor: MomentFactor) -> PlainMatrix {
    PlainMatrix(rows: factor.size, columns: factor.size) {
      $0 <= $1 ? Double(factor.matrix[$0, $1]) : 0
    }
  }

  @Test(arguments: sizes, [0.003, 0.1])
  func theProductOfTheFactorsIsTheDampedMoments(size: Int, share: Double) {
    let moments = PlainMatrix.moments(size)
    let factor = factor(moments.panels, moments, share: share)
    let r = upper(factor)
    let (product, expected) = (r * r.transposed, moments.damped(Double(factor.damping)))
    var worst = 0.0
    for row in 0..<size {
      for column in 0..<size {
        let scale = (expected[row, row] * expected[column, column]).squareRoot()
        worst = max(worst, abs(product[row, column] - expected[row, column]) / scale)
      }
    }
    #expect(worst < 2e-6)
  }

  /// What is divided by in each column, and what is multiplied with.
  @Test(arguments: sizes)
  func theFactorIsThatOfBinary64(size: Int) {
    let moments = PlainMatrix.moments(size)
    let factor = factor(moments.panels, moments, share: 0.01)
    let expected = moments.damped(Double(factor.damping)).upperFactor
    #expect((upper(factor) - expected).norm < 1e-4 * expected.norm)
    for column in 0..<size {
      #expect(factor.diagonal[column] == factor.matrix[column, column])
      #expect(abs(Double(factor.diagonal[column]) / expected[column, column] - 1) < 1e-3)
    }
  }

  @Test(arguments: sizes)
  func blocksHaveTheInverseOfTheirTriangle(size: Int) {
    let moments = PlainMatrix.moments(size)
    let factor = factor(moments.panels, moments, share: 0.01)
    #expect(factor.blocks == (size + 255) / 256 && factor.inverses.count == factor.blocks)
    var covered = 0
    for block in 0..<factor.blocks {
      let columns = factor.columns(ofBlock: block)
      #expect(columns.lowerBound == covered)
      covered = columns.upperBound
      let triangle = PlainMatrix(rows: columns.count, columns: columns.count) { row, column in
        guard row <= column else { return 0 }
        return Double(factor.matrix[columns.lowerBound + row, columns.lowerBound + column])
      }
      let unit = triangle * PlainMatrix(factor.inverses[block])
      let identity = PlainMatrix(rows: columns.count, columns: columns.count) { $0 == $1 ? 1 : 0 }
      #expect((unit - identity).norm < 1e-4 * Double(columns.count).squareRoot())
    }
    #expect(covered == size)
  }

  @Test(arguments: sizes)
  func theLowerTriangleStaysAndAnotherDampingStartsFromIt(size: Int) {
    let moments = PlainMatrix.moments(size)
    let (matrix, untouched) = (moments.panels, moments.panels)
    // The upper triangle of what is given is of no use.
    for row in 0..<size { for column in row..<size { matrix[row, column] = .nan } }
    _ = factor(matrix, moments, share: 0.1)
    #expect(matrix.triangle(isUpper: false) == untouched.triangle(isUpper: false))
    let second = factor(matrix, moments, share: 0.01)
    #expect(matrix.triangle(isUpper: false) == untouched.triangle(isUpper: false))
    let fresh = factor(moments.panels, moments, share: 0.01)
    #expect(second.matrix.bits == fresh.matrix.bits)
    #expect(second.diagonal.map(\.bitPattern) == fresh.diagonal.map(\.bitPattern))
    for (inverse, other) in zip(second.inverses, fresh.inverses) {
      #expect(inverse.bits == other.bits)
    }
  }

  @Test(arguments: [300, 700])
  func theBitsDoNotDependOnThreads(size: Int) {
    let moments = PlainMatrix.moments(size)
    let one = factor(moments.panels, moments, share: 0.01, threads: 1)
    for threads in [2, 3] {
      let several = factor(moments.panels, moments, share: 0.01, threads: threads)
      #expect(several.matrix.bits == one.matrix.bits)
      for (inverse, other) in zip(several.inverses, one.inverses) {
        #expect(inverse.bits == other.bits)
      }
    }
  }

  // MARK: Singular moments

  /// Moments that lack what they would need to be factored without damping.
  private static func singular(_ name: String, _ size: Int) -> PlainMatrix {
    var random = SeededGenerator(seed: 95)
    let direction = (0..<size).map { _ in Double(random.gaussian()) }
    switch name {
    case "zeros": return PlainMatrix(rows: size, columns: size)
    case "one token":
      return PlainMatrix(rows: size, columns: size) { direction[$0] * direction[$1] }.rounded
    case "equal features": return PlainMatrix(rows: size, columns: size) { _, _ in 7 }
    case "few tokens":
      let inputs = PlainMatrix.random(size, 3, seed: 96)
      return (inputs * inputs.transposed).rounded
    default:
      // One feature is used by one token, as large as all others together; some are never used.
      return PlainMatrix(rows: size, columns: size) { row, column in
        let isUsed = row % 3 != 1 && column % 3 != 1
        let large = row == size / 2 && column == size / 2 ? 1e6 * Double(size) : 0
        return large + (isUsed ? direction[row] * direction[column] : 0)
      }.rounded
    }
  }

  @Test(
    arguments: ["zeros", "one token", "equal features", "few tokens", "one large feature"],
    [1, 16, 300])
  func singularMomentsGivePositiveDiagonals(name: String, size: Int) {
    let moments = Self.singular(name, size)
    for share: Double in [0.1, 0.003, 1e-5, 1e-7] {
      let damping = max(Float(share * moments.mean), .leastNormalMagnitude)
      let factor = MomentFactor(
        moments.panels, diagonal: moments.diagonal, damping: damping, Workers(threads: 2))
      #expect(factor.diagonal.allSatisfy { $0.isFinite && $0 > 0 }, "damping \(share)")
      #expect(upper(factor).isFinite, "damping \(share)")
      #expect(factor.inverses.allSatisfy { PlainMatrix($0).isFinite }, "damping \(share)")
    }
  }
}

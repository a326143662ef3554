import CWeightmillKernels
import Testing
import WeightmillLLaMA
import WeightmillTensors
import WeightmillTestSupport

/// Comparisons of logits are those of plain loops, at every level of instructions.
struct LogitComparisonTests {
  private static let ids = 301

  /// Random logits; the candidate's are near the reference's, and some are equally large.
  private static func logits(_ precision: Precision) throws -> (Activations, Activations) {
    var random = SeededGenerator(seed: 11)
    let reference = (0..<19).map { _ in
      (0..<ids).map { _ in Double((4 * random.gaussian()).rounded()) }
    }
    let candidate = reference.map { $0.map { $0 + 0.25 * Double(random.gaussian()) } }
    func activations(_ rows: [[Double]]) throws -> Activations {
      try Activations(rows: rows.count, columns: ids, precision: precision) {
        (row) throws(WeightmillError) in rows[row]
      }
    }
    return (try activations(reference), try activations(candidate))
  }

  @Test(arguments: [Precision.single, .double])
  func sumsAreThoseOfPlainLoops(precision: Precision) throws {
    let (reference, candidate) = try Self.logits(precision)
    let found = reference.panels.indices.flatMap {
      reference.comparisons(panel: $0, candidate: candidate)
    }
    #expect(found.count == 19)
    for (row, comparison) in found.enumerated() {
      let (l, m) = (reference[row], candidate[row])
      let best = l.indices.sorted { (-l[$0], $0) < (-l[$1], $1) }.prefix(5)
      let other = m.indices.sorted { (-m[$0], $0) < (-m[$1], $1) }.prefix(5)
      for rank in 0..<5 {
        #expect(Int(comparison.reference.ids[rank]) == best[rank])
        #expect(Int(comparison.candidate.ids[rank]) == other[rank])
        #expect(comparison.candidate.logits[rank] == m[other[rank]])
      }
      let weights = l.map { Elementary.exponential($0 - l[best[0]]) }
      let pairs = Array(zip(l, m))
      let weighted = zip(weights, pairs).reduce(0.0) { $0 + $1.0 * ($1.1.0 - $1.1.1) }
      let mean = l.reduce(0, +) / Double(Self.ids)
      let shift = pairs.reduce(0.0) { $0 + $1.1 - $1.0 } / Double(Self.ids)
      let error = pairs.reduce(0.0) { sum, pair in
        sum + (pair.1 - pair.0 - shift) * (pair.1 - pair.0 - shift)
      }
      #expect(
        abs(comparison.reference.sum - weights.reduce(0, +)) < 1e-12 * comparison.reference.sum)
      #expect(abs(comparison.weightedDifference - weighted) < 1e-11)
      #expect(abs(comparison.error / error - 1) < 1e-12)
      #expect(abs(comparison.size - l.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }) < 1e-8)
      #expect(!comparison.reference.isBroken && !comparison.candidate.isBroken)
    }
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity])
  func whatIsNoFiniteNumberIsReported(value: Double) throws {
    let rows = [[1.0, 2, 3], [1, value, 3]]
    let logits = try Activations(rows: 2, columns: 3, precision: .single) {
      (row) throws(WeightmillError) in rows[row]
    }
    let sound = logits.selecting([0, 0])
    let found = sound.comparisons(panel: 0, candidate: logits)
    #expect(found.map(\.candidate.isBroken) == [false, true])
    #expect(found.map(\.reference.isBroken) == [false, false])
    #expect(found[0].reference.ids[3] == -1)
  }

  @Test func allInstructionsGiveTheSameBits() {
    var random = SeededGenerator(seed: 3)
    let logits = (0..<2).map { _ in (0..<500 * 16).map { _ in 5 * random.gaussian() } }
    let found = (0...weightmill_forward_level()).map { level in
      var results = [weightmill_comparison](repeating: weightmill_comparison(), count: 16)
      weightmill_compare(
        weightmill_mode(level: Int32(level), is_double: 0), logits[0], logits[1], 500, &results)
      return results.map {
        [$0.sums.0, $0.sums.1, $0.weighted, $0.error, $0.size].map(\.bitPattern)
      }
    }
    for result in found { #expect(result == found[0]) }
  }
}

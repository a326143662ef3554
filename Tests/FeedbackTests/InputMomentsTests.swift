import Testing
import WeightmillFeedback
import WeightmillLLaMA
import WeightmillTensors
import WeightmillTestSupport

/// Second moments of inputs: plain sums over tokens.
struct InputMomentsTests {
  /// Vectors of a forward pass: a column for each token. What their last panel has too many is no number.
  private func activations(_ inputs: PlainMatrix, padding: Float = .nan) -> Activations {
    let result = Activations(rows: inputs.columns, columns: inputs.rows)
    for panel in 0..<result.panelCount {
      for feature in 0..<inputs.rows {
        for lane in 0..<16 {
          let token = 16 * panel + lane
          let value = token < inputs.columns ? Float(inputs[feature, token]) : padding
          result.address(panel: panel, column: feature).storeBytes(
            of: value, toByteOffset: 4 * lane, as: Float.self)
        }
      }
    }
    return result
  }

  /// The largest difference beside the size of what is summed.
  private func difference(
    _ found: PanelMatrix, _ expected: PlainMatrix, _ left: PlainMatrix, _ right: PlainMatrix
  ) -> Double {
    func sizes(_ inputs: PlainMatrix) -> [Double] {
      (0..<inputs.rows).map { row in
        (0..<inputs.columns).reduce(1e-30) { $0 + inputs[row, $1] * inputs[row, $1] }.squareRoot()
      }
    }
    let (first, second) = (sizes(left), sizes(right))
    var worst = 0.0
    for row in 0..<expected.rows {
      for column in 0..<expected.columns {
        let distance = abs(Double(found[row, column]) - expected[row, column])
        worst = max(worst, distance / (first[row] * second[column]))
      }
    }
    return worst
  }

  @Test(
    arguments: [(1, 1), (5, 16), (40, 30), (192, 33), (200, 17), (400, 300)], [1, 2])
  func momentsAreSumsOverTokens(shape: (size: Int, tokens: Int), threads: Int) {
    let moments = InputMoments(size: shape.size, Workers(threads: threads))
    let parts = [shape.tokens, 7].enumerated().map { number, tokens in
      let seed = UInt64(110 + number)
      let own = PlainMatrix.random(shape.size, tokens, seed: seed)
      let errors = PlainMatrix.random(shape.size, tokens, seed: seed + 10)
      let written = PlainMatrix(rows: shape.size, columns: tokens) {
        own[$0, $1] + 0.125 * errors[$0, $1]
      }.rounded
      return (own: own, written: written)
    }
    for part in parts {
      moments.add(reference: activations(part.own), written: activations(part.written))
    }
    let diagonal = moments.finish()
    func both(_ part: (PlainMatrix, PlainMatrix) -> PlainMatrix) -> PlainMatrix {
      let (first, second) = (
        part(parts[0].own, parts[0].written), part(parts[1].own, parts[1].written)
      )
      return PlainMatrix(rows: shape.size, columns: shape.tokens + 7) { row, column in
        column < shape.tokens ? first[row, column] : second[row, column - shape.tokens]
      }
    }
    let written = both { $1 }
    let lost = both { $0 - $1 }
    #expect(
      difference(moments.written, written * written.transposed, written, written) < 1e-6)
    #expect(difference(moments.cross, written * lost.transposed, written, lost) < 1e-6)
    #expect(diagonal == (0..<shape.size).map { moments.written[$0, $0] })
    for row in 0..<shape.size {
      for column in 0..<row {
        #expect(moments.written[row, column] == moments.written[column, row])
      }
    }
  }

  @Test func theBitsDoNotDependOnThreads() {
    let own = PlainMatrix.random(500, 300, seed: 121)
    let written = PlainMatrix.random(500, 300, seed: 122)
    let sums = [1, 2, 3].map { threads in
      let moments = InputMoments(size: 500, Workers(threads: threads))
      moments.add(reference: activations(own), written: activations(written))
      let diagonal = moments.finish()
      return (moments.written.bits, moments.cross.bits, diagonal)
    }
    for other in sums.dropFirst() { #expect(other == sums[0]) }
  }

  @Test func equalInputsHaveNothingInCommonWithTheirErrors() {
    let inputs = activations(.random(200, 45, seed: 123))
    let moments = InputMoments(size: 200, Workers(threads: 2))
    moments.add(reference: inputs, written: inputs)
    #expect(PlainMatrix(moments.cross).numbers.allSatisfy { $0 == 0 })
  }

  /// Tokens that the last panel has too many may be anything.
  @Test(arguments: [1, 15, 16, 17, 40])
  func onlyTokensCount(tokens: Int) {
    let own = PlainMatrix.random(50, tokens, seed: 124)
    let written = PlainMatrix.random(50, tokens, seed: 125)
    let sums = [Float(0), 1e30, .nan].map { padding in
      let moments = InputMoments(size: 50, Workers(threads: 1))
      moments.add(
        reference: activations(own, padding: padding),
        written: activations(written, padding: padding))
      _ = moments.finish()
      return (moments.written.bits, moments.cross.bits)
    }
    for other in sums.dropFirst() { #expect(other == sums[0]) }
  }

  /// What carries errors is made of the sums as they are.
  @Test func momentsCanBeFactored() {
    let inputs = PlainMatrix.inputs(300, tokens: 350, rank: 8, noise: 0.5, seed: 126)
    let moments = InputMoments(size: 300, Workers(threads: 2))
    moments.add(reference: activations(inputs), written: activations(inputs))
    let diagonal = moments.finish()
    let plain = PlainMatrix(moments.written)
    let factor = MomentFactor(
      moments.written, diagonal: diagonal, damping: Float(0.01 * plain.mean), Workers(threads: 2))
    let expected = plain.damped(Double(factor.damping)).upperFactor
    let found = PlainMatrix(rows: 300, columns: 300) {
      $0 <= $1 ? Double(factor.matrix[$0, $1]) : 0
    }
    #expect((found - expected).norm < 1e-4 * expected.norm)
  }
}

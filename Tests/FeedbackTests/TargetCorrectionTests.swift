import Testing
import WeightmillFeedback
import WeightmillTensors
import WeightmillTestSupport

/// What weights should be for inputs that the layers before them changed: a plain solve in binary64.
struct TargetCorrectionTests {
  /// Inputs of the model itself, X, and of the layers that are written, X'.
  private struct Inputs {
    let own: PlainMatrix
    let written: PlainMatrix

    init(_ size: Int) {
      own = .inputs(size, tokens: size + 60, rank: 10, noise: 0.4, seed: 101)
      let errors = PlainMatrix.random(size, own.columns, seed: 105)
      let own = own
      written =
        PlainMatrix(rows: size, columns: own.columns) { feature, token in
          0.95 * own[feature, token] + 0.1 * errors[feature, token]
        }.rounded
    }

    var moments: PlainMatrix { (written * written.transposed).rounded }
    var cross: PlainMatrix { (written * (own - written).transposed).rounded }
  }

  @Test(arguments: [(1, 1), (40, 5), (256, 16), (300, 37), (530, 20)])
  func termsAreThoseOfAPlainSolve(size: Int, rows: Int) {
    let inputs = Inputs(size)
    let moments = inputs.moments
    let factor = MomentFactor(
      moments.panels, diagonal: moments.diagonal, damping: Float(0.01 * moments.mean),
      Workers(threads: 2))
    let weights = PlainMatrix.random(rows, size, seed: 107)
    let group = RowGroup(
      rows: 0..<rows, values: weights.numbers.map { Float($0) }, columns: size)
    var product = PanelProduct()
    let found = TargetCorrection(factor: factor, cross: inputs.cross.panels).terms(
      of: group.weights, &product)
    #expect(found.rows == size && found.columns == rows)
    // W (X - X') X'ᵀ (X' X'ᵀ + damping)⁻¹, with rows and columns exchanged.
    let expected = moments.damped(Double(factor.damping)).solve(inputs.cross * weights.transposed)
    #expect((PlainMatrix(found) - expected).norm < 2e-4 * expected.norm)
  }

  /// What the formula is for: corrected weights make of X' what the weights make of X, or nearly so.
  @Test func correctedWeightsUndoWhatHappenedToInputs() {
    let (size, rows) = (64, 8)
    let inputs = Inputs(size)
    let moments = inputs.moments
    let factor = MomentFactor(
      moments.panels, diagonal: moments.diagonal, damping: Float(1e-4 * moments.mean),
      Workers(threads: 1))
    let weights = PlainMatrix.random(rows, size, seed: 108)
    let group = RowGroup(
      rows: 0..<rows, values: weights.numbers.map { Float($0) }, columns: size)
    var product = PanelProduct()
    let terms = PlainMatrix(
      TargetCorrection(factor: factor, cross: inputs.cross.panels).terms(
        of: group.weights, &product)
    ).transposed
    let corrected = PlainMatrix(rows: rows, columns: size) { weights[$0, $1] + terms[$0, $1] }
    let wanted = weights * inputs.own
    let (before, after) = (
      (weights * inputs.written - wanted).norm, (corrected * inputs.written - wanted).norm
    )
    #expect(after < 0.9 * before)
    // It is the least: no other correction of the same kind does better.
    for factor in [0.5, 0.9, 1.1, 1.5] {
      let other = PlainMatrix(rows: rows, columns: size) {
        weights[$0, $1] + factor * terms[$0, $1]
      }
      #expect(after < (other * inputs.written - wanted).norm)
    }
  }

  @Test func equalInputsCorrectNothing() {
    let moments = PlainMatrix.moments(48)
    let factor = MomentFactor(
      moments.panels, diagonal: moments.diagonal, damping: Float(0.01 * moments.mean),
      Workers(threads: 1))
    let group = RowGroup(
      rows: 0..<3, values: [Float](repeating: 1, count: 3 * 48), columns: 48)
    var product = PanelProduct()
    let found = TargetCorrection(factor: factor, cross: PanelMatrix(rows: 48, columns: 48)).terms(
      of: group.weights, &product)
    #expect(PlainMatrix(found).norm == 0)
  }
}

import WeightmillLLaMA
import WeightmillQuantization
import WeightmillTensors

/// How a matrix is rounded, chosen by text that its moments were not taken of.
package struct FeedbackChoice: Equatable, Sendable {
  /// What is added to the diagonal of the moments, as a share of its mean; `nil`: no feedback, since that
  /// was better.
  package var damping: Float?
  /// How much of the correction of targets is used, 0 to 1.
  package var correction: Float
  /// The squared error of the outputs on that text, as a share of what it is without feedback.
  package var error: Double
}

/// Rounds the matrices that share an input, by the moments of that input.
final class MatrixFeedback {
  /// Inputs that are judged by.
  struct Judged: Sendable {
    /// The model's own.
    let reference: PanelMatrix
    /// Those behind the layers that are written.
    let written: PanelMatrix
  }

  /// The dampings that are tried, as shares of the mean of the diagonal.
  ///
  /// One: where text of the same kind judges, less damping and more correction win, and on text of another
  /// kind they lose (`formats/feedback.md`).
  static let dampings: [Float] = [0.1]
  /// The strengths of correction that are tried.
  private static let corrections: [Float] = [0, 0.5]
  /// How many rows are judged by.
  static let sample = 128
  /// How many rows a thread rounds at a time.
  static let rowsAtOnce = 128

  private let moments: InputMoments
  private let diagonal: [Float]
  private let mean: Float
  private let judged: [Judged]
  private let workers: Workers
  private let location: String
  private var factor: MomentFactor?

  /// Takes moments.
  ///
  /// - Parameters:
  ///   - moments: The moments of what is learnt from.
  ///   - judged: The inputs that are judged by.
  ///   - workers: The threads.
  ///   - location: The file to be written, for messages.
  init(_ moments: InputMoments, judged: [Judged], _ workers: Workers, location: String) {
    self.moments = moments
    self.judged = judged
    self.workers = workers
    self.location = location
    diagonal = moments.finish()
    mean = Float(diagonal.reduce(0.0) { $0 + Double($1) } / Double(max(1, diagonal.count)))
  }

  /// What an error in each column costs.
  var importance: [Float] { diagonal }

  /// The factor with a damping, as a share of the mean.
  private func factor(damping: Float) -> MomentFactor {
    let damping = max(damping * mean, 1e-30)
    if let factor, factor.damping == damping { return factor }
    // The old one's place is the new one's.
    factor = nil
    let made = MomentFactor(moments.written, diagonal: diagonal, damping: damping, workers)
    factor = made
    return made
  }

  // MARK: Choosing

  /// Chooses damping and correction for a matrix.
  ///
  /// - Parameters:
  ///   - type: The type it gets.
  ///   - rows: Some of its rows.
  /// - Returns: What leaves the least error.
  /// - Throws: `unsupported` when the type cannot be written.
  func choose(
    _ type: TensorType, _ rows: RowGroup
  ) throws(WeightmillError) -> FeedbackChoice {
    let wanted = wantedOutputs(rows)
    let plain = outputError(try plainRows(type, rows), wanted)
    var best = FeedbackChoice(damping: nil, correction: 0, error: 1)
    guard plain > 0 else { return best }
    for damping in Self.dampings {
      let factor = factor(damping: damping)
      let rounding = try BlockRounding(type, factor, location: location)
      let terms = correctionTerms(rows, factor)
      let judged = judged
      let errors = Collected<Double>(count: Self.corrections.count)
      workers.forEach(Self.corrections.count, scratch: { PanelProduct() }) { (number, product) in
        let targets = rows.weights.adding(terms, times: Self.corrections[number])
        let rounded = rounding.round(targets, &product)
        let stored = targets.adding(rounded.errors, times: -1)
        errors.set(number, Self.outputError(stored, wanted, judged, &product))
      }
      for (correction, error) in zip(Self.corrections, errors.all) where error < best.error * plain
      {
        best = FeedbackChoice(damping: damping, correction: correction, error: error / plain)
      }
    }
    return best
  }

  private func correctionTerms(_ rows: RowGroup, _ factor: MomentFactor) -> PanelMatrix {
    let correction = TargetCorrection(factor: factor, cross: moments.cross)
    let terms = PanelMatrix(rows: rows.weights.rows, columns: rows.weights.columns)
    // Two panels at a time: as many pieces as there are threads to take them, and some.
    let size = 2
    workers.forEach((terms.panels + size - 1) / size, scratch: { PanelProduct() }) {
      (number, product) in
      let panels = number * size..<min((number + 1) * size, terms.panels)
      let part = rows.weights.copy(panels: panels)
      let found = correction.terms(of: part, &product)
      terms.replace(panels: panels, with: found)
    }
    return terms
  }

  /// The rows as they are stored without feedback, by importance alone.
  private func plainRows(_ type: TensorType, _ rows: RowGroup) throws(WeightmillError)
    -> PanelMatrix
  {
    let columns = rows.weights.rows
    let encoder = try RowEncoder(
      type, guide: .importance(diagonal), columns: columns, location: location)
    var values = rows.values
    var bytes = [UInt8](
      repeating: 0, count: rows.rows.count * (columns / type.valuesPerBlock * type.bytesPerBlock))
    _ = encoder.encode(values, into: &bytes)
    try RowDecoder(type, location: location).decode(bytes, into: &values)
    return RowGroup(rows: rows.rows, values: values, columns: columns).weights
  }

  /// What the weights make of the model's own inputs, for each part that is judged by.
  private func wantedOutputs(_ rows: RowGroup) -> [PanelMatrix] {
    var product = PanelProduct()
    return judged.map { part in
      let outputs = PanelMatrix(rows: part.reference.columns, columns: rows.weights.columns)
      product.multiply(
        LeftSide(
          matrix: part.reference, rows: 0..<part.reference.columns, depth: 0..<rows.weights.rows,
          isTransposed: true), RightSide(rows.weights), to: RightSide(outputs), adds: false)
      return outputs
    }
  }

  private func outputError(_ stored: PanelMatrix, _ wanted: [PanelMatrix]) -> Double {
    var product = PanelProduct()
    return Self.outputError(stored, wanted, judged, &product)
  }

  /// The squared distance of what stored weights make of written inputs from what is wanted.
  private static func outputError(
    _ stored: PanelMatrix, _ wanted: [PanelMatrix], _ judged: [Judged],
    _ product: inout PanelProduct
  ) -> Double {
    var sum = 0.0
    for (part, wanted) in zip(judged, wanted) {
      let outputs = PanelMatrix(rows: wanted.rows, columns: wanted.columns)
      product.multiply(
        LeftSide(
          matrix: part.written, rows: 0..<part.written.columns, depth: 0..<stored.rows,
          isTransposed: true), RightSide(stored), to: RightSide(outputs), adds: false)
      sum += outputs.adding(wanted, times: -1).squares
    }
    return sum
  }

  // MARK: Rounding

  /// Rounds all rows of a matrix.
  ///
  /// - Parameters:
  ///   - type: The type.
  ///   - choice: Damping and correction.
  ///   - rows: How many rows there are.
  ///   - read: Reads and decodes rows.
  /// - Returns: The blocks of all rows, and the first row with a value beyond the type's range; `nil` when
  ///   the choice is to do without feedback.
  /// - Throws: Reading errors; `unsupported` when the type cannot be written.
  func round(
    to type: TensorType, _ choice: FeedbackChoice, rows: Int,
    read: @Sendable (Range<Int>) throws(WeightmillError) -> RowGroup
  ) throws(WeightmillError) -> (bytes: [UInt8], beyond: Range<Int>?)? {
    guard let damping = choice.damping else { return nil }
    let factor = factor(damping: damping)
    let rounding = try BlockRounding(type, factor, location: location)
    let correction = TargetCorrection(factor: factor, cross: moments.cross)
    // Each thread has several pieces, of whole panels.
    let share = (rows / (4 * workers.threads) + PanelMatrix.width - 1) / PanelMatrix.width
    let size = min(Self.rowsAtOnce, max(1, share) * PanelMatrix.width)
    let count = (rows + size - 1) / size
    let parts = Collected<BlockRounding.Rounded>(count: count)
    try workers.forEach(count, scratch: { PanelProduct() }) {
      (number, product) throws(WeightmillError) in
      let weights = try read(number * size..<min((number + 1) * size, rows)).weights
      let targets =
        choice.correction == 0
        ? weights
        : weights.adding(correction.terms(of: weights, &product), times: choice.correction)
      var rounded = rounding.round(targets, &product)
      rounded.forgetErrors()
      parts.set(number, rounded)
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(rows * (factor.size / type.valuesPerBlock * type.bytesPerBlock))
    var beyond: Range<Int>?
    for (number, part) in parts.all.enumerated() {
      bytes += part.bytes
      if !part.isWithin, beyond == nil { beyond = number * size..<min((number + 1) * size, rows) }
    }
    return (bytes, beyond)
  }
}

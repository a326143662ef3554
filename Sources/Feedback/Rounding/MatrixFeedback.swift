import Foundation
import WeightmillLLaMA
import WeightmillQuantization
import WeightmillTensors

/// How strongly a matrix is corrected, chosen on text that its moments were not taken of.
struct FeedbackChoice: Equatable, Sendable {
  /// What is added to the diagonal of the moments, as a share of its mean; `nil`: no feedback.
  var damping: Float?
  /// How much of the correction of targets is used, 0 to 1.
  var correction: Float
}

/// Rounds the matrices that share an input, with the moments of that input.
final class MatrixFeedback {
  /// Inputs that are judged by: the model's own, and those behind the written layers.
  struct Judged {
    let reference: PanelMatrix
    let written: PanelMatrix
  }

  private let moments: InputMoments
  private let diagonal: [Float]
  private let mean: Float
  private let judged: [Judged]
  private let workers: Workers
  private var factor: MomentFactor?

  /// The dampings that are tried, as shares of the mean of the diagonal.
  static let dampings: [Float] = Knobs.dampings
  /// The strengths of correction that are tried.
  static let corrections: [Float] = Knobs.corrections
  /// How many rows are judged by.
  static let sample = 128
  /// How many rows a thread rounds at a time.
  private static let rowsAtOnce = 128

  init(_ moments: InputMoments, judged: [Judged], _ workers: Workers) {
    self.moments = moments
    self.judged = judged
    self.workers = workers
    diagonal = moments.finish()
    mean = Float(diagonal.reduce(0.0) { $0 + Double($1) } / Double(max(1, diagonal.count)))
  }

  /// The factor with a damping.
  private func factor(damping: Float) -> MomentFactor {
    if let factor, factor.damping == damping * mean { return factor }
    let made = MomentFactor(
      moments.written, diagonal: diagonal, damping: max(damping * mean, .leastNormalMagnitude),
      workers)
    factor = made
    return made
  }

  /// Chooses damping and correction for a matrix.
  ///
  /// - Parameters:
  ///   - type: The type it gets.
  ///   - rows: Some of its rows.
  ///   - location: The file to be written, for messages.
  /// - Returns: The choice with the least error, and that error beside the one without feedback.
  func choose(
    _ type: TensorType, _ rows: RowGroup, location: String
  ) throws(WeightmillError) -> (choice: FeedbackChoice, error: Double, plain: Double) {
    let plain = try plainError(type, rows, location: location)
    var best = (FeedbackChoice(damping: nil, correction: 0), plain)
    for damping in Self.dampings {
      let factor = factor(damping: damping)
      let rounding = try BlockRounding(type, factor, location: location)
      var product = PanelProduct()
      let terms = TargetCorrection(factor: factor, cross: moments.cross).terms(of: rows, &product)
      for correction in Self.corrections {
        let targets = rows.weights.adding(terms, times: correction)
        let error = error(of: rounding.round(targets, &product), targets, rows)
        if Knobs.isLoud {
          print("   damping \(damping) correction \(correction): \(error / plain)")
        }
        if error < best.1 { best = (FeedbackChoice(damping: damping, correction: correction), error) }
      }
    }
    return (best.0, best.1, plain)
  }

  /// The error without feedback: by importance alone.
  private func plainError(
    _ type: TensorType, _ rows: RowGroup, location: String
  ) throws(WeightmillError) -> Double {
    let columns = rows.weights.rows
    let encoder = try RowEncoder(
      type, guide: .importance(diagonal), columns: columns, location: location)
    var values = [Float](repeating: 0, count: rows.rows.count * columns)
    for row in 0..<rows.rows.count {
      for column in 0..<columns { values[row * columns + column] = rows.weights[column, row] }
    }
    var bytes = [UInt8](
      repeating: 0, count: rows.rows.count * (columns / type.valuesPerBlock * type.bytesPerBlock))
    _ = encoder.encode(values, into: &bytes)
    try RowDecoder(type, location: location).decode(bytes, into: &values)
    let stored = RowGroup(rows: rows.rows, values: values, columns: columns)
    return outputError(stored.weights, rows)
  }

  private func error(
    of rounded: BlockRounding.Rounded, _ targets: PanelMatrix, _ rows: RowGroup
  ) -> Double {
    outputError(targets.adding(rounded.errors, times: -1), rows)
  }

  /// The squared distance of what written weights make of written inputs from what weights make of theirs.
  private func outputError(_ stored: PanelMatrix, _ rows: RowGroup) -> Double {
    var product = PanelProduct()
    var sum = 0.0
    for part in judged {
      let tokens = 0..<part.written.columns
      let result = PanelMatrix(rows: tokens.count, columns: stored.columns)
      let inputs = 0..<stored.rows
      product.multiply(
        LeftSide(matrix: part.written, rows: tokens, depth: inputs, isTransposed: true),
        RightSide(stored), to: RightSide(result), adds: false)
      product.multiply(
        LeftSide(matrix: part.reference, rows: tokens, depth: inputs, isTransposed: true, sign: -1),
        RightSide(rows.weights), to: RightSide(result), adds: true)
      sum += result.squares
    }
    return sum
  }

  /// Rounds all rows of a matrix.
  ///
  /// - Parameters:
  ///   - type: The type.
  ///   - choice: Damping and correction; with feedback.
  ///   - rows: How many rows there are.
  ///   - location: The file to be written, for messages.
  ///   - read: Reads and decodes rows.
  /// - Returns: The blocks of all rows, and whether all values are within the type's range.
  func round(
    to type: TensorType, _ choice: FeedbackChoice, rows: Int, location: String,
    read: @Sendable (Range<Int>) throws(WeightmillError) -> RowGroup
  ) throws(WeightmillError) -> (bytes: [UInt8], isWithin: Bool)? {
    guard let damping = choice.damping else { return nil }
    let factor = factor(damping: damping)
    let rounding = try BlockRounding(type, factor, location: location)
    let correction = TargetCorrection(factor: factor, cross: moments.cross)
    let size = Self.rowsAtOnce
    let count = (rows + size - 1) / size
    let parts = Collected<BlockRounding.Rounded>(count: count)
    try workers.forEach(count, scratch: { PanelProduct() }) {
      (number, product) throws(WeightmillError) in
      let group = try read(number * size..<min((number + 1) * size, rows))
      let targets =
        choice.correction == 0
        ? group.weights
        : group.weights.adding(correction.terms(of: group, &product), times: choice.correction)
      parts.set(number, rounding.round(targets, &product))
    }
    var bytes: [UInt8] = []
    var isWithin = true
    for part in parts.all {
      bytes += part.bytes
      isWithin = isWithin && part.isWithin
    }
    return (bytes, isWithin)
  }
}

enum Knobs {
  static func list(_ name: String, _ fallback: [Float]) -> [Float] {
    ProcessInfo.processInfo.environment[name]?.split(separator: ",").compactMap { Float($0) } ?? fallback
  }
  static let dampings = list("FB_DAMP", [0.003, 0.01, 0.03, 0.1])
  static let corrections = list("FB_CORR", [0, 0.25, 0.5, 0.75, 1])
  static let isLoud = ProcessInfo.processInfo.environment["FB_LOUD"] != nil
}

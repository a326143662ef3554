package import WeightmillLLaMA
import WeightmillTensors

/// The result of a comparison at every position that was judged, and by layer and tensor.
package struct ComparisonResult: Sendable {
  /// A position and what was found there.
  struct ComparedPosition: Sendable {
    /// The text's index.
    let text: Int
    /// The index of its token in the text's windows, counted through all of them.
    let index: Int
    let result: PositionResult
  }

  /// The texts.
  package let texts: [EvaluationText]
  /// Whether the run was interrupted, so that some texts are missing or cut short.
  package internal(set) var isPartial = false
  private(set) var positions: [ComparedPosition] = []
  /// Of the residual stream; empty when layers do not correspond.
  private(set) var drift: [SquaredError] = []
  private(set) var errors: [TensorRole: SquaredError] = [:]

  /// The rows that both sides have.
  let rows: SharedRows

  init(texts: [EvaluationText], rows: SharedRows) {
    self.texts = texts
    self.rows = rows
  }

  mutating func add(_ results: [PositionResult], of pass: EvaluationPass) {
    for (position, result) in zip(pass.judged, results) {
      positions.append(
        ComparedPosition(text: position.text, index: position.index, result: result))
    }
  }

  mutating func take(_ lockStep: LockStep) {
    drift = lockStep.drift
    errors = lockStep.errors
  }

  /// The figures of all texts together; `nil` when no position has a next token.
  package var total: LogitStatistics? { LogitStatistics(positions.map(\.result)) }

  /// The figures of one text.
  ///
  /// - Parameter text: Its number.
  /// - Returns: The figures; `nil` when none of its positions has a next token.
  package func statistics(ofText text: Int) -> LogitStatistics? {
    LogitStatistics(positions.filter { $0.text == text }.map(\.result))
  }

  /// The tensors in which the models differ on the tokens, those with the largest errors first.
  package var differingTensors: [TensorRole] {
    errors.filter { $0.value.difference > 0 }
      .sorted { $0.value.relative > $1.value.relative }.map(\.key)
  }
}

/// Sums of squares of a difference and of what it is relative to.
struct SquaredError: Sendable {
  private(set) var difference = 0.0
  private(set) var size = 0.0

  mutating func add(_ other: (difference: Double, size: Double)) {
    difference += other.difference
    size += other.size
  }

  /// ‖difference‖ / ‖size‖: 0 when nothing differs, infinite when something does from nothing.
  var relative: Double {
    difference == 0 ? 0 : (difference / size).squareRoot()
  }
}

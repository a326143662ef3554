public import WeightmillConversion
package import WeightmillTensors

/// What error feedback did.
public struct FeedbackReport: Sendable {
  /// One matrix.
  package struct Matrix: Sendable {
    /// Its name in the file.
    package let name: String
    /// The type it was rounded to.
    package let type: TensorType
    /// How, and what that gave.
    package let choice: FeedbackChoice
  }

  /// Where the time went, in seconds.
  package struct Seconds: Encodable, Sendable {
    /// Text through both models.
    package internal(set) var forward = 0.0
    /// The moments of inputs.
    package internal(set) var moments = 0.0
    /// Choosing how matrices are rounded, and rounding them.
    package internal(set) var rounding = 0.0

    /// Adds what a piece of work takes.
    mutating func add<Result>(
      _ part: WritableKeyPath<Seconds, Double>, _ work: () throws(WeightmillError) -> Result
    ) throws(WeightmillError) -> Result {
      let began = ContinuousClock.now
      defer {
        let (seconds, attoseconds) = (ContinuousClock.now - began).components
        self[keyPath: part] += Double(seconds) + Double(attoseconds) * 1e-18
      }
      return try work()
    }
  }

  /// Where the time went.
  package let seconds: Seconds
  /// The matrices in the order in which they were written.
  package internal(set) var matrices: [Matrix] = []
  /// What the conversion tells.
  public internal(set) var conversion: ConversionReport

  /// The mean over the matrices of the squared error of their outputs, on text that was not learnt from, as a
  /// share of that without feedback: the geometric one.
  public var error: Double? {
    guard !matrices.isEmpty else { return nil }
    return Elementary.exponential(
      matrices.reduce(0.0) { $0 + Elementary.logarithm(max($1.choice.error, 1e-12)) }
        / Double(matrices.count))
  }

  /// The matrices that were better without feedback.
  package var plain: [Matrix] { matrices.filter { $0.choice.damping == nil } }
}

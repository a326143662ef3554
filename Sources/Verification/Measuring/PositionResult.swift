import WeightmillLLaMA

/// What was found at one position of a text.
struct PositionResult: Sendable {
  /// The log probabilities of the token that the text has next.
  struct Target: Sendable {
    let reference: Double
    let candidate: Double
  }

  /// KL(reference‖candidate) in nats.
  let divergence: Double
  /// The token that the text has next, as both see it; `nil` at the end of a window.
  let target: Target?
  /// The reference's most likely tokens.
  let referenceTop: TopFive
  /// The candidate's.
  let candidateTop: TopFive
  /// Σ(m − l)² over the vocabulary, each side less its mean.
  var logitError: Double
  /// Σl², less the mean.
  let logitSize: Double
  /// The probability that the side with more rows gives to those that the other does not have.
  var restProbability = 0.0

  /// Whether both models think the same token the most likely.
  var hasSameTop: Bool { referenceTop.ids[0] == candidateTop.ids[0] }

  /// How many of the reference's five most likely tokens are among the candidate's.
  var sharedTopFive: Int {
    (0..<TopFive.count).count { rank in
      let id = referenceTop.ids[rank]
      return id >= 0 && (0..<TopFive.count).contains { candidateTop.ids[$0] == id }
    }
  }
}

/// The five most likely tokens, the most likely first; of equally likely ones the lower id.
struct TopFive: Sendable {
  static let count = 5
  /// The ids; -1 where there are fewer.
  let ids: InlineArray<5, Int32>
  private let logits: InlineArray<5, Double>
  private let logPartition: Double

  /// Takes the largest logits.
  ///
  /// - Parameters:
  ///   - side: The logits of one model.
  ///   - logPartition: The logarithm of the sum of all logits' exponentials.
  init(_ side: LogitComparison.Side, logPartition: Double) {
    ids = side.ids
    logits = side.logits
    self.logPartition = logPartition
  }

  /// The ids with their log probabilities, the most likely first.
  var predictions: [(id: Int, logProbability: Double)] {
    (0..<Self.count).filter { ids[$0] >= 0 }.map { (Int(ids[$0]), logits[$0] - logPartition) }
  }
}

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

  /// Whether both models think the same token the most likely.
  var hasSameTop: Bool { referenceTop.ids[0] == candidateTop.ids[0] }

  /// How many of the reference's five most likely tokens are among the candidate's.
  var sharedTopFive: Int {
    (0..<TopFive.count).count { place in
      let id = referenceTop.ids[place]
      return id >= 0 && (0..<TopFive.count).contains { candidateTop.ids[$0] == id }
    }
  }
}

/// The five largest logits or log probabilities, the largest first; of equal ones the lower id.
struct TopFive: Sendable {
  static let count = 5
  /// The ids; -1 where there are fewer.
  private(set) var ids = InlineArray<5, Int32>(repeating: -1)
  private(set) var logits = InlineArray<5, Double>(repeating: -.infinity)

  /// Takes a logit; ids come in ascending order.
  mutating func add(_ id: Int, _ logit: Double) {
    guard logit > logits[4] else { return }
    var place = 4
    while place > 0, logit > logits[place - 1] {
      logits[place] = logits[place - 1]
      ids[place] = ids[place - 1]
      place -= 1
    }
    logits[place] = logit
    ids[place] = Int32(truncatingIfNeeded: id)
  }

  /// The same with log probabilities in place of logits.
  ///
  /// - Parameter logPartition: The logarithm of the sum of all logits' exponentials.
  /// - Returns: The same tokens.
  func relative(to logPartition: Double) -> TopFive {
    var result = self
    for place in 0..<Self.count { result.logits[place] -= logPartition }
    return result
  }

  /// The ids with their log probabilities, if `relative(to:)` made it; the most likely first.
  var predictions: [(id: Int, logProbability: Double)] {
    (0..<Self.count).filter { ids[$0] >= 0 }.map { (Int(ids[$0]), logits[$0]) }
  }
}

package import WeightmillTensors

/// Chooses the next token from what a model expects.
///
/// In this order, as transformers does it:
///
/// 1. Logits are divided by the temperature; at temperature 0 the largest one is taken.
/// 2. `topK` tokens with the largest logits are kept, all if it is 0.
/// 3. Of these, the fewest most likely tokens whose probabilities sum up to `topP` are kept.
/// 4. One of those is drawn, each as often as its probability says.
///
/// Of equal logits the lower id comes first. Probabilities are binary64 and summed from the
/// largest to the smallest, or in the order of ids where none is left out. The same seed and the same logits give the same tokens: random numbers
/// are of a generator that is written down here, SplitMix64, one for each token.
package struct Sampler: Sendable {
  /// The rules by which tokens are chosen.
  package struct Settings: Codable, Equatable, Sendable {
    /// The divisor of logits; 0 takes the most likely token always.
    package var temperature = 1.0
    /// The sum of probabilities that is kept, from 0 (the most likely token only) to 1 (all).
    package var topP = 0.85
    /// The number of most likely tokens that are kept; 0 keeps all.
    package var topK = 0
    /// The seed of the random numbers.
    package var seed: UInt64 = 0

    /// The settings of Ziya's model card: temperature 1, `topP` 0.85; seed 0.
    package init() {}
  }

  private let settings: Settings
  private let location: String
  private var random: SplitMix64

  /// Prepares to choose.
  ///
  /// - Parameters:
  ///   - settings: How tokens are chosen.
  ///   - location: The model's file, for messages.
  package init(_ settings: Settings, location: String) {
    self.settings = settings
    self.location = location
    self.random = SplitMix64(seed: settings.seed)
  }

  /// Chooses a token.
  ///
  /// - Parameter logits: The logits by id, at least one.
  /// - Returns: The id.
  /// - Throws: `mismatch` when a logit is infinite or not a number, or there is none.
  package mutating func choose(_ logits: [Float]) throws(WeightmillError) -> Int {
    guard !logits.isEmpty, logits.allSatisfy({ $0.isFinite }) else {
      throw WeightmillError(
        .mismatch, location, "predicts values that are infinite or not numbers",
        remedy: "its weights are damaged")
    }
    guard settings.temperature > 0 else { return Self.largest(logits) }
    let kept = kept(logits)
    let goal = random.unit() * kept.reduce(0) { $0 + $1.weight }
    var sum = 0.0
    for (id, weight) in kept {
      sum += weight
      if sum > goal { return id }
    }
    // Rounding made the product the whole sum: the last token that has a share of it.
    return kept.last { $0.weight > 0 }?.id ?? kept[0].id
  }

  /// The tokens to draw from, with weights proportional to probabilities.
  private func kept(_ logits: [Float]) -> [(id: Int, weight: Double)] {
    settings.topK > 0 || settings.topP < 1 ? mostLikely(logits) : all(logits)
  }

  /// All tokens in the order of their ids: there is nothing to sort.
  private func all(_ logits: [Float]) -> [(id: Int, weight: Double)] {
    let top = Double(logits[Self.largest(logits)])
    return logits.enumerated().map { id, logit in
      (id, Elementary.exponential((Double(logit) - top) / settings.temperature))
    }
  }

  /// The tokens that `topK` and `topP` leave, the most likely first.
  private func mostLikely(_ logits: [Float]) -> [(id: Int, weight: Double)] {
    let order = logits.indices.sorted { a, b in
      logits[a] != logits[b] ? logits[a] > logits[b] : a < b
    }
    let most = settings.topK > 0 ? min(settings.topK, order.count) : order.count
    let top = Double(logits[order[0]])
    let weights = order[..<most].map { id in
      Elementary.exponential((Double(logits[id]) - top) / settings.temperature)
    }
    let bound = settings.topP * weights.reduce(0, +)
    var kept: [(id: Int, weight: Double)] = []
    var sum = 0.0
    for (id, weight) in zip(order, weights) {
      kept.append((id, weight))
      sum += weight
      if sum >= bound { break }
    }
    return kept
  }

  /// The id of the largest logit, the lowest of equal ones.
  private static func largest(_ logits: [Float]) -> Int {
    var best = 0
    for (id, logit) in logits.enumerated() where logit > logits[best] { best = id }
    return best
  }
}

/// A generator of 64-bit random numbers, the same ones for the same seed on every machine.
///
/// SplitMix64, from Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014: a counter with a fixed step, whose bits are mixed.
package struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Begins at a seed.
  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  /// A multiple of 2^-53, from 0 up to but without 1.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}

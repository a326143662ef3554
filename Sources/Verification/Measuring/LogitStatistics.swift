import Tensors

/// How much a candidate's predictions differ from a reference's.
public struct LogitStatistics: Codable, Equatable, Sendable {
  /// KL(reference‖candidate) over positions, in nats.
  public struct Divergence: Codable, Equatable, Sendable {
    /// The mean over all positions.
    public let mean: Double
    /// The standard error of the mean, positions taken as independent.
    public let standardError: Double
    /// Half of the positions are below.
    public let median: Double
    /// 99 of 100 positions are below.
    public let p99: Double
    /// The largest.
    public let maximum: Double
  }

  /// Perplexity: the exponential of the mean negative log probability of the text's next tokens.
  public struct Perplexity: Codable, Equatable, Sendable {
    /// The reference's.
    public let reference: Double
    /// The candidate's.
    public let candidate: Double
    /// The candidate's over the reference's.
    public let ratio: Double
  }

  /// How many positions were compared.
  public let positions: Int
  /// KL divergence.
  public let divergence: Divergence
  /// The share of positions where both think the same token the most likely, 0 to 1.
  public let sameTop: Double
  /// Perplexities over the positions that have a next token.
  public let perplexity: Perplexity
  /// The root mean square change of the probability of the next token, 0 to 1.
  public let probabilityChange: Double

  /// Sums up positions; `nil` when there are none, or none with a next token.
  init?(_ positions: [PositionComparison]) {
    let targets = positions.compactMap(\.targetLogProbabilities)
    guard !positions.isEmpty, !targets.isEmpty else { return nil }
    self.positions = positions.count
    divergence = Self.divergence(positions.map(\.divergence))
    sameTop = Double(positions.count(where: \.hasSameTop)) / Double(positions.count)

    let count = Double(targets.count)
    let reference = -targets.reduce(0) { $0 + $1.reference } / count
    let candidate = -targets.reduce(0) { $0 + $1.candidate } / count
    perplexity = Perplexity(
      reference: Elementary.exponential(reference), candidate: Elementary.exponential(candidate),
      ratio: Elementary.exponential(candidate - reference))
    let squares = targets.reduce(0.0) { sum, pair in
      let change =
        Elementary.exponential(pair.candidate) - Elementary.exponential(pair.reference)
      return sum + change * change
    }
    probabilityChange = (squares / count).squareRoot()
  }

  private static func divergence(_ values: [Double]) -> Divergence {
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(count - 1, 1)
    let sorted = values.sorted()
    return Divergence(
      mean: mean, standardError: (variance / count).squareRoot(),
      median: quantile(0.5, of: sorted), p99: quantile(0.99, of: sorted),
      maximum: sorted[sorted.count - 1])
  }

  /// Interpolates linearly between the two neighbours, as NumPy does.
  static func quantile(_ share: Double, of sorted: [Double]) -> Double {
    let place = share * Double(sorted.count - 1)
    let low = Int(place)
    let high = min(low + 1, sorted.count - 1)
    return sorted[low] + (place - Double(low)) * (sorted[high] - sorted[low])
  }
}

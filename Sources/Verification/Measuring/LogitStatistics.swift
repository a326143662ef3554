import WeightmillTensors

/// Figures of the difference between a candidate's predictions and a reference's.
public struct LogitStatistics: Codable, Equatable, Sendable {
  /// KL(reference‖candidate) over positions, in nats.
  public struct Divergence: Codable, Equatable, Sendable {
    /// The mean over all positions.
    public let mean: Double
    /// The standard error of the mean, positions taken as independent.
    public let standardError: Double
    /// Half of the positions are below.
    public let median: Double
    /// 90 of 100 positions are below.
    package let p90: Double
    /// 95 of 100.
    public let p95: Double
    /// 99 of 100.
    public let p99: Double
    /// 999 of 1000.
    package let p999: Double
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
    /// The standard error of the ratio, by the variance of the differences of log probabilities.
    public let ratioError: Double
  }

  /// The change of the probability of the text's next token, candidate minus reference, -1 to 1.
  package struct ProbabilityChange: Codable, Equatable, Sendable {
    /// The root mean square.
    package let rms: Double
    /// The mean.
    package let mean: Double
    /// The smallest: the token that loses most.
    package let minimum: Double
    /// 1 of 100 positions is below.
    package let p1: Double
    /// 5 of 100.
    package let p5: Double
    /// Half.
    package let median: Double
    /// 95 of 100.
    package let p95: Double
    /// 99 of 100.
    package let p99: Double
    /// The largest.
    package let maximum: Double
  }

  /// The number of positions that were compared.
  public let positions: Int
  /// KL divergence.
  public let divergence: Divergence
  /// The share of positions where both think the same token the most likely, 0 to 1.
  public let sameTop: Double
  /// The mean share of the reference's five most likely tokens that are among the candidate's.
  public let topFiveOverlap: Double
  /// Perplexities over the positions that have a next token.
  public let perplexity: Perplexity
  /// The change of the probability of the next token.
  package let probabilityChange: ProbabilityChange
  /// The normalized mean square error of the logits: Σ(m − l)² / Σl², each position's logits less
  /// their mean, which softmax does not see; not a number when saved logits are not exact.
  public let normalizedSquareError: Double

  /// Sums up positions; `nil` when there are none, or none with a next token.
  init?(_ positions: some Collection<PositionResult>) {
    let targets = positions.compactMap(\.target)
    guard !positions.isEmpty, !targets.isEmpty else { return nil }
    let count = Double(positions.count)
    self.positions = positions.count
    divergence = Self.divergence(positions.map(\.divergence))
    sameTop = Double(positions.count(where: \.hasSameTop)) / count
    topFiveOverlap = Double(positions.reduce(0) { $0 + $1.sharedTopFive }) / (5 * count)
    perplexity = Self.perplexity(targets)
    probabilityChange = Self.change(targets)
    let size = positions.reduce(0) { $0 + $1.logitSize }
    normalizedSquareError = size != 0 ? positions.reduce(0) { $0 + $1.logitError } / size : 0
  }

  private static func divergence(_ values: [Double]) -> Divergence {
    let sorted = values.sorted()
    func quantile(_ share: Double) -> Double { Self.quantile(share, of: sorted) }
    return Divergence(
      mean: mean(values), standardError: standardError(values), median: quantile(0.5),
      p90: quantile(0.9), p95: quantile(0.95), p99: quantile(0.99), p999: quantile(0.999),
      maximum: sorted[sorted.count - 1])
  }

  private static func perplexity(_ targets: [PositionResult.Target]) -> Perplexity {
    let ratio = Elementary.exponential(mean(targets.map { $0.reference - $0.candidate }))
    return Perplexity(
      reference: Elementary.exponential(-mean(targets.map(\.reference))),
      candidate: Elementary.exponential(-mean(targets.map(\.candidate))),
      ratio: ratio, ratioError: ratio * standardError(targets.map { $0.reference - $0.candidate }))
  }

  private static func change(_ targets: [PositionResult.Target]) -> ProbabilityChange {
    let changes = targets.map {
      Elementary.exponential($0.candidate) - Elementary.exponential($0.reference)
    }
    let sorted = changes.sorted()
    func quantile(_ share: Double) -> Double { Self.quantile(share, of: sorted) }
    return ProbabilityChange(
      rms: mean(changes.map { $0 * $0 }).squareRoot(), mean: mean(changes),
      minimum: sorted[0], p1: quantile(0.01), p5: quantile(0.05), median: quantile(0.5),
      p95: quantile(0.95), p99: quantile(0.99), maximum: sorted[sorted.count - 1])
  }

  private static func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(values.count)
  }

  /// The standard error of the mean of independent values.
  private static func standardError(_ values: [Double]) -> Double {
    let mean = mean(values)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (variance / Double(max(values.count - 1, 1)) / Double(values.count)).squareRoot()
  }

  /// Interpolates linearly between the two neighbours, as NumPy does.
  static func quantile(_ share: Double, of sorted: [Double]) -> Double {
    let position = share * Double(sorted.count - 1)
    let low = Int(position)
    let high = min(low + 1, sorted.count - 1)
    return sorted[low] + (position - Double(low)) * (sorted[high] - sorted[low])
  }
}

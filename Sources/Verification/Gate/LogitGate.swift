/// Limits that a comparison must keep.
public struct LogitGate: Sendable {
  /// One limit and what was measured.
  public struct Outcome: Codable, Equatable, Sendable {
    /// The option that set the limit, such as `max-kld`.
    public let limit: String
    /// The value that was measured.
    public let measured: Double
    /// The value that was allowed.
    public let allowed: Double
    /// Whether the limit was kept; a value that is not a number never keeps it.
    public let passed: Bool
    /// Where a breach comes from, if that is known: `blk.2.ffn_down (Q3_K): 31 % of the divergence`.
    public var origin: String?
  }

  /// The largest mean KL divergence allowed, in nats.
  public var maximumDivergence: Double?
  /// The largest 99th percentile of KL divergence allowed, in nats.
  public var maximumDivergenceP99: Double?
  /// The smallest share of same top tokens allowed, 0 to 1.
  public var minimumSameTop: Double?
  /// The largest ratio of perplexities allowed.
  public var maximumPerplexityRatio: Double?

  /// Makes a gate without limits.
  public init() {}

  /// Compares statistics with the limits that are set.
  ///
  /// - Parameter statistics: What was measured.
  /// - Returns: One outcome for each limit.
  public func judge(_ statistics: LogitStatistics) -> [Outcome] {
    var outcomes: [Outcome] = []
    func atMost(_ name: String, _ measured: Double, _ allowed: Double?) {
      guard let allowed else { return }
      outcomes.append(
        Outcome(limit: name, measured: measured, allowed: allowed, passed: measured <= allowed))
    }
    atMost("max-kld", statistics.divergence.mean, maximumDivergence)
    atMost("max-kld-p99", statistics.divergence.p99, maximumDivergenceP99)
    atMost("max-ppl-ratio", statistics.perplexity.ratio, maximumPerplexityRatio)
    if let minimumSameTop {
      outcomes.append(
        Outcome(
          limit: "min-top1", measured: statistics.sameTop, allowed: minimumSameTop,
          passed: statistics.sameTop >= minimumSameTop))
    }
    return outcomes
  }
}

/// One limit and what was measured.
public struct LimitOutcome: Codable, Equatable, Sendable {
  /// The option that set the limit, such as `max-kld`.
  public let limit: String
  /// The value that was measured.
  public let measured: Double
  /// The value that was allowed.
  public let allowed: Double
  /// Whether the limit was kept; a value that is not a number never keeps it.
  public let passed: Bool
  /// The origin of a breach, if it is known: `blk.2.ffn_down (Q3_K): 31 % of the divergence`.
  public var origin: String?

  /// The limit without a figure: the option `same-tokens`.
  package static let sameTokens = "same-tokens"

  /// The limit on errors in the candidate's file, which no option sets.
  package static let fileErrors = "file-errors"
}

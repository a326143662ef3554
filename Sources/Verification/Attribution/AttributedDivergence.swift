/// The divergence that is lost when some tensors are taken from the reference.
public struct AttributedDivergence: Codable, Equatable, Sendable {
  /// The tensor, or the group: `blk.2`, `ffn_down`.
  public var name: String
  /// The candidate's types in it, such as `Q3_K`.
  public var types: String
  /// The mean divergence without its error, in nats.
  public var divergence: Double
  /// The share of the divergence that goes: shares need not add up to 1.
  public var share: Double

  /// Makes one.
  package init(name: String, types: String, divergence: Double, share: Double) {
    self.name = name
    self.types = types
    self.divergence = divergence
    self.share = share
  }
}

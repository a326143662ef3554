/// A token that is looked for in a text before anything else is done to it.
public struct AddedToken: Equatable, Sendable {
  /// The token's id.
  public let id: Int
  /// What is looked for.
  public let content: String
  /// Whether it counts only where no letter or digit stands beside it.
  public let isSingleWord: Bool
  /// Whether it takes the white space before it with it.
  public let stripsLeft: Bool
  /// Whether it takes the white space after it with it.
  public let stripsRight: Bool
  /// Whether it is looked for in the normalized text, in its own normalized form.
  public let isNormalized: Bool
  /// Whether it is a control token: no part of the text that a model writes.
  public let isSpecial: Bool
}

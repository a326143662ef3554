/// A token that is looked for in a text before anything else is done to it.
package struct AddedToken: Equatable, Sendable {
  /// The token's id.
  package let id: Int
  /// The text that is looked for.
  package let content: String
  /// Whether it counts only where no letter or digit stands beside it.
  package let isSingleWord: Bool
  /// Whether it takes the white space before it with it.
  package let stripsLeft: Bool
  /// Whether it takes the white space after it with it.
  package let stripsRight: Bool
  /// Whether it is looked for in the normalized text, in its own normalized form.
  package let isNormalized: Bool
  /// Whether it is a control token: no part of the text that a model writes.
  package let isSpecial: Bool
}

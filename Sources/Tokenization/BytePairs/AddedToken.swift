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

  /// Whether a text is that of a control token whether or not the file says so, by llama.cpp's
  /// converter.
  package static func looksSpecial(_ text: String) -> Bool {
    func isBetween(_ start: String, _ end: String) -> Bool {
      text.utf8.starts(with: start.utf8) && text.utf8.reversed().starts(with: end.utf8.reversed())
    }
    return ["<pad>", "<mask>", "<2mass>", "[@BOS@]"].contains { $0.utf8.elementsEqual(text.utf8) }
      || isBetween("<|", "|>") || isBetween("<\u{FF5C}", "\u{FF5C}>") || isBetween("<unused", ">")
  }
}

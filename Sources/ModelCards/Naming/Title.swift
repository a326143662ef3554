/// Names as titles: `llama-2-7b-chat` becomes `Llama 2 7b Chat`.
package enum Title {
  /// Writes a name as gguf-py's `id_to_title` does: hyphens are spaces, words in small letters begin with a
  /// capital one, but for versions and what begins with a digit.
  ///
  /// - Parameter name: The name.
  /// - Returns: The title.
  package static func of(_ name: String) -> String {
    name.replacing("-", with: " ").split { $0.isWhitespace }.map { word in
      isLower(word) && !isFixed(word) ? capitalized(word) : String(word)
    }.joined(separator: " ")
  }

  private static func isLower(_ word: Substring) -> Bool {
    let letters = word.unicodeScalars.filter(\.properties.isCased)
    return !letters.isEmpty && letters.allSatisfy(\.properties.isLowercase)
  }

  /// A version, or a word that begins with a digit.
  private static func isFixed(_ word: Substring) -> Bool {
    let bytes = Array(word.utf8)
    guard let first = bytes.first else { return false }
    if ModelName.isDigit(first) { return true }
    return first == UInt8(ascii: "v")
      && bytes.dropFirst().split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        .allSatisfy { !$0.isEmpty && $0.allSatisfy(ModelName.isDigit) }
  }

  /// Each letter that follows none is a capital one.
  private static func capitalized(_ word: Substring) -> String {
    var result = ""
    var followsLetter = false
    for scalar in word.unicodeScalars {
      result +=
        followsLetter ? scalar.properties.lowercaseMapping : scalar.properties.titlecaseMapping
      followsLetter = scalar.properties.isCased
    }
    return result
  }
}

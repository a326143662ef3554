/// Text made safe for GitHub's Markdown, in a table's cell, too.
enum MarkdownText {
  /// Text in which every character that Markdown or HTML could read as a sign of its own is a
  /// reference to it (`&#124;`), which shows as the character.
  ///
  /// Line ends are spaces. Letters, digits and what is not ASCII stand as they are; `_` stands
  /// between letters, where it means nothing.
  static func escaped(_ text: String) -> String {
    let scalars = Array(text.unicodeScalars)
    return scalars.indices.reduce(into: "") { result, index in
      let scalar = scalars[index]
      if isPlain(scalar) || (scalar == "_" && isWithinWord(index, scalars)) {
        result.unicodeScalars.append(scalar)
      } else if scalar == "." && !follows("www", index, scalars) {
        result.append(".")
      } else if scalar == ":" && index + 1 < scalars.count && scalars[index + 1] == " " {
        result.append(":")
      } else if scalar.value < 0x20 || scalar.value == 0x7F {
        result.append(" ")
      } else {
        result += "&#\(scalar.value);"
      }
    }
  }

  /// Text from a file: escaped, and set like code.
  static func code(_ text: String) -> String {
    text.isEmpty ? "" : "<code>\(escaped(text))</code>"
  }

  /// A table: headings, and rows of cells that are escaped already.
  static func table(_ headings: [String], numbers: Set<Int> = [], _ rows: [[String]]) -> String {
    let line = headings.indices.map { numbers.contains($0) ? "---:" : "---" }
    return ([headings, line] + rows).map { "| \($0.joined(separator: " | ")) |\n" }.joined()
  }

  /// Text that opens when it is asked for.
  static func details(_ summary: String, _ text: String) -> String {
    "<details><summary>\(escaped(summary))</summary>\n\n\(text)\n</details>\n"
  }

  private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "a"..."z", "A"..."Z", "0"..."9", " ", ",", "-", "/", "%", "+", "=", "(", ")", ";": true
    default: scalar.value >= 0xA0
    }
  }

  private static func isWithinWord(_ index: Int, _ scalars: [Unicode.Scalar]) -> Bool {
    func isLetter(_ index: Int) -> Bool {
      guard scalars.indices.contains(index) else { return false }
      return switch scalars[index] {
      case "a"..."z", "A"..."Z", "0"..."9": true
      default: false
      }
    }
    return isLetter(index - 1) && isLetter(index + 1)
  }

  /// Whether a word stands directly before an index, in any case: `www.` begins a link.
  private static func follows(_ word: String, _ index: Int, _ scalars: [Unicode.Scalar]) -> Bool {
    let before = scalars[max(0, index - word.unicodeScalars.count)..<index]
    return before.map { String(Character($0)).lowercased() }.joined() == word
  }
}

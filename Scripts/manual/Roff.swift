/// Text for man(7), escaped so that what is shown can be copied into a shell.
struct Roff {
  private(set) var text = ""

  /// A request such as `.SH`.
  mutating func request(_ line: String) { text += "\(line)\n" }

  /// A line of text that was escaped already.
  mutating func line(_ escaped: String) {
    // A line that begins with one of these would be a request.
    if escaped.hasPrefix(".") || escaped.hasPrefix("\\(aq") { text += "\\&" }
    text += "\(escaped)\n"
  }

  /// A section.
  mutating func section(_ title: String) { request(".SH \(Self.escaped(title.uppercased()))") }

  /// An entry of a list: what it is about, and its explanation.
  mutating func entry(_ term: String, _ explanation: [String]) {
    request(".TP")
    line(term)
    for sentence in explanation { line(Self.prose(sentence)) }
  }

  /// A list without empty lines between its entries.
  mutating func compactly(_ list: (inout Roff) -> Void) {
    request(".PD 0")
    list(&self)
    request(".PD")
  }

  /// Lines that stay as they are.
  mutating func verbatim(_ lines: [Substring]) {
    request(".nf")
    for text in lines { line(Self.escaped(text)) }
    request(".fi")
  }

  static func bold(_ text: String) -> String { "\\fB\(escaped(text))\\fR" }

  static func italic(_ text: String) -> String { "\\fI\(escaped(text))\\fR" }

  /// Text in which words between backticks are bold.
  static func prose(_ text: some StringProtocol) -> String {
    let parts = text.split(separator: "`", omittingEmptySubsequences: false)
    guard parts.count % 2 == 1 else { return escaped(text) }
    return parts.enumerated().map { index, part in
      index % 2 == 0 ? escaped(part) : bold(String(part))
    }.joined()
  }

  static func escaped(_ text: some StringProtocol) -> String {
    let marks: [Character: String] = [
      "\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "~": "\\(ti", "^": "\\(ha",
    ]
    return text.map { marks[$0] ?? String($0) }.joined()
  }
}

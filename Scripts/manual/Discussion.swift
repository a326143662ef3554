/// A command's discussion, taken apart: paragraphs, then sections with titles in capitals.
struct Discussion {
  private(set) var paragraphs: [[Substring]] = []
  /// The lines below `EXAMPLES`, without what all of them are indented by.
  private(set) var examples: [Substring] = []
  /// What follows `EXIT CODES`: numbers and their meanings.
  private(set) var exitCodes: [(code: Substring, meaning: Substring)] = []

  init(_ text: String?) {
    let lines = (text ?? "").split(separator: "\n", omittingEmptySubsequences: false)
    for paragraph in lines.split(whereSeparator: \.isEmpty) {
      switch paragraph.first {
      case "EXAMPLES":
        examples += paragraph.dropFirst().map { $0.hasPrefix("  ") ? $0.dropFirst(2) : $0 }
      case "EXIT CODES":
        exitCodes += paragraph.dropFirst().flatMap { $0.split(separator: "·") }.compactMap { item in
          let words = item.split(separator: " ", maxSplits: 1)
          guard let code = words.first, let rest = words.last, words.count == 2 else { return nil }
          return (code, rest[...(rest.lastIndex { $0 != " " } ?? rest.startIndex)])
        }
      default:
        paragraphs.append(Array(paragraph))
      }
    }
  }
}

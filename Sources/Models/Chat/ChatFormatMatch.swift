/// The format that a template was found to write.
struct ChatFormatMatch {
  /// The format.
  let format: ChatFormat
  /// The date that the template writes; empty for none.
  let date: String

  /// Finds the first format whose marks and texts a template has; `nil` when there is none.
  ///
  /// - Parameters:
  ///   - template: The template.
  ///   - outline: What it writes.
  ///   - surroundings: The texts of special tokens.
  init?(
    _ template: String, _ outline: TemplateOutline, _ surroundings: TemplateOutline.Surroundings
  ) {
    let date = outline.constants["date_string"] ?? outline.dates.first ?? ""
    func filled(_ text: String) -> String {
      Self.filled(text, bos: surroundings.bos, eos: surroundings.eos, date: date)
    }
    let (text, code) = (TextSearch(template), TextSearch(outline.code))
    let texts = WrittenTexts(outline.literals)
    let format = ChatFormat.known.first { format in
      format.marks.allSatisfy { text.contains($0) }
        && !format.lacks.contains { text.contains($0) }
        && format.code.allSatisfy { code.contains(filled($0)) }
        && format.frames.allSatisfy { role, frame in
          let frame = ChatFormat.Frame(filled(frame.before), filled(frame.after))
          return texts.hasOne(endingWith: frame.before, role)
            && texts.hasOne(startingWith: frame.after, role)
            && !code.contradicts(frame, WrittenTexts.names[role] ?? [])
        }
    }
    guard let format else { return nil }
    self.format = format
    self.date = date
  }

  /// A text of a format with the tokens and the date that it names.
  static func filled(_ text: String, bos: String, eos: String, date: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "{")) else { return text }
    return text.replacing("{bos}", with: bos).replacing("{eos}", with: eos)
      .replacing("{date}", with: date)
  }
}

/// The texts that a template writes, with the names of roles in their places.
private struct WrittenTexts {
  static let names: [Conversation.Role: [String]] = [
    .system: ["system", "System", "SYSTEM"], .user: ["user", "User", "USER"],
    .assistant: ["assistant", "Assistant", "ASSISTANT", "model"],
  ]

  private let texts: [Conversation.Role: [String]]

  init(_ literals: [String]) {
    texts = Self.names.mapValues { names in
      literals.flatMap { literal in
        literal.contains(TemplateOutline.role)
          ? names.map { literal.replacing(TemplateOutline.role, with: $0) } : [literal]
      }
    }
  }

  func hasOne(endingWith text: String, _ role: Conversation.Role) -> Bool {
    text.isEmpty
      || (texts[role] ?? []).contains { $0.utf8.suffix(text.utf8.count).elementsEqual(text.utf8) }
  }

  func hasOne(startingWith text: String, _ role: Conversation.Role) -> Bool {
    text.isEmpty || (texts[role] ?? []).contains { $0.utf8.starts(with: text.utf8) }
  }
}

extension TextSearch {
  /// How an outline writes what is said.
  private static let contents = ["message.content", "content"].flatMap { name in
    [name, "\(name)|trim", "\(name).strip()"]
  }

  /// Whether an outline has what goes before a message, and the message, but something else after it
  /// wherever a text follows.
  fileprivate func contradicts(_ frame: ChatFormat.Frame, _ names: [String]) -> Bool {
    guard !frame.before.isEmpty else { return false }
    let starts =
      [frame.before] + names.map { frame.before.replacing($0, with: TemplateOutline.role) }
    var isContradicted = false
    for start in starts {
      for content in Self.contents {
        for end in ends(of: "\(start)\"+\(content)") {
          let isFollowed = contains("+\"", at: end)
          let fits =
            frame.after.isEmpty
            ? !isFollowed && !contains("|", at: end) && !contains(".", at: end)
            : contains("+\"\(frame.after)", at: end)
          if fits { return false }
          if isFollowed { isContradicted = true }
        }
      }
    }
    return isContradicted
  }
}

/// A text that is searched by its bytes.
struct TextSearch {
  private let bytes: [UInt8]

  init(_ text: String) { bytes = Array(text.utf8) }

  /// Whether it holds another text.
  func contains(_ text: String) -> Bool {
    let wanted = Array(text.utf8)
    return wanted.isEmpty || end(of: wanted, from: 0) != nil
  }

  /// Whether it holds another text at an offset.
  func contains(_ text: String, at offset: Int) -> Bool {
    bytes[min(offset, bytes.count)...].starts(with: text.utf8)
  }

  /// The offsets behind each occurrence of a text.
  func ends(of text: String) -> [Int] {
    let wanted = Array(text.utf8)
    var ends: [Int] = []
    while let end = end(of: wanted, from: ends.last ?? 0) { ends.append(end) }
    return ends
  }

  private func end(of wanted: [UInt8], from offset: Int) -> Int? {
    guard let first = wanted.first else { return nil }
    var start = offset
    let last = bytes.count - wanted.count
    while start <= last, let index = bytes[start...last].firstIndex(of: first) {
      if bytes[index..<(index + wanted.count)].elementsEqual(wanted) { return index + wanted.count }
      start = index + 1
    }
    return nil
  }
}

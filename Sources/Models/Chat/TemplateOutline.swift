/// The texts that a chat template writes, as far as they can be read off it. Nothing is run.
///
/// Branches that no conversation of Weightmill's reaches (tools, documents, pictures) are left out.
/// What is left stands in `code`: outputs between `«` and `»`, neighbouring texts joined,
/// conditions and loops between `{%` and `%}`.
struct TemplateOutline {
  /// The place of a role's name in `literals` and `code`.
  static let role = "\u{1}"
  /// How long a text that a name stands for may be, to be written in the name's place.
  static let maximumValueBytes = 256

  /// What is written or kept for later, with conditions and loops.
  private(set) var code = ""
  /// The texts in it.
  private(set) var literals: [String] = []
  /// What begins the answer; `nil` when the template does not say, or not in one text.
  private(set) var answerStart: String?
  /// The texts of the errors that it may raise.
  private(set) var complaints: [String] = []
  /// Whether it writes the token that begins a text.
  private(set) var writesBOS = false
  /// The texts that a name stands for, where it is one text throughout.
  private(set) var constants: [String: String] = [:]
  /// The names that stand for one text here, for another there, or for one with parts that are not
  /// known.
  private(set) var unclear: Set<String> = []
  /// Dates that it writes.
  private(set) var dates: [String] = []

  /// The texts of the tokens that begin and end a text, and the day.
  struct Surroundings: Equatable {
    var bos = ""
    var eos = ""
    var today: CalendarDay
  }

  private let surroundings: Surroundings
  private var items: [Item] = []
  private var blocks: [Block] = []
  private var conditions = TemplateConditions()
  private var answers: Set<String?> = []

  /// Something written, or a condition or loop.
  private enum Item {
    case output([Part])
    case tag(String)
  }

  /// A part of an output: `'a' + b` has two.
  private enum Part: Equatable {
    case text(String)
    case code(String)

    var isText: Bool { if case .text = self { true } else { false } }
    var isContent: Bool {
      if case .code(let code) = self { code.contains("content") } else { false }
    }
  }

  /// A condition or loop that is open.
  private struct Block {
    let isConditional: Bool
    /// Whether what is around it can be reached.
    let parentIsLive: Bool
    /// Whether what is in it can.
    var isLive: Bool
    /// Whether a branch before is taken in any case.
    var isDecided: Bool
    /// Whether its tags are left in `code`.
    var isShown: Bool
    /// Where what begins the answer starts, among `items`.
    var answer: Int?
  }

  /// Reads a template; `nil` when a tag of it has no end.
  init?(_ template: String, _ surroundings: Surroundings) {
    guard let pieces = TemplateScanner.pieces(template) else { return nil }
    self.surroundings = surroundings
    for piece in pieces {
      switch piece {
      case .text(let text): if isLive { write([.text(text)]) }
      case .output(let tokens): if isLive { output(tokens[...]) }
      case .statement(let tokens): statement(tokens[...])
      }
    }
    finish()
  }

  /// Whether it takes off the white space around texts.
  var trimsContent: Bool { code.contains("content|trim") || code.contains("content.strip()") }

  /// The text that is written right after a mark in `code`.
  func text(after mark: String) -> String? {
    guard let start = code.firstRange(of: mark)?.upperBound, code[start...].hasPrefix("\""),
      let end = code[start...].dropFirst().firstRange(of: "\"»")
    else { return nil }
    return String(code[code.index(after: start)..<end.lowerBound])
  }

  private var isLive: Bool { blocks.last?.isLive ?? true }

  private mutating func write(_ parts: [Part]) {
    guard case .output(let before)? = items.last else {
      items.append(.output(parts))
      return
    }
    items[items.count - 1] = .output(before + parts)
  }

  private mutating func output(_ tokens: ArraySlice<TemplateToken>) {
    if tokens.first == .word("raise_exception") {
      for case .literal(let text) in tokens { complaints.append(text) }
      return
    }
    write(parts(tokens))
  }

  private mutating func finish() {
    for item in items {
      switch item {
      case .tag(let tag): code += tag
      case .output(let parts):
        let text = Self.joined(parts, &literals)
        code += "«\(text)»"
      }
    }
    items = []
    if answers.count == 1, let answer = answers.first { answerStart = answer }
  }

  /// The parts as one text, and what of them is text.
  private static func joined(_ parts: [Part], _ literals: inout [String]) -> String {
    merged(parts).map { part in
      switch part {
      case .code(let code): return code
      case .text(let text):
        literals.append(text)
        return "\"\(text)\""
      }
    }.joined(separator: "+")
  }

  private static func merged(_ parts: [Part]) -> [Part] {
    var result: [Part] = []
    for part in parts {
      if case .text(let new) = part, case .text(let old)? = result.last {
        result[result.count - 1] = .text(old + new)
      } else {
        result.append(part)
      }
    }
    return result
  }

  /// The text of parts that are nothing else.
  private static func text(_ parts: [Part]) -> String? {
    let parts = merged(parts)
    if case .text(let text)? = parts.first, parts.count == 1 { return text }
    return parts.isEmpty ? "" : nil
  }
}

/// Expressions.
extension TemplateOutline {
  private static let maximumDepth = 32

  /// The parts of an expression that `+` and `~` join.
  private mutating func parts(_ tokens: ArraySlice<TemplateToken>, depth: Int = 0) -> [Part] {
    guard depth < Self.maximumDepth else { return [.code(tokens.code)] }
    let plus = TemplateToken.symbol(UInt8(ascii: "+"))
    let tilde = TemplateToken.symbol(UInt8(ascii: "~"))
    var result: [Part] = []
    for segment in tokens.cut(at: { $0 == plus || $0 == tilde }) {
      if let inner = segment.unwrapped {
        result += parts(inner, depth: depth + 1)
      } else {
        result.append(part(segment))
      }
    }
    return result
  }

  private mutating func part(_ tokens: ArraySlice<TemplateToken>) -> Part {
    let code = tokens.code
    switch (tokens.first, tokens.count) {
    case (.literal(let text)?, 1): return .text(text)
    case (.word("bos_token")?, 1):
      writesBOS = true
      return .text(value("bos_token") ?? surroundings.bos)
    case (.word("eos_token")?, 1): return .text(value("eos_token") ?? surroundings.eos)
    case (.word("strftime_now")?, 4):
      guard case .literal(let format) = tokens[tokens.startIndex + 2],
        let text = surroundings.today.text(format)
      else { break }
      dates.append(text)
      return .text(text)
    case (.word(let name)?, 1):
      guard Self.isValue(name), let text = value(name) else { break }
      return .text(text)
    default: break
    }
    if Self.isRole(code) { return .text(Self.role) }
    addTexts(of: tokens)
    return .code(code)
  }

  /// The text that a name stands for, if it is short.
  private func value(_ name: String) -> String? {
    constants[name].flatMap { $0.utf8.count <= Self.maximumValueBytes ? $0 : nil }
  }

  /// Names for a value that is the same in every conversation.
  private static func isValue(_ name: String) -> Bool { name.contains("date") || name == "today" }

  private static func isRole(_ code: String) -> Bool {
    var name = code[...]
    for ending in [".title()", "|title", "|capitalize", "|trim"] where name.hasSuffix(ending) {
      name = name.dropLast(ending.count)
      break
    }
    return name == "role" || name.hasSuffix(".role")
  }

  /// The texts of an expression that is more than a text: `'a' if b else 'c'`. What is handed to a
  /// function or asked of a list is not written.
  private mutating func addTexts(of tokens: ArraySlice<TemplateToken>) {
    for operand in tokens.cut(at: { $0 == .word("if") || $0 == .word("else") }) {
      if operand.count == 1, case .literal(let text)? = operand.first { literals.append(text) }
    }
  }
}

/// Statements.
extension TemplateOutline {
  private mutating func statement(_ tokens: ArraySlice<TemplateToken>) {
    guard case .word(let keyword)? = tokens.first else { return }
    let rest = tokens.dropFirst()
    switch keyword {
    case "if": open(rest, isConditional: true)
    case "elif", "else": nextBranch(rest, isElse: keyword == "else", tokens)
    case "for", "macro": open(rest, isConditional: false, tokens)
    case "set":
      if rest.contains(.symbol(UInt8(ascii: "="))) {
        if isLive { set(rest) }
      } else {
        open(rest, isConditional: false, tokens)
      }
    case "endif", "endfor", "endmacro", "endset": close(keyword)
    default: break
    }
  }

  private mutating func open(
    _ rest: ArraySlice<TemplateToken>, isConditional: Bool, _ tokens: ArraySlice<TemplateToken> = []
  ) {
    let parent = isLive
    guard isConditional else {
      // What goes through tools, or is made of them, goes through nothing.
      let isLive = parent && conditions.truth(rest) != false
      blocks.append(
        Block(
          isConditional: false, parentIsLive: parent, isLive: isLive, isDecided: false,
          isShown: isLive))
      if isLive { items.append(.tag("{%\(tokens.code)%}")) }
      return
    }
    let truth = conditions.truth(rest)
    let isShown = parent && truth == nil
    blocks.append(
      Block(
        isConditional: true, parentIsLive: parent, isLive: parent && truth != false,
        isDecided: truth == true, isShown: isShown))
    if isShown { items.append(.tag("{%if \(rest.code)%}")) }
    markAnswer(rest)
  }

  /// What the template writes from here to the end of the branch begins the answer.
  private mutating func markAnswer(_ condition: ArraySlice<TemplateToken>) {
    guard isLive, TemplateConditions.asksForAnswer(condition) else { return }
    // So that it is not joined to what stands before.
    items.append(.tag(""))
    blocks[blocks.count - 1].answer = items.count
  }

  private mutating func endAnswer() {
    guard let start = blocks.last?.answer else { return }
    blocks[blocks.count - 1].answer = nil
    var parts: [Part] = []
    var isPlain = true
    for item in items[start...] {
      switch item {
      case .output(let more): parts += more
      case .tag(let tag): isPlain = isPlain && tag.isEmpty
      }
    }
    answers.insert(isPlain ? Self.text(parts) : nil)
    items.append(.tag(""))
  }

  private mutating func nextBranch(
    _ rest: ArraySlice<TemplateToken>, isElse: Bool, _ tokens: ArraySlice<TemplateToken>
  ) {
    guard let block = blocks.last else { return }
    endAnswer()
    let truth: Bool? = isElse || !block.isConditional ? true : conditions.truth(rest)
    let isLive = block.parentIsLive && !block.isDecided && truth != false
    blocks[blocks.count - 1].isLive = isLive
    if truth == true { blocks[blocks.count - 1].isDecided = true }
    // The first branch that counts and is sure to be taken needs no tag.
    if isLive, block.isShown || truth == nil {
      items.append(.tag(block.isShown ? "{%\(tokens.code)%}" : "{%if \(rest.code)%}"))
      blocks[blocks.count - 1].isShown = true
    }
    if !isElse { markAnswer(rest) }
  }

  private mutating func close(_ keyword: String) {
    guard let block = blocks.last else { return }
    endAnswer()
    if block.isShown { items.append(.tag("{%\(keyword)%}")) }
    blocks.removeLast()
  }

  /// `name = expression`.
  private mutating func set(_ tokens: ArraySlice<TemplateToken>) {
    let sides = tokens.cut { $0 == .symbol(UInt8(ascii: "=")) }
    guard sides.count == 2, case .word(let name)? = sides[0].first, sides[0].count == 1 else {
      return
    }
    conditions.assign(name, sides[1].code)
    var parts = self.parts(sides[1])
    // A system message that grows.
    if parts.first == .code(name), let before = constants[name] { parts[0] = .text(before) }
    if let text = Self.text(parts) {
      let isNew =
        constants[name] == nil || constants[name] == text
        || text.hasPrefix(constants[name] ?? "")
      if isNew, !unclear.contains(name) { constants[name] = text } else { unclear.insert(name) }
      if unclear.contains(name) { constants[name] = nil }
    } else if parts.contains(where: \.isText), !parts.contains(where: \.isContent) {
      // Text around what is not known, and is no message's.
      unclear.insert(name)
      constants[name] = nil
    }
    let value = Self.joined(parts, &literals)
    items.append(.tag("{%set \(name)=\(value)%}"))
  }
}

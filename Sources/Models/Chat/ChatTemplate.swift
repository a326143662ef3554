package import WeightmillTensors
package import WeightmillTokenization

/// The form in which a model wants a conversation to be written.
///
/// Models bring a program in Jinja for that. Weightmill runs no programs: it tells by marks in the
/// text which of the formats that it knows the template writes, and reads off what differs from one
/// template to the next (`formats/chat-templates.md`).
package struct ChatTemplate: Sendable {
  /// The longest template whose format is looked for, in bytes; those published have up to 20 kB.
  package static let maximumBytes = 1 << 17

  /// Ziya's template as it is written into GGUF files.
  package static let ziyaText =
    "{% for message in messages %}"
    + "{% if message['role'] == 'user' %}"
    + "{{ '<human>:' + (message['content'] | trim) + '\\n<bot>:' }}"
    + "{% elif message['role'] == 'assistant' %}"
    + "{{ (message['content'] | trim) + eos_token }}"
    + "{% else %}"
    + "{{ (message['content'] | trim) + '\\n' }}"
    + "{% endif %}{% endfor %}"

  /// The name of the format.
  package var name: String { format.name }
  /// What the user should know.
  package private(set) var notes: [String] = []

  private let format: ChatFormat
  private let location: String
  private let bos: String
  private let eos: String
  private let date: String
  private let isTrimmed: (system: Bool, user: Bool, assistant: Bool)
  /// What the template itself tells the model, where the conversation does not.
  private var ownSystem: OwnSystem = .absent
  private let opening: String
  private let answerStart: String
  /// Whether earlier answers lose what the model thought, and newlines before the rest.
  private let takesOut: (thoughts: Bool, newlines: Bool)

  /// The system message that a template brings along.
  private enum OwnSystem: Equatable {
    case absent
    case text(String)
    /// There is one, which cannot be read off.
    case unclear
  }

  /// Finds the template of a model.
  ///
  /// A model without one that has the tokens `<human>` and `<bot>` is taken for Ziya.
  ///
  /// - Parameters:
  ///   - text: The model's template, if it has one.
  ///   - vocabulary: Its vocabulary, if it has one.
  ///   - location: Its file or folder, for messages.
  ///   - today: The day, for templates that write it.
  /// - Throws: `unsupported` when the model's template is none of those known, `mismatch` when it
  ///   has none.
  package init(
    _ text: String?, vocabulary: Vocabulary?, location: String, today: CalendarDay = .today
  ) throws(WeightmillError) {
    let remedy = HelpTopic.chatFormat.after(
      "write the prompt as the model wants it, and give it with --prompt, without --chat")
    guard let text = text ?? Self.impliedText(vocabulary) else {
      throw WeightmillError(.mismatch, location, "has no chat template", remedy: remedy)
    }
    guard text.utf8.count <= Self.maximumBytes else {
      throw WeightmillError(
        .unsupported, location, "has a chat template of more than \(Self.maximumBytes) bytes",
        at: quoted(text, limit: 60), remedy: remedy)
    }
    let special = vocabulary?.special
    func token(_ id: Int?) -> String {
      let text = id.flatMap { vocabulary?.tokens[$0].text } ?? ""
      // A template may write one thousands of times.
      return text.utf8.count <= TemplateOutline.maximumValueBytes ? text : ""
    }
    let surroundings = TemplateOutline.Surroundings(
      bos: token(special?.bos), eos: token(special?.eos), today: today)
    guard let outline = TemplateOutline(text, surroundings),
      let match = ChatFormatMatch(text, outline, surroundings)
    else {
      throw WeightmillError(
        .unsupported, location, "has a chat template that Weightmill does not know",
        at: quoted(text, limit: 60), remedy: remedy)
    }
    self.init(match, outline, surroundings, location: location)
  }

  /// The template of a model that brings none.
  private static func impliedText(_ vocabulary: Vocabulary?) -> String? {
    var missing: Set = ["<human>", "<bot>"]
    for token in vocabulary?.tokens ?? [] {
      missing.remove(token.text)
      if missing.isEmpty { return ziyaText }
    }
    return nil
  }

  private init(
    _ match: ChatFormatMatch, _ outline: TemplateOutline,
    _ surroundings: TemplateOutline.Surroundings, location: String
  ) {
    let format = match.format
    self.format = format
    self.location = location
    bos = surroundings.bos
    eos = surroundings.eos
    date = match.date
    let trims = outline.trimsContent
    isTrimmed =
      switch format.trimming {
      case .nobodys: (false, false, false)
      case .everybodys: (true, true, true)
      case .turns: (false, true, true)
      case .everybodysIfSaid: (trims, trims, trims)
      case .assistantsIfSaid: (false, false, trims)
      }
    let startsText = outline.writesBOS && !format.writesOwnBOS
    opening = (startsText ? "{bos}" : "") + format.opening
    answerStart = outline.answerStart ?? format.answerStart
    takesOut = (outline.code.contains("</think>"), outline.code.contains(".lstrip(\"\n\")"))
    ownSystem = readOwnSystem(outline)
    notes = unexplained(outline)
  }
}

/// Writing.
extension ChatTemplate {
  /// The text of a conversation, which the model's answer continues.
  ///
  /// - Parameter conversation: The conversation.
  /// - Returns: The text, with the tokens that begin and end a text as their texts.
  /// - Throws: `unsupported` when the template has no place for a system message, would write one
  ///   that cannot be read off it, or changes an answer in a way that is not known.
  package func prompt(_ conversation: Conversation) throws(WeightmillError) -> String {
    try check(conversation)
    var system = conversation.system.map { isTrimmed.system ? Self.trimmed($0) : $0 }
    if system == nil, case .text(let own) = ownSystem { system = own }
    var result = filled(opening)
    switch format.system {
    case .turn(let frame): if let system { result += framed(system, frame) }
    case .always(let frame): result += framed(system ?? "", frame)
    case .question, .refused: break
    }
    for (index, text) in conversation.turns.enumerated() {
      if index.isMultiple(of: 2) {
        result += framed(
          question(
            text, system, isFirst: index == 0, isLast: index == conversation.turns.count - 1),
          format.user)
      } else {
        result += framed(isTrimmed.assistant ? Self.trimmed(text) : text, format.assistant)
      }
    }
    return result + filled(answerStart)
  }

  private func check(_ conversation: Conversation) throws(WeightmillError) {
    func fault(_ problem: String, _ remedy: String) -> WeightmillError {
      WeightmillError(.unsupported, location, problem, at: name, remedy: remedy)
    }
    if conversation.system != nil, format.system == .refused {
      throw fault(
        "has a chat template without a place for a system message",
        "write what it says into the first question")
    }
    if conversation.system == nil, ownSystem == .unclear {
      throw fault(
        "has a chat template with a system message of its own that is made when it is run",
        "give one with --system")
    }
    for index in conversation.turns.indices where !index.isMultiple(of: 2) {
      let answer = conversation.turns[index]
      guard
        takesOut.thoughts && answer.contains("</think>")
          || takesOut.newlines && answer.utf8.first == 0x0A
      else { continue }
      throw fault(
        "has a chat template that takes thoughts, or newlines in front, out of answers",
        "take them out of the conversation's")
    }
  }

  /// A question with the system message that goes into it.
  private func question(_ text: String, _ system: String?, isFirst: Bool, isLast: Bool) -> String {
    let own = isTrimmed.user ? Self.trimmed(text) : text
    guard let system, case .question(let frame, let question) = format.system else { return own }
    switch question {
    case .first: return isFirst ? framed(system, frame) + own : own
    case .last: return isLast ? framed(system, frame) + own : own
    case .firstAsOne: return isFirst ? Self.trimmed(framed(system, frame) + text) : own
    }
  }

  private func framed(_ text: String, _ frame: ChatFormat.Frame) -> String {
    filled(frame.before) + text + filled(frame.after)
  }

  private func filled(_ text: String) -> String {
    ChatFormatMatch.filled(text, bos: bos, eos: eos, date: date)
  }

  /// A text without the white space around it, as Python's `strip` takes it off.
  private static func trimmed(_ text: String) -> String {
    func isSpace(_ scalar: Unicode.Scalar) -> Bool {
      scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value)
    }
    let scalars = text.unicodeScalars
    let start = scalars.firstIndex { !isSpace($0) } ?? scalars.endIndex
    let end = scalars.lastIndex { !isSpace($0) }.map(scalars.index(after:))
    return String(scalars[start..<(end ?? start)])
  }

  /// The ids of a conversation: control tokens count as such, and the token that begins a text is
  /// there once, even where both the template and the tokenizer put it there.
  ///
  /// - Parameters:
  ///   - text: What `prompt` made.
  ///   - tokenizer: The model's.
  /// - Returns: The ids.
  /// - Throws: The errors of the tokenizer.
  package static func encode(
    _ text: String, _ tokenizer: ModelTokenizer
  ) throws(WeightmillError) -> [Int] {
    let vocabulary = tokenizer.vocabulary
    var bytes = text.utf8[...]
    if let added = vocabulary.special.addedBOS {
      let start = vocabulary.tokens[added].text.utf8
      if !start.isEmpty, bytes.starts(with: start) { bytes = bytes.dropFirst(start.count) }
    }
    return try tokenizer.encode(String(decoding: bytes, as: UTF8.self), parsesControl: true)
  }
}

/// Reading off.
extension ChatTemplate {
  /// The names that templates give the system message.
  private static let systemNames = [
    "system_message", "default_system_message", "system_prompt", "default_system_prompt",
  ]

  private func readOwnSystem(_ outline: TemplateOutline) -> OwnSystem {
    if case .refused = format.system { return .absent }
    for name in Self.systemNames {
      if outline.unclear.contains(name) { return .unclear }
      guard let text = outline.constants[name] else { continue }
      if !text.isEmpty { return .text(text) }
      // A turn that is there though nothing is said in it.
      if outline.code.contains("\(name) is defined") { return .unclear }
    }
    if let mark = format.ownSystemMark, let text = outline.text(after: mark) { return .text(text) }
    guard case .turn(let frame) = format.system, !frame.before.isEmpty, !frame.after.isEmpty else {
      return .absent
    }
    // A whole system turn in one text.
    let (before, after) = (filled(frame.before), filled(frame.after))
    let found = Set(
      outline.literals.compactMap { literal -> String? in
        guard literal.utf8.starts(with: before.utf8) else { return nil }
        let rest = String(decoding: literal.utf8.dropFirst(before.utf8.count), as: UTF8.self)
        guard let end = rest.firstRange(of: after), !rest[..<end.lowerBound].isEmpty else {
          return nil
        }
        return String(rest[..<end.lowerBound])
      })
    return found.count > 1 ? .unclear : found.first.map { .text($0) } ?? .absent
  }

  /// What the template writes, too, and the format does not: a note if there is such text.
  private func unexplained(_ outline: TemplateOutline) -> [String] {
    var own = self
    if ownSystem == .unclear { own.ownSystem = .absent }
    let turns = ["a", "b", "c"]
    let system = format.system == .refused ? nil : "s"
    let samples = [
      Conversation(system: nil, turns: turns), Conversation(system: system, turns: turns),
    ]
    let known = TextSearch(samples.compactMap { try? own.prompt($0) }.joined(separator: "\u{2}"))
    let roles = ["user", "assistant", "system", "User", "Assistant", "System", "model"]
    let other = outline.literals.first { literal in
      guard literal.unicodeScalars.contains(where: Self.isLetter) else { return false }
      // A part of the system message that is made when the template is run.
      if ownSystem == .unclear, literal.utf8.count > 40 { return false }
      return !roles.contains {
        known.contains(literal.replacing(TemplateOutline.role, with: $0))
      }
    }
    return other.map {
      [
        "\(location): its chat template is taken for \(name), but has a text that this does not: "
          + quoted($0, limit: 40)
      ]
    } ?? []
  }

  private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isAlphabetic || scalar.properties.numericType != nil
  }
}

/// The conditions of a template, as far as they are decided before there is a conversation.
///
/// Weightmill gives a template messages with a role and a text, asks for an answer, and gives neither
/// tools nor documents nor pictures. Branches for these are dead.
struct TemplateConditions {
  /// How deep parentheses and words may nest; what lies deeper is not known.
  private static let maximumDepth = 32
  /// What holds, whatever is said.
  private static let facts: [String: Bool] = [
    "true": true, "True": true, "false": false, "False": false, "none": false,
    "true==true": true, "false==true": false,
    "add_generation_prompt": true, "add_generation_prompt is defined": true,
    "strftime_now is defined": true,
    "message.content is string": true, "content is string": true,
    "message.content is not string": false, "message.content is none": false,
    "message.content is not none": true, "message.content is defined": true,
    "messages[0].content is string": true, "messages[0].content is not string": false,
    // The user has the last word: no answer comes after it.
    "loop.index0>ns.last_query_index": false,
    "message.content is mapping": false, "message.content": true, "content": true,
  ]
  /// Words in the names of what is not given.
  private static let absent = [
    "tool", "function", "ipython", "document", "builtin", "image", "audio", "video", "reasoning",
    "thinking", "controls", "citation", "observation",
  ]

  /// Names that the template gives values of its own, such as `enable_thinking`.
  private var assigned: Set<String> = []

  /// Takes note that the template gives a name a value.
  mutating func assign(_ name: String, _ value: String) {
    guard !["none", "false", "False", "[]", "\"\""].contains(value) else { return }
    if Self.absent.contains(where: { name.contains($0) }) { assigned.insert(name) }
  }

  /// Whether a condition holds; `nil` when that depends on the conversation, or is not known.
  func truth(_ tokens: ArraySlice<TemplateToken>, depth: Int = 0) -> Bool? {
    guard depth < Self.maximumDepth else { return nil }
    if let inner = tokens.unwrapped { return truth(inner, depth: depth + 1) }
    let alternatives = tokens.cut { $0 == .word("or") }
    if alternatives.count > 1 {
      let truths = alternatives.map { truth($0, depth: depth + 1) }
      if truths.contains(true) { return true }
      return truths.allSatisfy { $0 == false } ? false : nil
    }
    let parts = tokens.cut { $0 == .word("and") }
    if parts.count > 1 {
      let truths = parts.map { truth($0, depth: depth + 1) }
      if truths.contains(false) { return false }
      return truths.allSatisfy { $0 == true } ? true : nil
    }
    if tokens.first == .word("not") { return truth(tokens.dropFirst(), depth: depth + 1).map(!) }
    return atom(tokens.code)
  }

  private func atom(_ code: String) -> Bool? {
    if let fact = Self.facts[code] { return fact }
    if assigned.contains(where: { code.contains($0) }) { return nil }
    guard Self.absent.contains(where: { code.contains($0) }) else { return nil }
    let denials = [" is none", " is undefined", " is not defined", "!=", " not in "]
    return denials.contains { code.contains($0) }
  }

  /// Whether a condition asks for the beginning of an answer.
  static func asksForAnswer(_ tokens: ArraySlice<TemplateToken>) -> Bool {
    tokens.cut { $0 == .word("and") }.contains {
      ($0.unwrapped ?? $0).code == "add_generation_prompt"
    }
  }
}

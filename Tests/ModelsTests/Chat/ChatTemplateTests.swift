import Foundation
import Testing
import WeightmillModels
import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// What `fixtures/chat-templates/make.py` wrote: what transformers makes of templates.
private struct Expected: Decodable {
  struct Message: Decodable {
    let role: String
    let content: String
  }

  struct Talk: Decodable {
    let name: String
    let messages: [Message]
  }

  struct Template: Decodable {
    let name: String
    let format: String
    let bos: String
    let eos: String
    /// For each conversation the text; `nil` where the template raises an error or leaves a
    /// message out.
    let texts: [String?]
  }

  let today: [Int]
  let conversations: [Talk]
  let templates: [Template]

  static let folder = "\(Fixtures.package)/fixtures/chat-templates"

  static let all: Expected? = try? JSONDecoder().decode(
    Expected.self, from: Data(contentsOf: URL(fileURLWithPath: "\(folder)/expected.json")))

  var day: CalendarDay { CalendarDay(year: today[0], month: today[1], day: today[2]) }
}

extension Conversation {
  /// The conversation of messages, read as a file would be.
  fileprivate init(_ messages: [Expected.Message]) throws {
    let list = messages.map { message in
      JSONValue.object(
        JSONObject(members: [
          .init(name: "role", value: .string(message.role)),
          .init(name: "content", value: .string(message.content)),
        ]))
    }
    try self.init(.array(list), location: "talk.json")
  }
}

/// A vocabulary of two special tokens.
private func vocabulary(bos: String = "<s>", eos: String = "</s>") -> Vocabulary {
  let texts = ["<unk>", bos, eos]
  let tokens = texts.map { Vocabulary.Token(text: $0, score: 0, kind: .control) }
  return Vocabulary(tokens: tokens, special: .init(bos: 1, eos: 2, unknown: 0))
}

/// What is made of a conversation is what transformers makes of it with the model's template.
struct ChatTemplateTests {
  private static let names = Expected.all?.templates.map(\.name) ?? []

  private func template(
    _ text: String, _ vocabulary: Vocabulary? = vocabulary(),
    today: CalendarDay = CalendarDay(year: 2025, month: 3, day: 7)
  ) throws -> ChatTemplate {
    try ChatTemplate(text, vocabulary: vocabulary, location: "m", today: today)
  }

  @Test func thereAreTemplates() { #expect(Self.names.count >= 50) }

  @Test(arguments: names)
  func theTextIsThatOfTransformers(name: String) throws {
    let expected = try #require(Expected.all)
    let sample = try #require(expected.templates.first { $0.name == name })
    let text = try String(
      decoding: Fixtures.bytes("\(Expected.folder)/\(name).jinja"), as: UTF8.self)
    let template = try template(
      text, vocabulary(bos: sample.bos, eos: sample.eos), today: expected.day)
    #expect(template.name == sample.format)
    #expect(template.notes == [])
    for (talk, text) in zip(expected.conversations, sample.texts) {
      let conversation = try Conversation(talk.messages)
      if let text {
        let made = try template.prompt(conversation)
        #expect(Array(made.utf8) == Array(text.utf8), "\(talk.name): \(made)\n\(text)")
      } else {
        expectError(.unsupported) { _ = try template.prompt(conversation) }
      }
    }
  }

  /// A template that is like a known one but for a text, a space or an end of line is not taken for
  /// it without a word.
  @Test(arguments: [
    ("chatml", "<|im_end|>\n", "<|im_end|>"), ("chatml", "assistant\\n", "assistant"),
    ("llama3", "\\n\\n'", "\\n'"), ("phi3", "<|end|>\\n", "<|end|> \\n"),
    ("gemma", "<end_of_turn>\\n", "<end_of_turn>"), ("mistral-v7", "[/INST]", " [/INST]"),
    ("deepseek2", "User: ", "User:"), ("granite", "<|end_of_text|>\\n", "<|end_of_text|>"),
    ("llama2", " [/INST]", "[/INST]"), ("chatml-own-system", "<|im_end|>' + '", "<|im_end|>!' + '"),
    ("openchat", "{{ bos_token }}", "{{ bos_token }}Ye who enter: "),
    ("zephyr", "eos_token }}\n{% elif", "eos_token }}{% elif"),
    ("deepseek3", "+ message['content'] }}", "+ message['content'] + '<｜end▁of▁sentence｜>' }}"),
    ("glmedge", "{{ item['content'] }}{% elif", "{{ item['content'] }}</s>{% elif"),
  ])
  func aTemplateThatDiffersIsNotTakenForAKnownOne(
    name: String, old: String, new: String
  ) throws {
    let text = try String(
      decoding: Fixtures.bytes("\(Expected.folder)/\(name).jinja"), as: UTF8.self)
    let changed = text.replacingOccurrences(of: old, with: new)
    try #require(changed != text)
    do {
      let template = try template(changed)
      let isSaid = !template.notes.isEmpty
      // What begins an answer is read off.
      let isRead = try template.prompt(Conversation(question: "x")).hasSuffix("assistant")
      #expect(isSaid || isRead, "\(template.name)")
    } catch {
      #expect((error as? WeightmillError)?.code == .unsupported, "\(error)")
    }
  }

  @Test func aSystemMessageThatIsMadeWhenRunIsAskedFor() throws {
    let text = """
      {% if messages[0].role == 'system' %}{% set system_message = messages[0].content %}\
      {% else %}{% set system_message = 'It is ' + strftime_now('%H') + ' o clock.' %}{% endif %}\
      {{ '<|im_start|>system\\n' + system_message + '<|im_end|>\\n' }}\
      {% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content \
      + '<|im_end|>\\n' }}{% endfor %}{{ '<|im_start|>assistant\\n' }}
      """
    let template = try template(text)
    expectError(.unsupported) { _ = try template.prompt(Conversation(question: "x")) }
    let given = try template.prompt(Conversation(question: "x", system: "s"))
    #expect(given.hasPrefix("<|im_start|>system\ns<|im_end|>\n"))
  }

  /// A system turn without a system message is not what the format writes.
  @Test func anEmptySystemTurnIsNotLeftOut() throws {
    let text = try String(
      decoding: Fixtures.bytes("\(Expected.folder)/chatml.jinja"), as: UTF8.self)
    let start =
      "{% if messages[0].role == 'system' %}{% set system_message = messages[0].content %}"
      + "{% set messages = messages[1:] %}{% else %}{% set system_message = '' %}{% endif %}"
      + "{% if system_message is defined %}{{ '<|im_start|>system\\n' + system_message + "
      + "'<|im_end|>\\n' }}{% endif %}"
    let template = try template(start + text)
    expectError(.unsupported) { _ = try template.prompt(Conversation(question: "x")) }
  }

  /// A value that the template gives a name decides what no one else does.
  @Test func whatTheTemplateTurnsOnIsNotTakenForOff() throws {
    let text = try String(
      decoding: Fixtures.bytes("\(Expected.folder)/chatml.jinja"), as: UTF8.self)
    let start = "{% if enable_thinking is not defined %}{% set enable_thinking = true %}{% endif %}"
    let thought = "{% if enable_thinking %}{{ '/think' }}{% endif %}"
    #expect(try template(start + text + thought).notes.count == 1)
    #expect(try template(text + thought).notes == [])
  }

  @Test func thoughtsOfEarlierAnswersAreRefused() throws {
    let text = try String(
      decoding: Fixtures.bytes("\(Expected.folder)/chatml-thinking.jinja"), as: UTF8.self)
    let json =
      #"[{"role":"user","content":"a"},{"role":"assistant","content":"</think>b"},"#
      + #"{"role":"user","content":"c"}]"#
    let talk = try Conversation(JSONParser.parse(Array(json.utf8), file: "t"), location: "t")
    expectError(.unsupported) { _ = try template(text).prompt(talk) }
  }

  /// The error shows the beginning, escaped, and what to do.
  @Test(arguments: [
    "{{ messages }}", "", "Hello", "{% for m in messages %}{{ m.content }}", "{{ 'a", "{#", "{%",
    "<|im_start|>", "\u{1B}[31m{{ bos_token }}",
  ])
  func anUnknownOneIsAnErrorThatShowsItsHead(text: String) throws {
    let error = expectError(.unsupported) { _ = try template(text) }
    #expect(error?.position == quoted(text, limit: 60))
    #expect(error?.remedy?.contains("--prompt") == true)
    #expect(error?.description.unicodeScalars.allSatisfy { $0.value >= 0x20 } == true)
  }

  @Test func withoutATemplateTheTokensOfZiyaTell() throws {
    expectError(.mismatch) {
      _ = try ChatTemplate(nil, vocabulary: vocabulary(), location: "m")
    }
    let tokens = ["<unk>", "<s>", "</s>", "<human>", "<bot>"].map {
      Vocabulary.Token(text: $0, score: 0, kind: .userDefined)
    }
    let template = try ChatTemplate(
      nil, vocabulary: Vocabulary(tokens: tokens, special: .init()), location: "m")
    #expect(try template.prompt(Conversation(question: " 你好\n")) == "<human>:你好\n<bot>:")
  }

  /// Templates that only a hostile file has end soon, and without a trap.
  @Test(
    .timeLimit(.minutes(5)),
    arguments: [("(", 50_000), ("not ", 20_000), ("'a'+", 20_000), ("a[", 30_000)])
  func deepExpressionsAreNoTrap(piece: String, count: Int) throws {
    let expression = String(repeating: piece, count: count)
    for text in ["{{ \(expression) }}", "{% if \(expression) %}", "{% set a = \(expression)"] {
      expectError(.unsupported) { _ = try template("<|im_start|>" + text) }
    }
  }

  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      ("{% if a %}", 20_000), ("{{", 100_000), ("{% endif %}{% else %}", 10_000), ("x", 8 << 20),
      ("{#", 100_000), ("{% set a = 'b' %}", 10_000),
    ])
  func longTemplatesAreNoTrap(piece: String, count: Int) throws {
    let text = String(repeating: piece, count: count)
    expectError(.unsupported) { _ = try template(text) }
  }

  /// Damaged templates are read or refused, and never a trap.
  @Test(arguments: names) func damageIsNoTrap(name: String) throws {
    let bytes = try Fixtures.bytes("\(Expected.folder)/\(name).jinja")
    var random = SeededGenerator(seed: UInt64(bytes.count))
    for _ in 0..<20 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...4, using: &random) where !damaged.isEmpty {
        let index = Int.random(in: damaged.indices, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: damaged.removeSubrange(index..<min(index + 3, damaged.count))
        case 1: damaged.insert(bytes.randomElement(using: &random) ?? 0, at: index)
        case 2: damaged[index] = UInt8.random(in: 0...255, using: &random)
        default: damaged = Array(damaged[..<index])
        }
      }
      let text = String(decoding: damaged, as: UTF8.self)
      expectNoCrash { _ = try template(text).prompt(Conversation(question: "x", system: "s")) }
    }
  }

  /// A name for a long text is not written out each time that it stands there.
  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      "{% set date = 'xxxxxxxxxxxxxxxx' %}"
        + String(repeating: "{% set date = date + date %}", count: 40),
      "{% set date = '\(String(repeating: "x", count: 60_000))' %}"
        + String(repeating: "{{ date }}", count: 6_000),
      "{% set eos_token = '\(String(repeating: "x", count: 60_000))' %}"
        + String(repeating: "{{ eos_token }}", count: 4_000),
      String(
        repeating: "{% set system_message = system_message + 'xxxxxxxxxxxxxxxx' %}", count: 1_500),
    ])
  func textsDoNotGrowWithoutMeasure(text: String) throws {
    expectError(.unsupported) { _ = try template(text) }
    let chatML = try String(
      decoding: Fixtures.bytes("\(Expected.folder)/chatml.jinja"), as: UTF8.self)
    let made = try? template(chatML + text).prompt(Conversation(question: "x"))
    #expect(made.map { $0.utf8.count < 1 << 20 } ?? true)
  }

  /// The token that begins a text is there once.
  @Test func aTextBeginsOnce() throws {
    let tokenizer = try ModelLoader.tokenizer(Fixtures.miniZiya("delta"))
    let bos = try #require(tokenizer.vocabulary.special.addedBOS)
    let plain = try ChatTemplate.encode("Hello", tokenizer)
    #expect(plain.first == bos)
    #expect(try ChatTemplate.encode("<s>Hello", tokenizer) == plain)
    #expect(try tokenizer.encode("<s>Hello", parsesControl: true) == [bos] + plain)
  }
}

/// Days in the formats of templates.
struct CalendarDayTests {
  /// Python 3.11: `datetime(2024, 2, 9).strftime(format)`.
  @Test(arguments: [
    ("%d %b %Y", "09 Feb 2024"), ("%B %d, %Y", "February 09, 2024"), ("%Y-%m-%d", "2024-02-09"),
    ("", ""), ("x", "x"),
  ])
  func aDayIsWrittenAsStrftimeDoes(format: String, text: String) {
    #expect(CalendarDay(year: 2024, month: 2, day: 9).text(format) == text)
  }

  @Test(arguments: ["%H", "%", "%Y%", "%%"])
  func otherFormatsAreNotWritten(format: String) {
    #expect(CalendarDay(year: 2024, month: 2, day: 9).text(format) == nil)
  }
}

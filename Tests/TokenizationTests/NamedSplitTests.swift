import Testing
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// llama.cpp's names for ways of cutting text are chosen by what a `tokenizer.json` does.
///
/// Expressions are those of published files; names are the first ones that llama.cpp's loader has for
/// the same cuts (`../shared/reference/families.md`).
struct NamedSplitTests {
  private static let end = #"\s*[\r\n]+|\s+(?!\S)|\s+"#
  private static let short = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let prefix = #"[^\r\n\p{L}\p{N}]?\p{L}+"#
  private static let rest = #" ?[^\s\p{L}\p{N}]+[\r\n]*"#

  private static func cl100k(_ digits: String) -> String {
    "\(short)|\(prefix)|\(digits)|\(rest)|\(end)"
  }

  private func split(_ pattern: String, behavior: String = "Isolated") -> String {
    let escaped = pattern.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    return #"{"type":"Split","pattern":{"Regex":"\#(escaped)"},"behavior":"\#(behavior)","#
      + #""invert":\#(behavior == "Removed")}"#
  }

  /// A vocabulary that cuts text in steps, and then makes characters of bytes.
  private func vocabulary(
    _ steps: [String], byteLevel: String = #""use_regex":false,"add_prefix_space":false"#,
    ignoresMerges: Bool = false
  ) throws -> BPEVocabulary {
    var text = TokenizerText()
    let last = #"{"type":"ByteLevel",\#(byteLevel)}"#
    text.more =
      #""pre_tokenizer":{"type":"Sequence","pretokenizers":["#
      + (steps + [last]).joined(separator: ",") + #"]},"decoder":{"type":"ByteLevel"},"#
    if ignoresMerges { text.rules = #""ignore_merges":true,"# }
    return try TokenizerJSON(text.bytes, location: "test.json").vocabulary
  }

  @Test(
    arguments: [
      (#"\p{N}{1,3}"#, false, "smaug-bpe"), (#"\p{N}{1,3}"#, true, "llama-bpe"),
      (#"\p{N}"#, false, "qwen2"), (#"\p{N}{1}"#, false, "qwen2"),
      // No name has it, but for merges: the cuts decide.
      (#"\p{N}"#, true, "qwen2"),
    ])
  func digitsAndWholeWordsDecide(digits: String, ignores: Bool, name: String) throws {
    let read = try vocabulary([split(Self.cl100k(digits))], ignoresMerges: ignores)
    #expect(read.preTokenizerName == name)
  }

  /// The same cuts written otherwise: by OpenAI's own expression, with what is not cut dropped, and
  /// in another order.
  @Test func whatIsWrittenOtherwiseHasTheSameName() throws {
    let possessive =
      #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"#
    #expect(try vocabulary([split(possessive)]).preTokenizerName == "qwen2")
    let removed = [split(Self.cl100k(#"\p{N}"#), behavior: "Removed")]
    #expect(try vocabulary(removed).preTokenizerName == "qwen2")
    let swapped =
      "\(Self.short)|\\p{N}{1,3}|\(Self.prefix)|\(Self.rest)|\(Self.end)"
    #expect(try vocabulary([split(swapped)], ignoresMerges: true).preTokenizerName == "llama-bpe")
  }

  @Test func sequencesHaveNames() throws {
    let threes = split(#"\p{N}{1,3}"#)
    let minicpm = try vocabulary([threes, split(Self.cl100k(#"\p{N}+"#))], ignoresMerges: true)
    #expect(minicpm.preTokenizerName == "minicpm5")
    let digits = #"{"type":"Digits","individual_digits":true}"#
    let smollm = try vocabulary([digits], byteLevel: #""add_prefix_space":false"#)
    #expect(smollm.preTokenizerName == "smollm")
    let seed =
      #"\#(Self.short)|\#(Self.prefix)|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\#(Self.end)"#
    #expect(try vocabulary([split(seed)]).preTokenizerName == "seed-coder")
  }

  /// Names of later models, whose expressions have parts of their own.
  @Test func laterNames() throws {
    let steps =
      [512, 256, 128, 64, 32, 16, 8, 4].map { #"\s{\#($0)}(?!\S)|"# }.joined()
      + #"\s{1,2}(?!\S)|\s{1}"#
    let jais = "\(Self.short)|\(Self.prefix)|\\p{N}{1,3}|\(Self.rest)|\\s*[\\r\\n]+|\(steps)"
    #expect(try vocabulary([split(jais)]).preTokenizerName == "jais-2")
    let turkish = #"\#(Self.prefix)|\p{N}|\#(Self.rest)|\#(Self.end)"#
    #expect(try vocabulary([split(turkish)]).preTokenizerName == "ufakzeka")
    let stops = " ?[^(\\s|[.,!?…。，、।۔،])]+"
    #expect(try vocabulary([split(stops)]).preTokenizerName == "bloom")
    #expect(try vocabulary([split(stops), split(#"\p{N}"#)]).preTokenizerName == "viking")
    let lines = #"[^\n]+|[\n]+"#
    #expect(
      try vocabulary([split(lines), split(Self.cl100k(#"\p{N}"#))]).preTokenizerName == "laguna")
  }

  /// What the models' own expressions give (by the package tokenizers 0.23).
  @Test(
    arguments: [
      (
        "tiny_aya", "1234567 x12 12ab 1_",
        ["1", "234", "567", " x", "12", " ", "12", "ab", " ", "1", "_"]
      ),
      (
        "superbpe", "in 1234567, 12 and 123",
        ["in ", "1", "234", "567", ", ", "12", " and ", "123"]
      ),
      ("jais-2", "a      b", ["a", "    ", " ", " b"]), ("jais-2", "a   ", ["a", "  ", " "]),
      ("bloom", "Hi, you. (a|b)", ["Hi", ",", " you", ". (", "a", "|", "b", ")"]),
      ("viking", "x12 34", ["x", "1", "2", " ", "3", "4"]),
      ("ufakzeka", "Ali'nin it's", ["Ali", "'nin", " it", "'s"]),
      ("laguna", "a\n\nb c", ["a", "\n\n", "b", " c"]),
      ("spark2_5", "a.\n\n12", ["a", ".", "\n", "\n", "1", "2"]),
      ("youtu", "한국어 12！中", ["한국어", " ", "1", "2", "！", "中"]),
    ] as [(String, String, [String])])
  func laterNamesCut(name: String, text: String, words: [String]) throws {
    let split = try #require(NamedSplit.named(name))
    #expect(split.words(of: text) == words)
  }

  /// Digits by threes before GPT-2's way: no name. The error shows the first words that part.
  @Test func whatHasNoNameIsAnErrorThatShowsWhereItParts() throws {
    let read = try vocabulary(
      [split(#"\p{N}{1,3}"#)], byteLevel: #""add_prefix_space":false"#)
    #expect(read.preTokenizerName == nil)
    let tokenizer = ModelTokenizer.bytePairs(BPETokenizer(read))
    let error = expectError(.unsupported) { _ = try tokenizer.stored }
    #expect(error?.problem.contains("has no name") == true, "\(error?.problem ?? "")")
    #expect(error?.remedy?.contains("--pre NAME") == true)
    // The user knows better.
    let given = try read.cutting(asIn: "gpt-2")
    #expect(given.preTokenizerName == "gpt-2")
    #expect(try ModelTokenizer.bytePairs(BPETokenizer(given)).stored.pre == "gpt-2")
  }

  @Test func anUnknownExpressionIsAnErrorThatShowsIt() throws {
    let read = try vocabulary([split(#"\p{Han}+|\w+"#)])
    let error = expectError(.unsupported) {
      _ = try ModelTokenizer.bytePairs(BPETokenizer(read)).stored
    }
    #expect(error?.problem.contains("Han") == true)
    #expect(error?.remedy?.contains("--pre NAME") == true)
    expectError(.unsupported) { _ = try BPETokenizer(read).encode("a") }
    let given = try read.cutting(asIn: "qwen2")
    #expect(try BPETokenizer(given).encode("ab") == [3])
  }

  @Test func anUnknownNameIsNamed() throws {
    let read = try vocabulary([])
    let error = expectError(.unsupported) { _ = try read.cutting(asIn: "unheard-of") }
    #expect(error?.problem.contains("unheard-of") == true)
    #expect(error?.remedy?.contains("llama-bpe") == true)
  }

  /// Names that the loader of llama.cpp has for one way, all of which are read.
  @Test(arguments: [
    ["llama-bpe", "llama3", "llama-v3", "falcon3", "pixtral", "lfm2"], ["smaug-bpe", "dbrx"],
    ["qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez"], ["qwen35"], ["tekken"],
    ["smollm", "starcoder", "refact", "command-r", "exaone"], ["deepseek-llm"],
    ["deepseek-coder"], ["deepseek-v3"], ["gpt-2", "phi-2", "mellum", "modern-bert"],
    ["gpt-4o", "llama4"], ["minicpm5"], ["default"],
  ])
  func namesOfOneWayCutAlike(names: [String]) throws {
    for name in names {
      #expect(NamedSplit.named(name) != nil, "\(name)")
      #expect(NamedSplit.cutAlike(names[0], name))
    }
    #expect(!NamedSplit.cutAlike(names[0], "unheard-of"))
    #expect(!NamedSplit.cutAlike(names[0], names[0] == "falcon" ? "gpt-2" : "falcon"))
  }

  /// Everything that is tried is a text of the file, so none may take long.
  @Test(.timeLimit(.minutes(1)))
  func longExpressionsTakeNoTime() throws {
    for part in ["|", "(", "[", "\\\\", "'s|", "?+"] {
      let read = try vocabulary([split(String(repeating: part, count: 4000))])
      #expect(read.encodingObstacle != nil)
    }
  }
}

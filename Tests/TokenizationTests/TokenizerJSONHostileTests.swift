import Testing
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// Files that break the rules of a `tokenizer.json`: TJ-01 to TJ-05 of the rules for hostile files.
struct TokenizerJSONHostileTests {
  private func read(_ text: TokenizerText) throws -> BPEVocabulary {
    try TokenizerJSON(text.bytes, location: "test").vocabulary
  }

  private func read(_ text: String) throws -> BPEVocabulary {
    try TokenizerJSON(Array(text.utf8), location: "test").vocabulary
  }

  @Test func theSmallFileIsSound() throws {
    let vocabulary = try read(TokenizerText())
    #expect(vocabulary.vocabulary.tokens.map(\.text) == ["a", "b", "c", "ab", "abc"])
    #expect(vocabulary.merges.map(\.result) == [3, 4])
    #expect(try BPETokenizer(vocabulary).encode("abcab") == [4, 3])
  }

  // MARK: TJ-01

  @Test(
    "TJ-01: what is not strict JSON is malformed",
    arguments: [
      "", "[]", "1", "null", "{", "{}{}", #"{"model":{}}x"#, #"{"model":}"#,
      #"{"model":{"vocab":{"#,
      #"{"model":{"type":"BPE","vocab":{"a":0,},"merges":[]}}"#,
      #"{"model":{"type":"BPE","vocab":{"a":0},"merges":[,]}}"#,
      "\u{FEFF}" + #"{"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}"#,
      // Names twice: at each level, and of tokens.
      #"{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"model":{}}"#,
      #"{"model":{"type":"BPE","type":"BPE","vocab":{"a":0},"merges":[]}}"#,
      #"{"model":{"type":"BPE","vocab":{"a":0},"vocab":{"b":0},"merges":[]}}"#,
      #"{"model":{"type":"BPE","vocab":{"a":0},"merges":[],"merges":[]}}"#,
      #"{"model":{"type":"BPE","vocab":{"a":0,"\u0061":1},"merges":[]}}"#,
      #"{"x":{"a":1,"a":1},"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}"#,
      #"{"padding":[{"a":{"b":1,"b":1}}],"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}"#,
      // Half of a surrogate pair, in a token and in a merge.
      #"{"model":{"type":"BPE","vocab":{"\ud800":0},"merges":[]}}"#,
      #"{"model":{"type":"BPE","vocab":{"a":0},"merges":["a \udc00"]}}"#,
    ])
  func strictJSON(text: String) {
    expectError(.malformed) { _ = try read(text) }
  }

  @Test("TJ-01: invalid UTF-8 is malformed") func invalidUTF8() {
    let start = Array(#"{"model":{"type":"BPE","vocab":{""#.utf8)
    let bytes = start + [0xFF] + Array(#"":0},"merges":[]}}"#.utf8)
    expectError(.malformed) { _ = try TokenizerJSON(bytes, location: "test") }
  }

  @Test(
    "TJ-01: depth is limited, also in members that are not read",
    arguments: ["padding", "truncation", "x", "normalizer", "added_tokens"])
  func depth(name: String) throws {
    for count in [102, 100_000] {
      let deep = String(repeating: "[", count: count) + String(repeating: "]", count: count)
      var text = TokenizerText()
      text.more = "\"\(name)\":\(deep),"
      expectError(.malformed) { _ = try read(text) }
      text.more = ""
      text.rules = "\"x\":\(deep),"
      expectError(.malformed) { _ = try read(text) }
    }
  }

  @Test("TJ-01: names that differ in normalization only are two tokens") func normalization() throws
  {
    var text = TokenizerText()
    text.vocabulary = "{\"\u{E9}\":0,\"e\u{301}\":1,\"e\":2,\"\u{301}\":3}"
    text.merges = "[\"e \u{301}\"]"
    let vocabulary = try read(text)
    #expect(vocabulary.merges.map { [$0.left, $0.right, $0.result] } == [[2, 3, 1]])
    #expect(try BPETokenizer(vocabulary).encode("\u{E9}e\u{301}") == [0, 1])
  }

  // MARK: TJ-02

  @Test(
    "TJ-02: a model must be there and say its type",
    arguments: [
      "{}", #"{"version":"1.0"}"#, #"{"model":null}"#, #"{"model":[]}"#, #"{"model":"BPE"}"#,
      #"{"model":{}}"#, #"{"model":{"vocab":{"a":0},"merges":[]}}"#,
      #"{"model":{"type":null,"vocab":{"a":0},"merges":[]}}"#,
      #"{"model":{"type":1,"vocab":{"a":0},"merges":[]}}"#,
      #"{"model":{"type":["BPE"],"vocab":{"a":0},"merges":[]}}"#,
    ])
  func modelType(text: String) {
    expectError(.malformed) { _ = try read(text) }
  }

  @Test(
    "TJ-02: models of other types are unsupported, by name",
    arguments: ["WordPiece", "WordLevel", "Unigram", "bpe", "BPE ", "", "X\u{7}"])
  func otherTypes(type: String) {
    var text = TokenizerText()
    text.type = "\"\(type == "X\u{7}" ? "X\\u0007" : type)\""
    let error = expectError(.unsupported) { _ = try read(text) }
    #expect(error?.problem.contains(quoted(type)) == true)
    // Unigram's vocabulary is an array of pairs.
    text.vocabulary = #"[["a",-1.5],["b",-2]]"#
    text.merges = "null"
    expectError(.unsupported) { _ = try read(text) }
  }

  @Test("TJ-02: another version of the format is unsupported", arguments: ["\"2.0\"", "1.0", "{}"])
  func version(value: String) {
    let text =
      "{\"version\":\(value),\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}}"
    expectError(.unsupported) { _ = try read(text) }
  }

  // MARK: TJ-03

  @Test(
    "TJ-03: a vocabulary is an object of texts to unique ids from 0 to 2^31-1, without large gaps",
    arguments: [
      "null", "[]", "\"a\"", "1", "{}", #"["a"]"#, #"{"a":null}"#, #"{"a":"0"}"#, #"{"a":true}"#,
      #"{"a":0.0}"#, #"{"a":1e0}"#, #"{"a":-1}"#, #"{"a":-0}"#, #"{"a":2147483648}"#,
      #"{"a":4294967296}"#, #"{"a":9223372036854775807}"#, #"{"a":9223372036854775808}"#,
      #"{"a":99999999999999999999999999}"#, #"{"a":[0]}"#, #"{"a":{"b":0}}"#,
      #"{"a":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}"#,
      // Ids twice, and ids that would size an array.
      #"{"a":0,"b":0}"#, #"{"a":0,"b":1,"c":1}"#, #"{"a":1000000000}"#, #"{"a":2147483647}"#,
      #"{"a":0,"b":5000}"#,
    ])
  func vocabulary(value: String) {
    var text = TokenizerText()
    text.vocabulary = value
    text.merges = "[]"
    expectError(.malformed) { _ = try read(text) }
  }

  @Test("TJ-03: small gaps are unused tokens") func gaps() throws {
    var text = TokenizerText()
    text.vocabulary = #"{"a":0,"b":5}"#
    text.merges = "[]"
    let vocabulary = try read(text).vocabulary
    #expect(vocabulary.tokens.count == 6)
    #expect(vocabulary.tokens[3] == .init(text: "[PAD3]", score: 0, kind: .unused))
    #expect(vocabulary.tokens[5].text == "b")
  }

  @Test("TJ-03: NUL, line ends and nothing at all may be tokens") func oddTokens() throws {
    var text = TokenizerText()
    text.vocabulary = #"{"a\u0000":0,"\u0000":1,"":2,"a":3,"\n":4,"\ud83e\udd14":5}"#
    text.merges = #"["a \u0000"]"#
    let tokenizer = BPETokenizer(try read(text))
    #expect(try tokenizer.encode("a\0\0\n🤔a") == [0, 1, 4, 5, 3])
    #expect(try tokenizer.encode("") == [])
  }

  @Test(
    "TJ-03: added tokens agree with the vocabulary",
    arguments: [
      "{}", "\"a\"", "[1]", "[null]", "[[]]", "[{}]", #"[{"id":5}]"#, #"[{"content":"x"}]"#,
      #"[{"id":"5","content":"x"}]"#, #"[{"id":5,"content":null}]"#, #"[{"id":-1,"content":"x"}]"#,
      #"[{"id":1.0,"content":"x"}]"#, #"[{"id":2147483648,"content":"x"}]"#,
      #"[{"id":5,"content":"x","special":1}]"#, #"[{"id":5,"content":"x","lstrip":"no"}]"#,
      // Another token has the id; the token has another id; twice; too far away.
      #"[{"id":1,"content":"x"}]"#, #"[{"id":5,"content":"a"}]"#,
      #"[{"id":5,"content":"x"},{"id":5,"content":"y"}]"#,
      #"[{"id":5,"content":"x"},{"id":6,"content":"x"}]"#,
      #"[{"id":1000000000,"content":"x"}]"#, #"[{"id":9000,"content":"x"}]"#,
    ])
  func addedTokens(value: String) {
    var text = TokenizerText()
    text.more = "\"added_tokens\":\(value),"
    expectError(.malformed) { _ = try read(text) }
  }

  @Test("TJ-03: added tokens without measure are unsupported") func tooManyAddedTokens() {
    var text = TokenizerText()
    let long = String(repeating: "x", count: 1025)
    text.more = "\"added_tokens\":[{\"id\":5,\"content\":\"\(long)\"}],"
    expectError(.unsupported) { _ = try read(text) }
  }

  @Test("TJ-03: the unknown token is in the vocabulary") func unknownToken() {
    var text = TokenizerText()
    for rules in [
      #""unk_token":"<unk>","#, #""unk_token":0,"#, #""fuse_unk":1,"#, #""dropout":"x","#,
    ] {
      text.rules = rules
      expectError(.malformed) { _ = try read(text) }
    }
  }

  // MARK: TJ-04

  @Test(
    "TJ-04: merges are pairs of known tokens that form a known token",
    arguments: [
      "null", "{}", "\"a b\"", "1", "[1]", "[null]", "[[]]", #"["a"]"#, #"["a b c"]"#, #"["a  b"]"#,
      #"["a "]"#, #"[" b"]"#, #"[""]"#, #"[["a"]]"#, #"[["a","b","c"]]"#, #"[["a",1]]"#,
      #"[["a",["b"]]]"#, #"[["a",""]]"#, #"[{"a":"b"}]"#, #"["a b",["ab","c"]]"#,
      #"[["a","b"],"ab c"]"#,
      // Not in the vocabulary: left, right, both together; and the same pair twice.
      #"["x b"]"#, #"["a x"]"#, #"["b a"]"#, #"["b c"]"#, #"["a b","a b"]"#,
      #"["a b","ab c","a b"]"#,
    ])
  func merges(value: String) {
    var text = TokenizerText()
    text.merges = value
    expectError(.malformed) { _ = try read(text) }
  }

  @Test("TJ-04: pairs, texts and the first line of merges.txt are read alike") func mergeForms()
    throws
  {
    var text = TokenizerText()
    let expected = try read(text).merges
    for merges in [#"[["a","b"],["ab","c"]]"#, ##"["#version: 0.2","a b","ab c"]"##] {
      text.merges = merges
      #expect(try read(text).merges == expected)
    }
  }

  @Test("TJ-04: prefixes of parts of words, which crash others, are not encoded with")
  func subwordPrefix() throws {
    var text = TokenizerText()
    for rules in [#""continuing_subword_prefix":"@@","#, #""end_of_word_suffix":"</w>","#] {
      text.rules = rules
      let vocabulary = try read(text)
      expectError(.unsupported) { _ = try BPETokenizer(vocabulary).encode("abc") }
    }
  }

  @Test("TJ-04: a million merges are read or refused in time", .timeLimit(.minutes(1)))
  func manyMerges() {
    var text = TokenizerText()
    text.merges = "[" + String(repeating: #""a b","#, count: 1_000_000) + #""ab c"]"#
    expectError(.malformed) { _ = try read(text) }
    // A chain: each token is the one before and a letter.
    let texts = (1...3000).map { String(repeating: "a", count: $0) }
    text.vocabulary =
      "{" + texts.enumerated().map { "\"\($1)\":\($0)" }.joined(separator: ",") + "}"
    text.merges = "[" + texts.dropLast().map { "\"\($0) a\"" }.joined(separator: ",") + "]"
    expectNoCrash {
      let ids = try BPETokenizer(try read(text)).encode(String(repeating: "a", count: 100_000))
      #expect(ids.reduce(0) { $0 + $1 + 1 } == 100_000)
    }
  }

  // MARK: TJ-05

  @Test(
    "TJ-05: regular expressions are never run; unknown ones only keep text from being encoded",
    arguments: [
      "(a+)+$", ".*", "", "(", "[^\\\\s]+", "\\\\p{L}+", "[a-z]+x", "[z-a]+", "[^a]+", "[]+",
    ])
  func regularExpressions(pattern: String) throws {
    var text = TokenizerText()
    text.more =
      "\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\(pattern)\"},"
      + "\"behavior\":\"Isolated\",\"invert\":false},"
    let vocabulary = try read(text)
    #expect(vocabulary.vocabulary.tokens.count == 5)
    let error = expectError(.unsupported) {
      _ = try BPETokenizer(vocabulary).encode(String(repeating: "a", count: 100))
    }
    #expect(error?.problem.hasSuffix(quoted(pattern.replacing("\\\\", with: "\\"))) == true)
    text.more =
      "\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"\(pattern)\"},\"content\":\"\"},"
    let other = try read(text)
    expectError(.unsupported) { _ = try BPETokenizer(other).encode("a") }
  }

  @Test(
    "TJ-05: steps that are not known keep text from being encoded, and are named",
    arguments: [
      #""normalizer":{"type":"NFKC"}"#, #""normalizer":{"type":"Precompiled"}"#,
      #""pre_tokenizer":{"type":"Whitespace"}"#, #""pre_tokenizer":{"type":"BertPreTokenizer"}"#,
      #""post_processor":{"type":"RobertaProcessing"}"#,
      #""normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"NFKC"}]}"#,
    ])
  func unknownSteps(member: String) throws {
    var text = TokenizerText()
    text.more = member + ","
    let vocabulary = try read(text)
    let error = expectError(.unsupported) { _ = try BPETokenizer(vocabulary).encode("a") }
    let name = try #require(member.split(separator: "\"").dropLast().last)
    #expect(error?.problem.contains("\"\(name)\"") == true)
  }

  @Test(
    "wrong types in what prepares and completes text are malformed",
    arguments: [
      #""normalizer":1"#, #""normalizer":[]"#, #""normalizer":{}"#, #""normalizer":{"type":1}"#,
      #""normalizer":{"type":"Sequence"}"#, #""normalizer":{"type":"Sequence","normalizers":{}}"#,
      #""normalizer":{"type":"Sequence","normalizers":[1]}"#, #""normalizer":{"type":"Prepend"}"#,
      #""normalizer":{"type":"Replace","content":"x"}"#,
      #""normalizer":{"type":"Replace","pattern":"x","content":"x"}"#,
      #""normalizer":{"type":"Replace","pattern":{"String":"x"}}"#,
      #""pre_tokenizer":"ByteLevel""#, #""pre_tokenizer":{"type":"ByteLevel","use_regex":1}"#,
      #""pre_tokenizer":{"type":"Split","behavior":"Isolated"}"#,
      #""pre_tokenizer":{"type":"Split","pattern":{"Regex":1}}"#,
      #""pre_tokenizer":{"type":"Split","pattern":{"String":"a"},"behavior":"Nowhere"}"#,
      #""pre_tokenizer":{"type":"Metaspace"}"#,
      #""pre_tokenizer":{"type":"Metaspace","replacement":""}"#,
      #""pre_tokenizer":{"type":"Metaspace","replacement":"_","prepend_scheme":"last"}"#,
      #""post_processor":{"type":"TemplateProcessing"}"#,
      #""post_processor":{"type":"TemplateProcessing","single":[{}],"special_tokens":{}}"#,
      #""post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"s"}}],"special_tokens":{}}"#,
      #""post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"s"}}],"special_tokens":{"s":{"ids":[99]}}}"#,
      #""post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"s"}}],"special_tokens":{"s":{"ids":["0"]}}}"#,
      #""decoder":[]"#, #""decoder":{"type":"Strip","content":""}"#,
      #""decoder":{"type":"Strip","content":" ","start":-1}"#,
    ])
  func wrongTypes(member: String) {
    var text = TokenizerText()
    text.more = member + ","
    expectError(.malformed) { _ = try read(text) }
  }

  // MARK: RES-01, ERR-01

  @Test("RES-01: a text cannot grow without measure") func growth() throws {
    var text = TokenizerText()
    let step =
      #"{"type":"Replace","pattern":{"String":"a"},"content":"\#(String(repeating: "a", count: 64))"}"#
    let steps = [String](repeating: step, count: 16).joined(separator: ",")
    text.more = #""normalizer":{"type":"Sequence","normalizers":[\#(steps)]},"#
    let vocabulary = try read(text)
    expectError(.refused) { _ = try BPETokenizer(vocabulary).encode("aaaa") }
  }

  @Test("RES-01: steps and template ids are counted") func counts() throws {
    let step = #"{"type":"Digits","individual_digits":true}"#
    let steps = [String](repeating: step, count: 17).joined(separator: ",")
    let ids = [String](repeating: "0", count: 1025).joined(separator: ",")
    let template =
      #"{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"s"}},{"Sequence":{"id":"A"}}]"#
    for more in [
      #""pre_tokenizer":{"type":"Sequence","pretokenizers":[\#(steps)]},"#,
      #""post_processor":\#(template),"special_tokens":{"s":{"ids":[\#(ids)]}}},"#,
    ] {
      var text = TokenizerText()
      text.more = more
      let vocabulary = try read(text)
      expectError(.unsupported) { _ = try BPETokenizer(vocabulary).encode("a") }
    }
  }

  @Test("RES-01: a file has a limit, looked at before it is read") func fileSize() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([], to: "tokenizer.json")
    let size = TokenizerJSON.maximumBytes + 1
    try folder.write([UInt8](repeating: 0x20, count: size), to: "tokenizer.json")
    let error = expectError(.malformed) { _ = try TokenizerJSON(path: path) }
    #expect(error?.problem.contains("\(size)") == true)
  }

  @Test("ERR-01: messages are one short line, whatever the file holds") func messages() throws {
    let name = "\\u001b[31m\\n\\u202e" + String(repeating: "y", count: 100_000)
    for (vocabulary, merges) in [
      ("{\"\(name)\":-1}", "[]"), ("{\"\(name)\":0,\"b\":0}", "[]"),
      ("{\"a\":0}", "[\"a \(name)\"]"),
    ] {
      var text = TokenizerText()
      text.vocabulary = vocabulary
      text.merges = merges
      let error = expectError(.malformed) { _ = try read(text) }
      #expect((error?.description.utf8.count ?? 0) <= 300)
      #expect(error?.description.contains("\u{1B}") == false)
    }
  }

  @Test("truncated at any byte, a file is malformed") func truncation() throws {
    let folder = TokenizerJSONTests.folder
    let whole = try Fixtures.bytes("\(folder)/llama3.json").dropLast()
    for count in stride(from: 0, to: whole.count, by: 37) {
      expectError(.malformed) {
        _ = try TokenizerJSON(Array(whole.prefix(count)), location: "test")
      }
    }
  }

  @Test("with any byte changed, a file is read or refused") func changedBytes() throws {
    let whole = try Fixtures.bytes("\(TokenizerJSONTests.folder)/llama2-legacy.json")
    var random = SeededGenerator(seed: 7)
    for _ in 0..<400 {
      var bytes = whole
      let offset = Int.random(in: 0..<2000, using: &random)
      bytes[offset] =
        [0x22, 0x2C, 0x30, 0x39, 0x5B, 0x5D, 0x7B, 0x7D, 0x2D].randomElement(
          using: &random) ?? 0
      expectNoCrash {
        let vocabulary = try TokenizerJSON(bytes, location: "test").vocabulary
        _ = try BPETokenizer(vocabulary).encode("<s> Hello <norm>", parsesControl: true)
      }
    }
  }
}

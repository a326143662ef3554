import Foundation
import Testing
import WeightmillSentencePiece
import WeightmillTestSupport
import WeightmillTokenization

/// Token ids equal those of the `tokenizers` package (`fixtures/tokenizers`, made by `make.py`).
struct TokenizerJSONTests {
  struct Case: Decodable {
    let text: String
    /// With special tokens found in the text, and the template.
    let ids: [Int]
    /// Without either.
    let plain: [Int]
    /// The text of `ids`.
    let decoded: String
  }

  private struct Expected: Decodable {
    let cases: [Case]
  }

  /// Another folder can be given, for larger sets than are committed.
  static let folder =
    ProcessInfo.processInfo.environment["TOKENIZER_FIXTURES"]
    ?? "\(Fixtures.package)/fixtures/tokenizers"

  static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
    .filter { $0.hasSuffix(".expected.json") }.map { String($0.dropLast(14)) }.sorted()

  static func cases(_ name: String) throws -> [Case] {
    let url = URL(fileURLWithPath: "\(folder)/\(name).expected.json")
    return try JSONDecoder().decode(Expected.self, from: Data(contentsOf: url)).cases
  }

  private func vocabulary(_ name: String) throws -> BPEVocabulary {
    try TokenizerJSON(path: "\(Self.folder)/\(name).json").vocabulary
  }

  @Test(arguments: names)
  func idsAreThoseOfThePackage(name: String) throws {
    let tokenizer = BPETokenizer(try vocabulary(name))
    let cases = try Self.cases(name)
    #expect(cases.count > 50)
    for item in cases {
      let text = item.text.debugDescription
      #expect(try tokenizer.encode(item.text, parsesControl: true) == item.ids, "\(text)")
      #expect(try tokenizer.encode(item.text, addsSpecial: false) == item.plain, "\(text)")
      let decoded = try tokenizer.decode(item.ids)
      #expect(decoded.utf8.elementsEqual(item.decoded.utf8), "\(text)")
    }
  }

  @Test func everyKindHasAFixture() { #expect(Self.names.count >= 20) }

  @Test(arguments: [
    ("gpt2", "gpt-2"), ("gpt2-prefix", "gpt-2"), ("llama3", "llama-bpe"), ("qwen2", "qwen2"),
    ("qwen35", "qwen35"), ("o200k", "gpt-4o"), ("nemo", "tekken"), ("smollm", "smollm"),
    ("deepseek-v3", "deepseek-v3"), ("deepseek-coder", "deepseek-coder"),
    ("deepseek-llm", "deepseek-llm"), ("gemma", nil), ("llama2-legacy", nil),
  ])
  func theWayOfCuttingHasLlamaCppsName(fixture: String, name: String?) throws {
    #expect(try vocabulary(fixture).preTokenizerName == name)
  }

  /// As transformers converts it, a text that begins with a space gets no other one in front; as
  /// LLaMA's and Llama 2's files have it, every text does, which is what SentencePiece does.
  @Test func aConvertedSentencePieceModelGivesItsIds() throws {
    let path = "\(Self.folder)/mini-ziya-base.json"
    let text = String(decoding: try Fixtures.bytes(path), as: UTF8.self)
    let mark =
      #""pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":false}"#
    let normalizer =
      #""normalizer":{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},"#
      + #"{"type":"Replace","pattern":{"String":" "},"content":"▁"}]}"#
    let older = text.replacing(#""normalizer":null,"#, with: "").replacing(mark, with: normalizer)
    let tokenizers = try [text, older].map {
      BPETokenizer(try TokenizerJSON(Array($0.utf8), location: path).vocabulary)
    }
    let model = try SentencePieceModel(path: Fixtures.miniZiya("base-hf/tokenizer.model"))
    let pieces = Tokenizer(model.vocabulary)
    let tokens = tokenizers[1].vocabulary.tokens
    #expect(tokens.map(\.text) == model.vocabulary.tokens.map(\.text))
    #expect(tokens.dropFirst().map(\.kind) == model.vocabulary.tokens.dropFirst().map(\.kind))
    for text in try Self.cases("mini-ziya-base").map(\.text) + evaluationLines() {
      let expected = pieces.encode(plain: text)
      #expect(try tokenizers[1].encode(text, addsSpecial: false) == expected, "\(text)")
      if let first = text.first, first != " ", first != "▁" {
        #expect(try tokenizers[0].encode(text, addsSpecial: false) == expected, "\(text)")
      }
    }
  }

  private func evaluationLines() throws -> [String] {
    try ["en", "zh"].flatMap { name in
      String(
        decoding: try Fixtures.bytes(Fixtures.miniZiya("expected/eval-\(name).txt")), as: UTF8.self
      ).split(separator: "\n").map(String.init)
    }
  }

  @Test func specialIdsAreThoseOfTheTemplate() throws {
    let special = try vocabulary("o200k").vocabulary.special
    #expect(special.bos == 500)
    #expect(special.eos == 501)
    #expect(special.addsBOS && special.addsEOS)
    let none = try vocabulary("gpt2").vocabulary.special
    #expect(none.bos == nil && !none.addsBOS && !none.addsEOS)
  }

  /// Bytes are all in the vocabulary, so what comes back is the normalized text.
  @Test func textIsComposedAsFoundationDoes() throws {
    let tokenizer = BPETokenizer(try vocabulary("qwen2"))
    let blocks: [ClosedRange<UInt32>] = [
      0xA0...0x3100, 0xA690...0xA830, 0xAC00...0xD7A3, 0xF900...0xFB50, 0x1D150...0x1D250,
      0x2F800...0x2FA20,
    ]
    // Newer characters are not in every copy of Unicode's data.
    let scalars = blocks.joined().compactMap(Unicode.Scalar.init)
      .filter { ($0.properties.age?.major ?? 99) < 15 }
    var random = SeededGenerator(seed: 3)
    let marks = scalars.filter { $0.properties.canonicalCombiningClass != .notReordered }
    for start in stride(from: 0, to: scalars.count, by: 64) {
      // Each as it is, decomposed, and with marks in any order.
      var text = ""
      for scalar in scalars[start..<min(start + 64, scalars.count)] {
        let own = String(scalar)
        text += "\(own)|\(own.decomposedStringWithCanonicalMapping)|\(own)"
        for _ in 0..<Int.random(in: 0...3, using: &random) {
          text.unicodeScalars.append(marks.randomElement(using: &random) ?? "\u{301}")
        }
        text += "|"
      }
      let ids = try tokenizer.encode(text, addsSpecial: false)
      let expected = text.precomposedStringWithCanonicalMapping
      let decoded = try tokenizer.decode(ids)
      #expect(decoded.utf8.elementsEqual(expected.utf8), "\(start)")
    }
  }

  @Test(
    "long words and long texts take no quadratic time", .timeLimit(.minutes(1)),
    arguments: ["gpt2", "llama3", "deepseek-llm", "llama2-legacy", "metaspace-always", "qwen2"])
  func longTexts(name: String) throws {
    let tokenizer = BPETokenizer(try vocabulary(name))
    for part in [
      "a", " ", "\n", "the learning rate ", "深度学习", "e\u{301}", "<s>", "A\u{300}\u{323}",
    ] {
      let text = String(repeating: part, count: 60_000 / part.utf8.count) + "x"
      #expect(try !tokenizer.encode(text, parsesControl: true).isEmpty)
    }
  }
}

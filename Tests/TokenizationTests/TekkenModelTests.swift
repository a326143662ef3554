import Foundation
import Testing
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// Mistral's `tekken.json`: the tokens of `fixtures/tokenizers/nemo.json`, whose ids are those of the
/// package `tokenizers`, under a list of special tokens.
struct TekkenModelTests {
  private static let pattern =
    #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"#
    + #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"#
    + #"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"#

  /// The bytes of the fixture's tokens, by id: single bytes are not in the order of their values there.
  private func tokens() throws -> [[UInt8]] {
    let vocabulary = try TokenizerJSON(path: "\(TokenizerJSONTests.folder)/nemo.json").vocabulary
    let texts = BPEVocabulary.byteTexts
    return vocabulary.vocabulary.tokens.map { token in
      token.text.unicodeScalars.compactMap { scalar in
        texts.firstIndex { $0.unicodeScalars.first == scalar }.map { UInt8($0) }
      }
    }
  }

  private func file(
    _ tokens: [[UInt8]], special: [String]? = ["<unk>", "<s>", "</s>", "[INST]"], count: Int? = nil,
    pattern: String = TekkenModelTests.pattern
  ) throws -> [UInt8] {
    let number = special?.count ?? 4
    var object: [String: Any] = [
      "config": [
        "pattern": pattern, "default_vocab_size": count ?? tokens.count + number,
        "default_num_special_tokens": number, "version": "v3",
      ],
      "vocab": tokens.enumerated().map {
        ["rank": $0.offset, "token_bytes": Data($0.element).base64EncodedString()] as [String: Any]
      },
    ]
    if let special {
      object["special_tokens"] = special.enumerated().map {
        ["rank": $0.offset, "token_str": $0.element, "is_control": true] as [String: Any]
      }
    }
    return Array(try JSONSerialization.data(withJSONObject: object))
  }

  /// Every pair of tokens that form one merges here, in the order of the tokens: words of a few
  /// characters may become others than by the pairs of the fixture, but those that are tokens are
  /// tokens, and all come back.
  @Test func wordsAreTokensAndTextsComeBack() throws {
    let tokens = try tokens()
    let tokenizer = BPETokenizer(try TekkenModel(try file(tokens), location: "x").vocabulary)
    for item in try TokenizerJSONTests.cases("nemo") {
      let ids = try tokenizer.encode(item.text)
      #expect(ids.first == 1)
      #expect(try tokenizer.decode(ids).utf8.elementsEqual(item.text.utf8))
    }
    for (rank, token) in tokens.enumerated() {
      guard let text = String(validating: token, as: UTF8.self), text.allSatisfy(\.isLetter),
        text.allSatisfy(\.isASCII), text == text.lowercased()
      else { continue }
      #expect(try tokenizer.encode(text, addsSpecial: false) == [rank + 4])
    }
    #expect(try tokenizer.encode("[INST]", parsesControl: true) == [1, 3])
    let stored = try ModelTokenizer.bytePairs(tokenizer).stored
    #expect(stored.pre == "tekken" && stored.special.addsBOS && stored.special.eos == 2)
    #expect(stored.kinds.prefix(4).allSatisfy { $0 == .control })
    #expect(stored.notes.isEmpty)
  }

  /// Mistral Nemo's file lists none; its `tokenizer.json` names them so.
  @Test func specialTokensThatAreNotListedHaveNames() throws {
    var bytes = try file(try tokens(), special: nil)
    var tokens = try TekkenModel(bytes, location: "x").vocabulary.vocabulary.tokens
    #expect(tokens.prefix(4).map(\.text) == ["<unk>", "<s>", "</s>", "[INST]"])
    bytes = try file(try self.tokens(), special: ["<unk>", "<s>", "</s>", "x"])
    tokens = try TekkenModel(bytes, location: "x").vocabulary.vocabulary.tokens
    #expect(tokens[3].text == "x")
  }

  @Test func anUnknownExpressionIsAnErrorOfEncoding() throws {
    let bytes = try file(try tokens(), pattern: #"\w+"#)
    let vocabulary = try TekkenModel(bytes, location: "tekken.json").vocabulary
    let error = expectError(.unsupported) { _ = try BPETokenizer(vocabulary).encode("a") }
    #expect(error?.file == "tekken.json")
    expectError(.unsupported) {
      _ = try ModelTokenizer.bytePairs(BPETokenizer(vocabulary)).stored
    }
    #expect(try BPETokenizer(vocabulary.cutting(asIn: "tekken")).encode("a").first == 1)
  }

  @Test func sizesThatDoNotFitAreMalformed() throws {
    let tokens = try tokens()
    // Fewer ids than tokens: the last ones are left out.
    let cut = try TekkenModel(try file(tokens, count: 404), location: "x").vocabulary
    #expect(cut.vocabulary.tokens.count == 404)
    for count in [4, 0, tokens.count + 5, 1 << 30] {
      let bytes = try file(tokens, count: count)
      expectError(.malformed) { _ = try TekkenModel(bytes, location: "x") }
    }
    for special in [["<s>", "<s>"], ["", "<s>"]] {
      let bytes = try file(tokens, special: special)
      expectError(.malformed) { _ = try TekkenModel(bytes, location: "x") }
    }
  }
}

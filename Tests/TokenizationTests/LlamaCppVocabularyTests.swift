import Foundation
import Testing
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// llama.cpp's own cases for SentencePiece vocabularies, and ids that it was asked for
/// (`fixtures/tokenizers/llama.cpp`).
struct LlamaCppVocabularyTests {
  private static let folder = "\(Fixtures.package)/fixtures/tokenizers/llama.cpp"

  /// Phi 3's vocabulary, and the one it grew from, LLaMA's: 32,000 tokens, the first three of which
  /// have score 0 and the kinds that they have in llama.cpp's `ggml-vocab-llama-spm.gguf`.
  private func vocabulary(_ name: String) throws -> Vocabulary {
    let phi = try ModelLoader.tokenizer("\(Self.folder)/ggml-vocab-phi-3.gguf").vocabulary
    guard name == "llama-spm" else { return phi }
    let kinds: [Vocabulary.Kind] = [.unknown, .control, .control]
    let tokens = phi.tokens[..<32_000].enumerated().map { id, token in
      id < 3 ? Vocabulary.Token(text: token.text, score: 0, kind: kinds[id]) : token
    }
    return Vocabulary(tokens: tokens, special: Vocabulary.Special())
  }

  /// Texts between lines of `__ggml_vocab_test__`, and their ids, line by line; no BOS.
  private func publishedCases() throws -> [(text: String, ids: [Int])] {
    func content(_ ending: String) throws -> String {
      String(
        decoding: try Fixtures.bytes("\(Self.folder)/ggml-vocab-phi-3.gguf.\(ending)"),
        as: UTF8.self)
    }
    let texts = try content("inp").components(separatedBy: "\n__ggml_vocab_test__\n").dropLast()
    let lines = try content("out").components(separatedBy: "\n").dropLast()
    #expect(texts.count == 46)
    #expect(lines.count == texts.count)
    return zip(texts, lines).map { text, line in
      (text, line.split(separator: " ").compactMap { Int($0) })
    }
  }

  @Test(arguments: ["llama-spm", "phi-3"])
  func idsAreThoseThatLlamaCppPublishes(name: String) throws {
    let tokenizer = Tokenizer(try vocabulary(name))
    for (text, ids) in try publishedCases() {
      #expect(tokenizer.encode(text, addsSpecial: false) == ids, "\(text.debugDescription)")
      #expect(tokenizer.encode(text) == [1] + ids)
    }
  }

  @Test func idsOfMixedTextsAreThoseOfLlamaCpp() throws {
    let tokenizer = Tokenizer(try vocabulary("phi-3"))
    let json = try Fixtures.json("\(Self.folder)/phi-3.cases.json") as? [String: Any]
    let cases = try #require(json?["cases"] as? [[String: Any]])
    #expect(cases.count == 156)
    for item in cases {
      let text = try #require(item["text"] as? String)
      #expect(tokenizer.encode(text) == item["plain"] as? [Int], "\(text.debugDescription)")
      let special = tokenizer.encode(text, parsesControl: true)
      #expect(special == item["parse_special"] as? [Int], "\(text.debugDescription)")
    }
  }

  /// Phi 3's file has `</s>` as a user-defined token, which llama.cpp overrules.
  @Test func tokensThatEndATextAreControlTokensWhateverTheirKind() throws {
    let vocabulary = try vocabulary("phi-3")
    #expect(vocabulary.tokens[2].kind == .userDefined)
    #expect(vocabulary.ends == [2, 32_000, 32_007])
    let tokenizer = Tokenizer(vocabulary)
    #expect(!tokenizer.encode("a</s>b").contains(2))
    #expect(tokenizer.encode("a</s>b", parsesControl: true).contains(2))
    #expect(tokenizer.decode([263, 2, 29890]) == "ab")
  }
}

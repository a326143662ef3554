import Foundation
import Testing
import WeightmillModels
import WeightmillSentencePiece
import WeightmillTestSupport
import WeightmillTokenization

/// Token ids equal SentencePiece's and llama.cpp's (`expected/tokens.json`, `llamacpp-tokens.json`).
struct TokenizerTests {
  private struct Case: Decodable {
    let text: String
    let base: [Int]
    let ziya: [Int]
  }

  private struct LlamaCases: Decodable {
    struct Case: Decodable {
      let text: String
      let parse_special: [Int]
      let plain: [Int]
    }
    let cases: [Case]
  }

  private func decode<Value: Decodable>(_ type: Value.Type, _ name: String) throws -> Value {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.miniZiya("expected/\(name)")))
    return try JSONDecoder().decode(type, from: data)
  }

  private func model(_ folder: String) throws -> Vocabulary {
    try SentencePieceModel(path: Fixtures.miniZiya("\(folder)/tokenizer.model")).vocabulary
  }

  @Test func plainIdsAreSentencePieces() throws {
    let base = Tokenizer(try model("base-hf"))
    let ziya = Tokenizer(try model("delta"))
    let cases = try decode([Case].self, "tokens.json")
    #expect(cases.count > 10)
    for item in cases {
      #expect(base.encode(plain: item.text) == item.base, "\(item.text.debugDescription)")
      #expect(ziya.encode(plain: item.text) == item.ziya, "\(item.text.debugDescription)")
    }
  }

  @Test func specialIdsAreLlamaCpps() throws {
    let tokenizer = Tokenizer(try ModelLoader.tokenizer(Fixtures.miniZiya("delta")).vocabulary)
    let cases = try decode(LlamaCases.self, "llamacpp-tokens.json").cases
    #expect(cases.count > 10)
    for item in cases {
      #expect(tokenizer.encode(item.text) == item.plain, "\(item.text.debugDescription)")
      #expect(
        tokenizer.encode(item.text, parsesControl: true) == item.parse_special,
        "\(item.text.debugDescription)")
    }
  }

  @Test func decodingGivesTheTextBack() throws {
    let tokenizer = Tokenizer(try ModelLoader.tokenizer(Fixtures.miniZiya("delta")).vocabulary)
    for item in try decode([Case].self, "tokens.json") where !item.text.contains("▁") {
      #expect(tokenizer.decode(tokenizer.encode(plain: item.text)) == item.text)
    }
  }

  @Test func aContinuationKeepsItsLeadingSpace() throws {
    let tokenizer = Tokenizer(try ModelLoader.tokenizer(Fixtures.miniZiya("delta")).vocabulary)
    let ids = tokenizer.encode(plain: "computed by the gradient")
    for cut in 1..<ids.count {
      let (start, rest) = (Array(ids[..<cut]), Array(ids[cut...]))
      #expect(
        tokenizer.decode(start) + tokenizer.decode(rest, atStart: false)
          == "computed by the gradient")
    }
  }

  @Test(.timeLimit(.minutes(1))) func longTextsTakeNoQuadraticTime() throws {
    let tokenizer = Tokenizer(try model("delta"))
    let text = String(repeating: "深度学习 deep learning ", count: 20_000)
    #expect(tokenizer.encode(plain: text).count > 100_000)
  }

  @Test func theVocabularyIsPaddedToTheEmbeddingRows() throws {
    let vocabulary = try ModelLoader.tokenizer(Fixtures.miniZiya("delta")).vocabulary
    #expect(vocabulary.tokens.count == 3072)
    #expect(vocabulary.tokens[3050] == .init(text: "<human>", score: -1000, kind: .userDefined))
    #expect(vocabulary.tokens[3052] == .init(text: "[PAD3052]", score: -10000, kind: .unused))
  }
}

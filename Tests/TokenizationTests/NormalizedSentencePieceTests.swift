import Testing
import WeightmillSentencePiece
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// SentencePiece models that change text before they cut it, as OpenLLaMA's do: ids by the package
/// `sentencepiece` (`fixtures/tokenizers/normalized`).
struct NormalizedSentencePieceTests {
  private static let folder = "\(Fixtures.package)/fixtures/tokenizers/normalized"

  @Test(arguments: ["mapped", "mapped-only", "spaces"])
  func idsAreThoseOfSentencePiece(name: String) throws {
    let tokenizer = try SentencePieceModel(path: "\(Self.folder)/\(name).model").tokenizer
    let json = try Fixtures.json("\(Self.folder)/\(name).json") as? [String: Any]
    let cases = try #require(json?["cases"] as? [[String: Any]])
    #expect(cases.count > 20)
    for item in cases {
      let text = try #require(item["text"] as? String)
      #expect(tokenizer.encode(plain: text) == item["ids"] as? [Int], "\(text.debugDescription)")
    }
  }

  /// llama.cpp changes no text: the file says so, and cuts as llama.cpp does.
  @Test(arguments: ["mapped", "mapped-only", "spaces"])
  func aGGUFFileDoesNotNormalize(name: String) throws {
    let model = try SentencePieceModel(path: "\(Self.folder)/\(name).model")
    let stored = try ModelTokenizer.sentencePiece(model.tokenizer).stored
    #expect(stored.notes.count == 1 && stored.notes[0].contains("which llama.cpp does not"))
    #expect(stored.notes[0].contains("spaces") == (name != "mapped-only"))
    #expect(stored.notes[0].contains("ligatures") == (name != "spaces"))
    let plain = Tokenizer(stored.vocabulary)
    #expect(plain.encode(plain: "Hello  world") != model.tokenizer.encode(plain: "Hello world"))
    #expect(plain.encode(plain: "Hello world") == model.tokenizer.encode(plain: "Hello world"))
  }

  /// Rows that are added do not take the model's way with text away.
  @Test func aTokenizerWithMoreRowsNormalizes() throws {
    let tokenizer = ModelTokenizer.sentencePiece(
      try SentencePieceModel(path: "\(Self.folder)/mapped.model").tokenizer)
    let larger = try #require(tokenizer.resized(toRows: 710))
    #expect(try larger.encode("ﬁne  x") == tokenizer.encode("ﬁne  x"))
    #expect(try larger.encode("ﬁne  x") == larger.encode("fine x"))
  }

  /// Any byte of the map may lie.
  @Test(.timeLimit(.minutes(1)))
  func brokenMapsEndSomewhere() throws {
    let bytes = try Fixtures.bytes("\(Self.folder)/mapped.model")
    var random = SeededGenerator(seed: 11)
    for _ in 0..<300 {
      var broken = bytes
      // The map is the last part but one of the file.
      for _ in 0..<4 {
        broken[Int.random(in: bytes.count * 3 / 4..<bytes.count, using: &random)] =
          UInt8.random(in: .min ... .max, using: &random)
      }
      do {
        let tokenizer = try SentencePieceModel(broken, location: "x").tokenizer
        _ = tokenizer.encode(plain: "ﬁne  Ａｂｃ ﬃ … \u{200B} ab\u{301} 你好")
      } catch {
        #expect(error.code == .malformed || error.code == .unsupported)
      }
    }
  }
}

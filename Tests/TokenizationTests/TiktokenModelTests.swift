import Foundation
import Testing
import WeightmillSentencePiece
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// LLaMA 3's `tokenizer.model`.
struct TiktokenModelTests {
  /// GPT-2's alphabet, back to bytes.
  private static let bytes: [Unicode.Scalar: UInt8] = {
    let plain = Set(UInt8(0x21)...0x7E).union(0xA1...0xAC).union(0xAE...0xFF)
    var bytes: [Unicode.Scalar: UInt8] = [:]
    var next: UInt32 = 0x100
    for byte in UInt8.min...UInt8.max {
      if plain.contains(byte) {
        bytes[Unicode.Scalar(byte)] = byte
      } else if let scalar = Unicode.Scalar(next) {
        bytes[scalar] = byte
        next += 1
      }
    }
    return bytes
  }()

  /// The 500 tokens of `fixtures/tokenizers/llama3.json`, then tokens that no text has, as lines.
  private static func lines(count: Int = TiktokenModel.tokenCount) throws -> [String] {
    let vocabulary = try TokenizerJSON(path: "\(TokenizerJSONTests.folder)/llama3.json").vocabulary
    let known = vocabulary.vocabulary.tokens.prefix(500).map { token in
      token.text.unicodeScalars.compactMap { bytes[$0] }
    }
    let others = (500..<max(count, 500)).map { number -> [UInt8] in
      [0xFF, 0xFE, UInt8(number >> 16), UInt8(number >> 8 & 255), UInt8(number & 255)]
    }
    return (known + others).enumerated().map { "\(Data($1).base64EncodedString()) \($0)" }
  }

  private static let whole: Result<BPEVocabulary, any Error> = Result {
    try TiktokenModel(Array(lines().joined(separator: "\n").utf8), location: "test").vocabulary
  }

  private func read(_ lines: [String], end: String = "\n") throws -> BPEVocabulary {
    try TiktokenModel(Array((lines.joined(separator: "\n") + end).utf8), location: "test")
      .vocabulary
  }

  /// The ids are those of the same tokens in a `tokenizer.json`, by the `tokenizers` package; the
  /// tiktoken package gives the same.
  @Test func idsAreThoseOfTheSameTokensInATokenizerJSON() throws {
    let vocabulary = try Self.whole.get()
    #expect(vocabulary.vocabulary.tokens.count == 128_256)
    #expect(vocabulary.preTokenizerName == "llama-bpe")
    let tokenizer = BPETokenizer(vocabulary)
    let cases = try TokenizerJSONTests.cases("llama3").filter { !$0.text.contains("<|x|>") }
    #expect(cases.count > 40)
    for item in cases {
      #expect(try tokenizer.encode(item.text, addsSpecial: false) == item.plain)
      #expect(try tokenizer.decode(item.plain).utf8.elementsEqual(item.text.utf8))
    }
  }

  @Test func specialTokensAreMetas() throws {
    let tokenizer = BPETokenizer(try Self.whole.get())
    let text = "<|begin_of_text|><|start_header_id|><|end_header_id|><|eot_id|><|end_of_text|>"
    #expect(
      try tokenizer.encode(text, parsesControl: true)
        == [128_000, 128_000, 128_006, 128_007, 128_009, 128_001])
    #expect(try tokenizer.encode(text).count > 20)
    let tokens = tokenizer.vocabulary.tokens
    #expect(tokens[128_002].text == "<|reserved_special_token_0|>")
    #expect(tokens[128_008].text == "<|reserved_special_token_4|>")
    #expect(tokens[128_255].text == "<|reserved_special_token_250|>")
    #expect(tokens[128_255].kind == .control)
    #expect(tokenizer.vocabulary.special.bos == 128_000)
  }

  @Test func otherSizesAreUnsupported() throws {
    for count in [500, 128_001] {
      let lines = try Self.lines(count: count)
      let error = expectError(.unsupported) { _ = try read(lines) }
      #expect(error?.problem.contains("\(count)") == true)
    }
  }

  @Test func brokenLinesAreMalformed() throws {
    // Looked at before the number of lines is.
    let lines = try Self.lines(count: 600)
    let changes: [(Int, String)] = [
      (0, ""), (0, "IQ=="), (0, "IQ== 0 0"), (0, "IQ==  0"), (0, "IQ== -1"), (0, "IQ== +0"),
      (0, "IQ== x"), (0, "IQ== 0x0"), (0, "IQ== 1"), (0, "IQ== 600"), (0, "IQ== 9999999999"),
      (0, "IQ== 0\r"), (0, "IQ= 0"), (0, "IQ 0"), (0, "I=== 0"), (0, "IR== 0"), (0, "!Q== 0"),
      (0, " 0"), (0, "==== 0"), (1, "IQ== 1"), (0, "//79AAAB 0"),
      (5, Data(repeating: 0x61, count: 257).base64EncodedString() + " 5"),
    ]
    for (index, line) in changes {
      var changed = lines
      changed[index] = line
      expectError(.malformed) { _ = try read(changed) }
    }
    expectError(.malformed) { _ = try read(lines, end: "\n\n") }
  }

  @Test func aSentencePieceModelIsNotTakenForOne() throws {
    let model = try Fixtures.bytes(Fixtures.miniZiya("delta/tokenizer.model"))
    #expect(!TiktokenModel.isLikely(model))
    let lines = Array(try Self.lines(count: 500).joined(separator: "\n").utf8)
    #expect(TiktokenModel.isLikely(lines))
    let error = expectError(.unsupported) { _ = try SentencePieceModel(lines, location: "test") }
    #expect(error?.problem.contains("tiktoken") == true)
  }
}

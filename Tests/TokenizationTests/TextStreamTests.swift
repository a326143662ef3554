import TestSupport
import Testing
import Tokenization

/// Pieces of a growing text are whole characters, and make the whole text together.
struct TextStreamTests {
  /// A vocabulary of byte tokens (id 3 is byte 0), some words, and control tokens.
  private let tokenizer: Tokenizer

  init() {
    let hexadecimal = Array("0123456789ABCDEF")
    var tokens = ["<unk>", "<s>", "</s>"].enumerated().map { place, text in
      Vocabulary.Token(text: text, score: 0, kind: place == 0 ? .unknown : .control)
    }
    for byte in 0..<256 {
      let digits = "\(hexadecimal[byte / 16])\(hexadecimal[byte % 16])"
      tokens.append(Vocabulary.Token(text: "<0x\(digits)>", score: 0, kind: .byte))
    }
    for word in ["▁a", "b", "你好", "🤔", "é", "▁"] {
      tokens.append(Vocabulary.Token(text: word, score: 0, kind: .normal))
    }
    tokenizer = Tokenizer(Vocabulary(tokens: tokens, special: Vocabulary.Special()))
  }

  private func ids(_ text: String) -> [Int] { text.utf8.map { Int($0) + 3 } }

  @Test func aCharacterAppearsWhenItIsWhole() {
    var stream = TextStream(tokenizer)
    #expect(ids("a你🤔").map { stream.append($0) } == ["a", "", "", "你", "", "", "", "🤔"])
    #expect(stream.finish().isEmpty)
  }

  @Test func whatIsNotFinishedShowsAtTheEnd() {
    var stream = TextStream(tokenizer)
    #expect(ids("🤔").dropLast().map { stream.append($0) } == ["", "", ""])
    #expect(stream.finish() == "\u{FFFD}")
    #expect(stream.finish().isEmpty)
  }

  @Test func spacesAreKeptAndControlTokensHaveNoText() {
    var stream = TextStream(tokenizer)
    #expect([259, 1, 260, 2, -1, 9999].map { stream.append($0) } == [" a", "", "b", "", "", ""])
  }

  @Test func bytesThatCannotContinueAreNotHeldBack() {
    // After a word, a lone lead byte waits; the next word makes it broken.
    var stream = TextStream(tokenizer)
    #expect([0xE4 + 3, 260].map { stream.append($0) } == ["", "\u{FFFD}b"])
    // Overlong forms, surrogates, and bytes that never occur.
    for bytes in [
      [0xE0, 0x80], [0xED, 0xA0], [0xF0, 0x80], [0xF4, 0x90], [0xC0], [0xFF], [0x80],
    ] {
      var stream = TextStream(tokenizer)
      let text = bytes.map { stream.append($0 + 3) }.joined()
      #expect(text == String(repeating: "\u{FFFD}", count: bytes.count))
    }
  }

  @Test func piecesMakeTheWholeText() {
    var random = SeededGenerator(seed: 3)
    let leads = [0x41, 0x80, 0xBF, 0xC3, 0xE0, 0xE4, 0xED, 0xF0, 0xF4, 0x9F, 0xA0, 0x90]
    for _ in 0..<3000 {
      let ids = (0..<Int.random(in: 1..<12, using: &random)).map { _ in
        Bool.random(using: &random)
          ? (leads.randomElement(using: &random) ?? 0) + 3
          : Int.random(in: 0..<265, using: &random)
      }
      var stream = TextStream(tokenizer)
      let text = ids.map { stream.append($0) }.joined() + stream.finish()
      #expect(Array(text.utf8) == Array(tokenizer.decode(ids, atStart: false).utf8), "\(ids)")
    }
  }
}

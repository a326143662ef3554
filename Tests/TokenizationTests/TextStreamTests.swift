import Testing
import WeightmillTestSupport
import WeightmillTokenization

/// Pieces of a growing text are whole characters, and make the whole text together, whatever kind
/// the tokenizer is of.
struct TextStreamTests {
  private static let kinds: [ModelTokenizer.Kind] = [.sentencePiece, .bytePairs]
  /// Three control tokens, a token for each byte (id 3 is byte 0), and some words.
  private static let words = [" a", "bc", "你好", "🤔", "é", " "]

  /// The same ids in both kinds of vocabularies.
  private func tokenizer(_ kind: ModelTokenizer.Kind) throws -> ModelTokenizer {
    switch kind {
    case .sentencePiece: sentencePieces()
    case .bytePairs: try bytePairs()
    }
  }

  /// GPT-2's alphabet: printable characters of Latin-1 are themselves, the others follow U+00FF.
  private func bytePairs() throws -> ModelTokenizer {
    let printable = [0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF].map { $0 as ClosedRange<UInt32> }
    var next: UInt32 = 0x100
    var texts: [String] = []
    for byte in UInt32(0)..<256 {
      let isItself = printable.contains { $0.contains(byte) }
      let scalar = try #require(Unicode.Scalar(isItself ? byte : next))
      if !isItself { next += 1 }
      texts.append(String(scalar))
    }
    texts += Self.words.dropLast().map { $0.utf8.map { texts[Int($0)] }.joined() }
    var text = TokenizerText()
    let entries = texts.enumerated().map { index, text in
      "\(text == "\"" || text == "\\" ? "\"\\\(text)\"" : "\"\(text)\""):\(index + 3)"
    }
    text.vocabulary = "{\(entries.joined(separator: ","))}"
    text.merges = "[]"
    let added = ["<unk>", "<s>", "</s>"].enumerated().map { id, text in
      #"{"id":\#(id),"content":"\#(text)","special":true}"#
    }
    text.more =
      #""added_tokens":[\#(added.joined(separator: ","))],"decoder":{"type":"ByteLevel"},"#
    return .bytePairs(BPETokenizer(try TokenizerJSON(text.bytes, location: "test").vocabulary))
  }

  private func sentencePieces() -> ModelTokenizer {
    let hexadecimal = Array("0123456789ABCDEF")
    var tokens = ["<unk>", "<s>", "</s>"].enumerated().map { index, text in
      Vocabulary.Token(text: text, score: 0, kind: index == 0 ? .unknown : .control)
    }
    for byte in 0..<256 {
      let digits = "\(hexadecimal[byte / 16])\(hexadecimal[byte % 16])"
      tokens.append(Vocabulary.Token(text: "<0x\(digits)>", score: 0, kind: .byte))
    }
    for word in Self.words {
      let text = word.replacing(" ", with: "▁")
      tokens.append(Vocabulary.Token(text: text, score: 0, kind: .normal))
    }
    return .sentencePiece(
      Tokenizer(Vocabulary(tokens: tokens, special: Vocabulary.Special())))
  }

  private func ids(_ text: String) -> [Int] { text.utf8.map { Int($0) + 3 } }

  @Test(arguments: kinds)
  func aCharacterAppearsWhenItIsWhole(kind: ModelTokenizer.Kind) throws {
    var stream = try TextStream(tokenizer(kind))
    #expect(ids("a你🤔").map { stream.append($0) } == ["a", "", "", "你", "", "", "", "🤔"])
    #expect(stream.finish().isEmpty)
  }

  @Test(arguments: kinds)
  func whatIsNotFinishedShowsAtTheEnd(kind: ModelTokenizer.Kind) throws {
    var stream = try TextStream(tokenizer(kind))
    #expect(ids("🤔").dropLast().map { stream.append($0) } == ["", "", ""])
    #expect(stream.finish() == "\u{FFFD}")
    #expect(stream.finish().isEmpty)
  }

  @Test(arguments: kinds)
  func spacesAreKeptAndControlTokensHaveNoText(kind: ModelTokenizer.Kind) throws {
    var stream = try TextStream(tokenizer(kind))
    #expect([259, 1, 260, 2, -1, 9999].map { stream.append($0) } == [" a", "", "bc", "", "", ""])
  }

  @Test(arguments: kinds)
  func bytesThatCannotContinueAreNotHeldBack(kind: ModelTokenizer.Kind) throws {
    // After a word, a lone lead byte waits; the next word makes it broken.
    var stream = try TextStream(tokenizer(kind))
    #expect([0xE4 + 3, 260].map { stream.append($0) } == ["", "\u{FFFD}bc"])
    // Overlong forms, surrogates, and bytes that never occur.
    for bytes in [
      [0xE0, 0x80], [0xED, 0xA0], [0xF0, 0x80], [0xF4, 0x90], [0xC0], [0xFF], [0x80],
    ] {
      var stream = try TextStream(tokenizer(kind))
      let text = bytes.map { stream.append($0 + 3) }.joined()
      #expect(text == String(repeating: "\u{FFFD}", count: bytes.count))
    }
  }

  @Test(arguments: kinds)
  func piecesMakeTheWholeText(kind: ModelTokenizer.Kind) throws {
    let tokenizer = try tokenizer(kind)
    var random = SeededGenerator(seed: 3)
    let leads = [0x41, 0x80, 0xBF, 0xC3, 0xE0, 0xE4, 0xED, 0xF0, 0xF4, 0x9F, 0xA0, 0x90]
    for _ in 0..<3000 {
      let ids = (0..<Int.random(in: 1..<12, using: &random)).map { _ in
        Bool.random(using: &random)
          ? (leads.randomElement(using: &random) ?? 0) + 3
          : Int.random(in: 0..<265, using: &random)
      }
      var stream = try TextStream(tokenizer)
      let text = ids.map { stream.append($0) }.joined() + stream.finish()
      #expect(
        try Array(text.utf8) == Array(tokenizer.decode(ids, atStart: false).utf8), "\(ids)")
    }
  }
}

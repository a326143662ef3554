import Foundation
import Testing
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// Both kinds of tokenizers give what other programs give, through the same value.
struct ModelTokenizerTests {
  private func bytePairs(_ name: String) throws -> ModelTokenizer {
    try ModelLoader.tokenizer("\(TokenizerJSONTests.folder)/\(name).json")
  }

  private func ziya() throws -> ModelTokenizer {
    try ModelLoader.tokenizer(Fixtures.miniZiya("delta"))
  }

  private func read(_ text: TokenizerText) throws -> ModelTokenizer {
    .bytePairs(BPETokenizer(try TokenizerJSON(text.bytes, location: "test.json").vocabulary))
  }

  private func streamed(_ ids: [Int], _ tokenizer: ModelTokenizer) throws -> String {
    var stream = try TextStream(tokenizer)
    return ids.map { stream.append($0) }.joined() + stream.finish()
  }

  // MARK: Texts and ids

  @Test(arguments: TokenizerJSONTests.names)
  func bytePairsAreThoseOfThePackage(name: String) throws {
    let tokenizer = try bytePairs(name)
    #expect(tokenizer.kind == .bytePairs)
    for item in try TokenizerJSONTests.cases(name) {
      let text = item.text.debugDescription
      #expect(try tokenizer.encode(item.text, parsesControl: true) == item.ids, "\(text)")
      let decoded = try tokenizer.decode(item.ids)
      #expect(decoded.utf8.elementsEqual(item.decoded.utf8), "\(text)")
    }
  }

  /// Pieces of a text that goes on are the package's text, but for spaces at its front.
  @Test(arguments: TokenizerJSONTests.names)
  func piecesOfBytePairsMakeThePackagesText(name: String) throws {
    let tokenizer = try bytePairs(name)
    for item in try TokenizerJSONTests.cases(name) {
      let text = try streamed(item.ids, tokenizer)
      #expect(try Array(text.utf8) == Array(tokenizer.decode(item.ids, atStart: false).utf8))
      let decoded = item.decoded.utf8.drop { $0 == 0x20 }
      #expect(
        text.utf8.drop { $0 == 0x20 }.elementsEqual(decoded), "\(item.text.debugDescription)")
    }
  }

  /// `<human>` is a token of Ziya's that is found in every text; ids by llama.cpp.
  @Test func sentencePiecesAreThoseOfLlamaCpp() throws {
    let tokenizer = try ziya()
    #expect(tokenizer.kind == .sentencePiece)
    #expect(try tokenizer.encode("Hello") == [1, 594, 284, 333])
    #expect(try tokenizer.encode("Hello", addsSpecial: false) == [594, 284, 333])
    #expect(try tokenizer.encode("<s>", parsesControl: true, addsSpecial: false) == [1])
    #expect(try tokenizer.decode([1, 594, 284, 333]) == "Hello")
    #expect(try tokenizer.decode([594, 284, 333], atStart: false) == " Hello")
    #expect(try streamed([594, 284, 333, 2], tokenizer) == " Hello")
  }

  // MARK: Tokens with a role

  @Test func tokensWithARoleAreNamedAlike() throws {
    let pieces = try ziya().vocabulary
    #expect(pieces.special.addedBOS == 1)
    #expect(pieces.ends == [2])
    let pairs = try bytePairs("o200k").vocabulary
    #expect(pairs.special.addedBOS == 500)
    #expect(pairs.ends.contains(501))
    #expect(try bytePairs("gpt2").vocabulary.special.addedBOS == nil)
    // A token that begins a text is not added where the settings say so.
    var special = Vocabulary.Special()
    special.addsBOS = false
    #expect(special.addedBOS == nil)
  }

  // MARK: Rows of the embedding

  @Test func tokenizersAreFitToTheRowsOfAnEmbedding() throws {
    for (tokenizer, text) in [(try ziya(), "Hello 你好"), (try bytePairs("llama3"), "Hello 你好")] {
      let count = tokenizer.vocabulary.tokens.count
      let larger = try #require(tokenizer.resized(toRows: count + 3))
      #expect(larger.vocabulary.tokens.count == count + 3)
      #expect(larger.vocabulary.tokens.last?.kind == .unused)
      #expect(larger.vocabulary.tokens.last?.text == "[PAD\(count + 2)]")
      #expect(try larger.encode(text) == tokenizer.encode(text))
      #expect(larger.kind == tokenizer.kind && larger != tokenizer)
      #expect(larger.resized(toRows: count) == tokenizer)
      let used = try #require(tokenizer.vocabulary.tokens.lastIndex { $0.kind != .unused })
      #expect(tokenizer.resized(toRows: used + 1) != nil)
      #expect(tokenizer.resized(toRows: used) == nil)
      #expect(tokenizer.resized(toRows: 0) == nil)
    }
  }

  /// A role of a token that goes would be an id that no token has.
  @Test func aTokenWithARoleIsNotTakenAway() throws {
    let token = Vocabulary.Token(text: "a", score: 0, kind: .normal)
    var vocabulary = Vocabulary(
      tokens: [token], special: Vocabulary.Special(bos: nil, eos: nil, unknown: nil))
    vocabulary.pad(toRows: 4)
    #expect(ModelTokenizer.sentencePiece(Tokenizer(vocabulary)).resized(toRows: 2) != nil)
    vocabulary.special.padding = 3
    #expect(ModelTokenizer.sentencePiece(Tokenizer(vocabulary)).resized(toRows: 2) == nil)
  }

  // MARK: GGUF

  @Test func whatGGUFHoldsOfSentencePieces() throws {
    let tokenizer = try ziya()
    let stored = try tokenizer.stored
    #expect(stored.model == "llama" && stored.pre == "default")
    #expect(stored.tokens.count == 3072 && stored.tokens[3050] == "<human>")
    #expect(stored.scores?.count == 3072 && stored.scores?[3050] == -1000)
    #expect(stored.kinds[3050] == .userDefined && stored.kinds[3071] == .unused)
    #expect(stored.merges == nil && stored.addsSpacePrefix == nil)
    #expect(stored.special == tokenizer.vocabulary.special)
    // LLaMA's way is not said; another one is.
    var other = tokenizer.vocabulary
    other.special.addsSpacePrefix = false
    #expect(try ModelTokenizer.sentencePiece(Tokenizer(other)).stored.addsSpacePrefix == false)
  }

  /// Tokens and merges as they stand in the file, by Foundation's parser.
  @Test(arguments: [("llama3", "llama-bpe"), ("gpt2", "gpt-2"), ("qwen2", "qwen2")])
  func whatGGUFHoldsOfBytePairs(name: String, pre: String) throws {
    let file = try Fixtures.json("\(TokenizerJSONTests.folder)/\(name).json") as? [String: Any]
    let model = try #require(file?["model"] as? [String: Any])
    let ids = try #require(model["vocab"] as? [String: Int])
    let merges = try #require(model["merges"] as? [Any]).map {
      ($0 as? [String])?.joined(separator: " ") ?? $0 as? String
    }
    let stored = try bytePairs(name).stored
    #expect(stored.model == "gpt2" && stored.pre == pre)
    #expect(ids.allSatisfy { stored.tokens[$0.value].utf8.elementsEqual($0.key.utf8) })
    #expect(stored.kinds[ids.count...].allSatisfy { $0 == .control || $0 == .userDefined })
    #expect(stored.merges == merges && !merges.isEmpty)
    #expect(stored.scores == nil && stored.addsSpacePrefix == nil)
  }

  // MARK: What cannot be done

  @Test func anUnknownDecoderIsSaidBeforeTextIsShown() throws {
    var text = TokenizerText()
    text.more = #""decoder":{"type":"Unheard"},"#
    let tokenizer = try read(text)
    #expect(try tokenizer.encode("abc") == [4])
    expectError(.unsupported) { _ = try TextStream(tokenizer) }
    expectError(.unsupported) { _ = try tokenizer.decode([4]) }
    expectError(.unsupported) { _ = try tokenizer.decode([4], atStart: false) }
    #expect(tokenizer.shown([4, 0, 99]) == "abc a ")
    let known = try read(TokenizerText())
    #expect(try known.decode([4, 0]) == "abc a")
    #expect(try streamed([4, 0], known) == " abc a")
  }

  @Test func anUnknownNormalizerIsAnErrorOfEncoding() throws {
    var text = TokenizerText()
    text.more = #""normalizer":{"type":"Unheard"},"#
    let tokenizer = try read(text)
    let error = expectError(.unsupported) { _ = try tokenizer.encode("abc") }
    #expect(error?.file == "test.json")
  }
}

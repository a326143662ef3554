import Foundation
import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillModels
import WeightmillSentencePiece
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// Byte pairs in GGUF files, and back.
struct StoredTokenizerTests {
  private func bytePairs(_ name: String) throws -> ModelTokenizer {
    try ModelLoader.tokenizer("\(TokenizerJSONTests.folder)/\(name).json")
  }

  private func metadata(_ tokenizer: ModelTokenizer) throws -> GGUFMetadata {
    var metadata = GGUFMetadata()
    metadata.append(try tokenizer.stored.loadable("x"))
    return metadata
  }

  private func read(_ text: TokenizerText) throws -> ModelTokenizer {
    .bytePairs(BPETokenizer(try TokenizerJSON(text.bytes, location: "test.json").vocabulary))
  }

  /// A byte-level vocabulary of all bytes, `ab` and `abc`.
  private func small(_ more: String = "", added: String = "") throws -> ModelTokenizer {
    let texts = BPEVocabulary.byteTexts + ["ab", "abc"]
    let entries = texts.enumerated().map { id, text in
      "\"\(text == "\"" || text == "\\" ? "\\\(text)" : text)\":\(id)"
    }
    var text = TokenizerText()
    text.vocabulary = "{\(entries.joined(separator: ","))}"
    text.more =
      #""pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"#
      + #""decoder":{"type":"ByteLevel"},"added_tokens":[\#(added)],\#(more)"#
    return try read(text)
  }

  /// Ids by the package `tokenizers`, from the vocabulary as a GGUF file holds it.
  @Test(arguments: [
    "gpt2", "llama3", "qwen35", "o200k", "nemo", "smollm", "deepseek-v3", "deepseek-coder",
  ])
  func idsFromGGUFAreThoseOfThePackage(name: String) throws {
    let tokenizer = try bytePairs(name)
    let back = try #require(try ModelTokenizer(gguf: metadata(tokenizer), location: "x"))
    #expect(back.kind == .bytePairs)
    // A token that looks like a control token is one in GGUF files.
    for item in try TokenizerJSONTests.cases(name) where !item.text.contains("<|x|>") {
      let text = item.text.debugDescription
      #expect(try back.encode(item.text, parsesControl: true) == item.ids, "\(text)")
      #expect(try back.encode(item.text, addsSpecial: false) == item.plain, "\(text)")
      #expect(try back.decode(item.ids).utf8.elementsEqual(item.decoded.utf8), "\(text)")
    }
  }

  /// What is written of a tokenizer that was read is what was read.
  @Test(arguments: ["gpt2", "llama3", "nemo", "smollm"])
  func whatIsReadIsWrittenAgain(name: String) throws {
    var first = try metadata(try bytePairs(name))
    // What is not said is 11, as in llama.cpp.
    for role in ["bos", "eos"] {
      let key = "tokenizer.ggml.\(role)_token_id"
      first[key] = first[key] ?? .uint32(11)
    }
    let back = try #require(try ModelTokenizer(gguf: first, location: "x"))
    let again = try metadata(back)
    #expect(Set(again.entries.map(\.key)) == Set(first.entries.map(\.key)))
    for key in first.entries.map(\.key) { #expect(again[key] == first[key], "\(key)") }
  }

  /// Types by the rules of llama.cpp's converter.
  @Test func addedTokensAreControlOrUserDefined() throws {
    let texts = [
      ("<s>", true, Vocabulary.Kind.control), ("<pad>", false, .control),
      ("<mask>", false, .control), ("<2mass>", false, .control), ("[@BOS@]", false, .control),
      ("<|user|>", false, .control), ("<｜begin｜>", false, .control),
      ("<unused7>", false, .control), ("<user>", false, .userDefined),
      ("a\u{2581}b", false, .userDefined),
    ]
    let added = texts.enumerated().map { index, item in
      #"{"id":\#(258 + index),"content":"\#(item.0)","special":\#(item.1)}"#
    }
    let stored = try small(added: added.joined(separator: ",")).stored
    #expect(stored.kinds.prefix(258).allSatisfy { $0 == .normal })
    #expect(Array(stored.kinds.dropFirst(258)) == texts.map(\.2))
    #expect(stored.tokens.last == "a b")
    #expect(stored.tokens[263] == "<|user|>")
  }

  @Test func spacesInMergesAreLettersOfTheAlphabet() throws {
    var text = TokenizerText()
    text.vocabulary = #"{"a":0," ":1,"a ":2}"#
    text.merges = #"[["a"," "]]"#
    text.more = #""decoder":{"type":"ByteLevel"},"#
    let vocabulary = try TokenizerJSON(text.bytes, location: "x").vocabulary.cutting(asIn: "gpt-2")
    #expect(try ModelTokenizer.bytePairs(BPETokenizer(vocabulary)).stored.merges == ["a \u{120}"])
  }

  // MARK: Reading

  @Test func flagsAreTheLoaders() throws {
    var metadata = try metadata(small())
    metadata["tokenizer.ggml.add_bos_token"] = nil
    metadata["tokenizer.ggml.bos_token_id"] = nil
    metadata["tokenizer.ggml.eos_token_id"] = nil
    for (pre, addsBOS, id) in [
      ("gpt-2", false, [97, 99]), ("llama-bpe", true, [11, 97, 99]),
      ("tekken", true, [11, 97, 99]),
      ("qwen2", false, [97, 99]),
    ] {
      metadata["tokenizer.ggml.pre"] = .string(pre)
      let tokenizer = try #require(try ModelTokenizer(gguf: metadata, location: "x"))
      #expect(tokenizer.vocabulary.special.addsBOS == addsBOS, "\(pre)")
      #expect(tokenizer.vocabulary.special.eos == 11)
      #expect(try tokenizer.encode("ac") == id)
    }
    metadata["tokenizer.ggml.add_bos_token"] = .bool(false)
    #expect(try ModelTokenizer(gguf: metadata, location: "x")?.encode("ac") == [97, 99])
  }

  /// Merges that never give a token, which whole words are without them.
  @Test func wholeWordsComeFirstWhereTheNameSaysSo() throws {
    var metadata = try metadata(small())
    metadata["tokenizer.ggml.merges"] = .strings(["a b"])
    for (pre, ids) in [("llama-bpe", [257]), ("smaug-bpe", [256, 99]), ("tekken", [257])] {
      metadata["tokenizer.ggml.pre"] = .string(pre)
      let tokenizer = try #require(try ModelTokenizer(gguf: metadata, location: "x"))
      #expect(try tokenizer.encode("abc", addsSpecial: false) == ids, "\(pre)")
    }
  }

  @Test("BP-03: ways of cutting that are not known are named")
  func unknownNamesAreErrorsThatNameThem() throws {
    var metadata = try metadata(small())
    metadata["tokenizer.ggml.pre"] = .string("unheard-of")
    let error = expectError(.unsupported) {
      _ = try ModelTokenizer(gguf: metadata, location: "x.gguf")
    }
    #expect(error?.problem.contains("unheard-of") == true)
    #expect(error?.file == "x.gguf")
    let given = try ModelTokenizer(gguf: metadata, location: "x", cutAsIn: "gpt-2")
    #expect(try given?.encode("abc") == [257])
    metadata["tokenizer.ggml.pre"] = nil
    #expect(try ModelTokenizer(gguf: metadata, location: "x")?.encode("abc") == [257])
  }

  @Test("BP-02: the way of cutting is a text")
  func aNameThatIsNoTextIsMalformed() throws {
    var metadata = try metadata(small())
    metadata["tokenizer.ggml.pre"] = .uint32(1)
    expectError(.malformed) { _ = try ModelTokenizer(gguf: metadata, location: "x") }
  }

  @Test("BP-01: merges are of two tokens that form a third")
  func brokenMergesAreMalformed() throws {
    let whole = try metadata(small())
    for merges in [["a"], ["a zz"], ["zz b"], ["b c"], [""], [" "], ["a b c"]] {
      var metadata = whole
      metadata["tokenizer.ggml.merges"] = .strings(merges)
      expectError(.malformed) { _ = try ModelTokenizer(gguf: metadata, location: "x") }
    }
    for value in [nil, GGUFValue.string("a b"), .array(.uint32, [.uint32(1)])] {
      var metadata = whole
      metadata["tokenizer.ggml.merges"] = value
      expectError(.malformed) { _ = try ModelTokenizer(gguf: metadata, location: "x") }
    }
    // llama.cpp takes the first of two.
    var metadata = whole
    metadata["tokenizer.ggml.merges"] = .strings(["a b", "ab c", "a b"])
    #expect(try ModelTokenizer(gguf: metadata, location: "x")?.encode("abc") == [257])
  }

  /// A user-defined token is text as it is, not bytes in GPT-2's alphabet.
  @Test func addedTextsAreShownAsTheyAre() throws {
    let tokenizer = try small(added: #"{"id":258,"content":"naïve"}"#)
    let back = try #require(try ModelTokenizer(gguf: metadata(tokenizer), location: "x"))
    #expect(try back.encode("a naïve") == [97, 32, 258])
    #expect(try back.decode([97, 258]) == "anaïve")
  }

  /// SmolLM2's vocabulary has no tokens for some control characters: they are left out, as the package
  /// `tokenizers` and llama.cpp do.
  @Test func bytesWithoutTokensAreLeftOut() throws {
    var text = TokenizerText()
    text.more =
      #""pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"decoder":{"type":"ByteLevel"},"#
    let tokenizer = try read(text)
    #expect(try tokenizer.encode("ab\u{4}abc é c") == [3, 4, 2])
    let stored = try tokenizer.stored.loadable("x")
    #expect(stored.notes.contains { $0.hasPrefix("240 of 243 bytes have no token") })
    // With an unknown token they are that one.
    text.vocabulary = #"{"a":0,"b":1,"c":2,"ab":3,"abc":4,"?":5}"#
    text.rules = #""unk_token":"?","#
    #expect(try read(text).encode("ab\u{4}c") == [3, 5, 2])
  }

  // MARK: What llama.cpp does not load

  @Test func unusedTokensOfOneTextGetTheirOwn() throws {
    let unused = Vocabulary.Token(text: "[PAD3]", score: -10000, kind: .unused)
    func normal(_ text: String) -> Vocabulary.Token { .init(text: text, score: 0, kind: .normal) }
    let special = Vocabulary.Special(bos: nil, eos: nil, unknown: nil)
    func stored(_ tokens: [Vocabulary.Token]) throws -> StoredTokenizer {
      try ModelTokenizer.sentencePiece(
        Tokenizer(Vocabulary(tokens: tokens, special: special))
      ).stored
    }
    let mended = try stored([normal("a"), unused, normal("[PAD3]"), unused]).loadable("x")
    #expect(mended.tokens == ["a", "[UNUSED1]", "[PAD3]", "[UNUSED3]"])
    #expect(mended.notes.contains { $0.contains("2 unused tokens") })
    #expect(mended.notes.contains { $0.contains("256 of 256 bytes have no token") })
    let error = expectError(.malformed) {
      _ = try stored([normal("a"), normal("a")]).loadable("x")
    }
    #expect(error?.problem.contains("ids 0 and 1") == true)
  }

  // MARK: Vocabularies that fall back to bytes

  /// mini-ziya's SentencePiece model as transformers makes a `tokenizer.json` of it: what is written is
  /// a SentencePiece vocabulary that gives the ids of the model itself.
  @Test func byteFallbackBecomesSentencePieces() throws {
    let stored = try bytePairs("mini-ziya-base").stored
    #expect(stored.model == "llama" && stored.pre == "default" && stored.merges == nil)
    let model = try SentencePieceModel(path: Fixtures.miniZiya("base-hf/tokenizer.model"))
    #expect(stored.tokens == model.vocabulary.tokens.map(\.text))
    let isSame = stored.kinds == model.vocabulary.tokens.map(\.kind)
    #expect(isSame)
    let (ours, theirs) = (Tokenizer(stored.vocabulary), Tokenizer(model.vocabulary))
    for name in ["en", "zh"] {
      let text = String(
        decoding: try Fixtures.bytes(Fixtures.miniZiya("expected/eval-\(name).txt")), as: UTF8.self)
      for line in text.split(separator: "\n") {
        #expect(ours.encode(plain: String(line)) == theirs.encode(plain: String(line)))
      }
    }
    for item in try TokenizerJSONTests.cases("mini-ziya-base") {
      #expect(ours.encode(plain: item.text) == theirs.encode(plain: item.text))
    }
    #expect(stored.notes.isEmpty, "\(stored.notes)")
  }

  @Test func waysWithSpacesThatHaveNoFormAreNamed() throws {
    #expect(try bytePairs("llama2-legacy").stored.vocabulary.special.addsSpacePrefix)
    #expect(try bytePairs("metaspace-always").stored.vocabulary.special.addsSpacePrefix)
    #expect(try !bytePairs("metaspace-never").stored.vocabulary.special.addsSpacePrefix)
    #expect(try !bytePairs("gemma").stored.vocabulary.special.addsSpacePrefix)
    #expect(try bytePairs("gemma").stored.addsSpacePrefix == false)
    // Neither bytes nor a way back to them.
    expectError(.unsupported) { _ = try bytePairs("unknown").stored }
  }

  /// The `tokenizers` package trained these pairs: a SentencePiece vocabulary has more of them.
  @Test func missingPairsAreSaid() throws {
    let notes = try bytePairs("llama2-legacy").stored.notes
    #expect(notes.contains { $0.contains("pairs that are not in the list") }, "\(notes)")
  }

  @Test func whatLlamaCppDoesNotDoIsSaid() throws {
    let notes = try bytePairs("qwen2").stored.notes
    #expect(notes.contains { $0.contains("NFC") })
    #expect(notes.contains { $0.contains("added tokens take white space") })
    #expect(try bytePairs("gpt2-prefix").stored.notes.contains { $0.contains("puts a space") })
    #expect(try bytePairs("smollm").stored.notes.isEmpty)
    #expect(try bytePairs("o200k").stored.notes.isEmpty)
  }
}

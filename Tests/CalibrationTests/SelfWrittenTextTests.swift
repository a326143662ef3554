import Testing
import WeightmillCalibration
import WeightmillLLaMA
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// A model writes the text that it learns from.
struct SelfWrittenTextTests {
  private let folder: TemporaryFolder
  private let model: LoadedModel
  private let tokenizer: ModelTokenizer

  init() throws {
    folder = try TemporaryFolder()
    model = try ModelLoader.load(SmallModel().write(to: folder, "model"))
    tokenizer = try model.requiredTokenizer()
  }

  private func write(
    tokens: Int = 300, context: Int = 32, seed: UInt64 = 0, draft: String? = nil
  ) throws -> SelfWrittenText {
    var options = SelfWrittenText.Options()
    (options.tokens, options.seed) = (tokens, seed)
    return try SelfWrittenText(
      by: model.llama, tokenizer: tokenizer, context: context, options: options, draft: draft,
      workers: Workers(threads: 2))
  }

  /// A vocabulary of marks, without bytes.
  private func vocabulary(_ texts: [String], _ special: Vocabulary.Special) -> Vocabulary {
    Vocabulary(
      tokens: texts.map { Vocabulary.Token(text: $0, score: 0, kind: .control) },
      special: special)
  }

  @Test func theDefaultIsSaidInTheHelp() {
    let options = SelfWrittenText.Options()
    #expect((options.tokens, options.seed, options.memory) == (32_768, 0, 1 << 30))
  }

  @Test func windowsAreWholeAndBeginTexts() throws {
    let text = try write()
    #expect(text.windows.count == 10)
    #expect(text.windows.allSatisfy { $0.count == 32 && $0[0] == 1 })
    #expect(text.start == 1)
    #expect(text.texts.allSatisfy { $0.first == 1 })
    #expect(Array(text.texts.joined()) == Array(text.windows.joined()))
    #expect(try write().windows == text.windows)
    #expect(try write(seed: 1).windows != text.windows)
  }

  @Test func ofSeveralTextsEachCounts() throws {
    var read = CalibrationText(context: 32)
    let words = "the lazy dog jumps over"
    let count = try tokenizer.encode(words).count
    try #require((33..<64).contains(count))
    try read.add(words, from: "a.txt", tokenizer: tokenizer)
    let written = try write()
    read.add(written)
    try read.add(ids: [Array(3..<103), [5, 6]], from: "x/b.json", for: model.llama)
    #expect(read.names == ["a.txt", "self (320 tokens, seed 0)", "b.json"])
    #expect(read.windows.windows.count == 1 + 10 + 3)
    #expect(Array(read.windows.windows[1..<11]) == written.windows)
    #expect(read.windows.windows[11] == Array(3..<35))
    #expect(read.leftOut == count - 32 + 4 + 2)
    let matrix = try ImportanceCollector(model.llama, workers: Workers(threads: 1)).run(read)
    #expect(matrix.chunkCount == 14)
    #expect(matrix.entries.values.allSatisfy { $0.counts == [Float(14 * 32)] })
  }

  @Test func aDraftIsNamed() throws {
    var read = CalibrationText(context: 32)
    read.add(try write(tokens: 1, seed: 3, draft: "models/q4.gguf"))
    #expect(read.names == ["self (32 tokens, seed 3, by q4.gguf)"])
  }

  @Test func idsThatTheModelDoesNotKnowAreAMismatch() throws {
    for id in [-1, 300] {
      var read = CalibrationText(context: 2)
      let error = expectError(.mismatch) {
        try read.add(ids: [[1, 2], [4, id]], from: "b.json", for: model.llama)
      }
      #expect(error?.problem == "holds the id \(id), which the model does not know")
      #expect(error?.position == "index 1 of list 2")
    }
  }

  @Test func textsBeginWithTheTokenThatIsAddedOrStoodBetweenTexts() {
    let texts = ["<unk>", "<s>", "</s>", "<|endoftext|>", "<|im_end|>"]
    var special = Vocabulary.Special(bos: 1, eos: 4)
    #expect(vocabulary(texts, special).textStart == 1)
    #expect(vocabulary(texts, special).textEnds == [2, 3])
    special.addsBOS = false
    #expect(vocabulary(texts, special).textStart == 3)
    // Qwen's and SmolLM2's: a turn's end does not end a text.
    #expect(vocabulary(Array(texts[3...]), .init(bos: nil, eos: 1)).textStart == 0)
    #expect(vocabulary(Array(texts[3...]), .init(bos: nil, eos: 1)).textEnds == [0])
    // There is no other end.
    #expect(vocabulary(Array(texts[4...]), .init(bos: nil, eos: 0)).textEnds == [0])
    #expect(vocabulary(["a", "b"], .init(bos: nil, eos: 1)).textStart == 1)
    #expect(vocabulary(["a", "b"], .init(bos: nil, eos: nil)).textStart == nil)
  }

  @Test func aVocabularyWithoutAStartIsAMismatch() throws {
    let bare = ModelTokenizer.sentencePiece(
      Tokenizer(vocabulary(["a", "b"], .init(bos: nil, eos: nil, unknown: nil))))
    let error = expectError(.mismatch) {
      _ = try SelfWrittenText(
        by: model.llama, tokenizer: bare, context: 32, workers: Workers(threads: 1))
    }
    #expect(
      error?.problem
        == "cannot write a text: its vocabulary has no token that begins one or ends one")
    #expect(error?.remedy == "give a text with --text FILE")
  }

  @Test func aModelOfDamagedWeightsIsAMismatch() throws {
    var broken = SmallModel()
    broken.change = { name, values in if name == "lm_head.weight" { values[7] = .nan } }
    let model = try ModelLoader.load(broken.write(to: folder, "broken"))
    expectError(.mismatch) {
      _ = try SelfWrittenText(
        by: model.llama, tokenizer: tokenizer, context: 32, workers: Workers(threads: 1))
    }
  }

  @Test func aDraftHasTheSameVocabulary() throws {
    let same = try ModelLoader.load(SmallModel(seed: 9).write(to: folder, "same"))
    try SelfWrittenText.check(draft: same, for: model)
    let fewer = try ModelLoader.load(SmallModel(rows: 280).write(to: folder, "fewer"))
    try SelfWrittenText.check(draft: fewer, for: model)
    let more = expectError(.mismatch) { try SelfWrittenText.check(draft: model, for: fewer) }
    #expect(more?.problem.hasSuffix("it has 300 tokens, that model 280") == true)
    let ziya = try ModelLoader.load(Fixtures.miniZiya("base-hf"))
    let other = expectError(.mismatch) { try SelfWrittenText.check(draft: model, for: ziya) }
    #expect(other?.problem.contains("token ") == true, "\(other?.problem ?? "")")
    #expect(other?.remedy == "give a quantized file of the same model with --draft")
  }

  @Test func theFileHoldsIDsOrWords() throws {
    let text = try write()
    for name in ["a.json", "a.txt"] {
      try SelfWrittenTextFile.write(
        text, to: folder(name), overwrite: false, inputs: [], tokenizer: tokenizer)
    }
    #expect(try TextInput.tokenLists(folder("a.json")) == text.windows)
    let words = String(decoding: try Fixtures.bytes(folder("a.txt")), as: UTF8.self)
    let expected = text.texts.map { String(decoding: $0.compactMap(byte), as: UTF8.self) }
      .filter { !$0.isEmpty }
    #expect(words == expected.map { $0.hasSuffix("\n") ? $0 : $0 + "\n" }.joined(separator: "\n"))
    #expect(!words.isEmpty)
    expectError(.cannotWrite) {
      try SelfWrittenTextFile.check(
        folder("a.json"), overwrite: false, inputs: [], tokenizer: tokenizer)
    }
    expectError(.cannotWrite) {
      try SelfWrittenTextFile.check(
        folder("a.json"), overwrite: true, inputs: [folder("a.json")], tokenizer: tokenizer)
    }
  }

  /// The byte that a token of `SmallModel` stands for.
  private func byte(_ id: Int) -> UInt8? { UInt8(exactly: id - 3) }
}

import Testing
import WeightmillTensors
import WeightmillTestSupport
import WeightmillVerification

/// Logits that were saved give the figures that the model gives.
struct SavedLogitsTests {
  private let models: ComparedModels

  init() throws { models = try ComparedModels() }

  private func save(_ texts: [EvaluationText], to name: String) throws -> String {
    let reference = try models.model("a", seed: 1)
    let path = models.folder(name)
    let writer = try LogitsWriter(
      path, texts: texts, vocabularyRows: 300, origin: "model a", overwrite: false, inputs: [])
    _ = try ModelComparison(
      candidate: reference, reference: .model(reference), workers: Workers(threads: 2)
    ).run(texts, saving: writer)
    try writer.commit(Cancellation())
    return path
  }

  @Test(arguments: [false, true])
  func savedLogitsJudgeAsTheModelDoes(isSecondHalf: Bool) throws {
    let texts = [
      models.text(70, context: 30, isSecondHalf: isSecondHalf),
      models.text(61, context: 30, isSecondHalf: isSecondHalf, seed: 3),
    ]
    let path = try save(texts, to: "logits.safetensors")
    let saved = try #require(try SavedLogitsFile.open(path, bos: 1))
    #expect(saved.texts.map(\.name) == texts.map(\.name))
    #expect(saved.texts.map(\.windows) == texts.map(\.windows))
    #expect(saved.origin == "model a")
    let candidate = try models.model("b", seed: 2)
    let result = try ModelComparison(
      candidate: candidate, reference: .saved(saved), workers: Workers(threads: 2)
    ).run(saved.texts)
    let expected = try models.compare(candidate, models.model("a", seed: 1), texts)
    #expect(result.total == expected.total)
    #expect(result.statistics(ofText: 1) == expected.statistics(ofText: 1))
  }

  @Test func otherFilesAreNoSavedLogits() throws {
    #expect(try SavedLogitsFile.open(models.folder("none"), bos: 1) == nil)
    #expect(try SavedLogitsFile.open(Fixtures.miniZiya("base-hf"), bos: 1) == nil)
    #expect(
      try SavedLogitsFile.open(Fixtures.miniZiya("expected/logits.safetensors"), bos: 1) == nil)
  }

  @Test func damagedFilesAreRefused() throws {
    let path = try save([models.text(40, context: 30)], to: "logits.safetensors")
    let bytes = try Fixtures.bytes(path)
    let short = try models.folder.write(bytes.dropLast(4), to: "short.safetensors")
    expectError(.malformed) { _ = try LogitsFile(path: short) }
    // The windows come last: text, tokens, first and last judged position of the second one.
    for (distance, value) in [(16, 5), (12, 200), (8, 11), (4, 0)] {
      var changed = bytes
      changed[bytes.count - distance] = UInt8(value)
      let path = try models.folder.write(changed, to: "changed-\(distance).safetensors")
      expectError(.malformed) { _ = try LogitsFile(path: path) }
    }
  }
}

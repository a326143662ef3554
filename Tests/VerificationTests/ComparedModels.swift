import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport
import WeightmillVerification

/// Small models in a folder of their own, and texts of random tokens.
struct ComparedModels {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A model of random weights.
  ///
  /// - Parameters:
  ///   - name: Its folder.
  ///   - seed: Where its weights come from.
  ///   - rows: The size of its vocabulary.
  ///   - change: Changes the values of a tensor of a name in Hugging Face's scheme.
  /// - Returns: The model.
  /// - Throws: When it cannot be written or opened.
  func model(
    _ name: String, seed: UInt64 = 1, rows: Int = 300,
    change: (@Sendable (String, inout [Float]) -> Void)? = nil
  ) throws -> LlamaModel {
    var model = SmallModel(layers: 2, rows: rows, seed: seed)
    if let change { model.change = change }
    return try ModelLoader.load(model.write(to: folder, name)).llama
  }

  func text(
    _ count: Int, context: Int, isSecondHalf: Bool = false, seed: UInt64 = 9
  ) -> EvaluationText {
    var random = SeededGenerator(seed: seed)
    let tokens = (0..<count).map { _ in Int.random(in: 3..<259, using: &random) }
    return EvaluationText(
      name: "text \(seed)", tokens: tokens,
      cut: .init(context: context, bos: 1, isSecondHalf: isSecondHalf))
  }

  func compare(
    _ candidate: LlamaModel, _ reference: LlamaModel, _ texts: [EvaluationText], threads: Int = 2
  ) throws -> ComparisonResult {
    try ModelComparison(
      candidate: candidate, reference: .model(reference), workers: Workers(threads: threads)
    ).run(texts)
  }

  func compare(
    _ candidate: LlamaModel, _ reference: LlamaModel, _ text: EvaluationText, threads: Int = 2
  ) throws -> ComparisonResult {
    try compare(candidate, reference, [text], threads: threads)
  }

  /// A report of a comparison.
  func report(
    _ candidate: LlamaModel, _ reference: LlamaModel, _ texts: [EvaluationText]
  ) throws -> VerificationReport {
    let result = try compare(candidate, reference, texts)
    guard let total = result.total else { throw NothingMeasured() }
    var report = VerificationReport(
      version: "0", candidate: Self.subject("candidate"), reference: Self.subject("reference"),
      settings: .init(context: 32, isSecondHalf: false, precision: "single"), texts: [],
      total: total)
    report.fill(from: result, candidate: candidate, tokenizer: nil)
    return report
  }

  private static func subject(_ name: String) -> VerificationReport.Subject {
    .init(name: name, bytes: nil, parameters: nil, types: [:])
  }

  private struct NothingMeasured: Error {}
}

import Testing
import WeightmillCalibration
import WeightmillConversion
import WeightmillFeedback
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// Error feedback in every architecture: biases, norms of heads and behind parts, fused matrices, scales.
struct FeedbackFamilyTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A model, and how many matrices of its one layer there are.
  struct Family: CustomTestStringConvertible, Sendable {
    let architecture: Architecture
    var fields: [String: String] = [:]
    var biases: Set<TensorRole.LayerTensor> = []
    var matrices = 7
    var testDescription: String { architecture.huggingFaceType }
  }

  static let families = [
    Family(
      architecture: .llama, fields: ["attention_bias": "true", "mlp_bias": "true"],
      biases: TensorRole.LayerTensor.biases),
    Family(architecture: .qwen2),
    Family(architecture: .qwen3),
    Family(
      architecture: .granite,
      fields: [
        "embedding_multiplier": "12.0", "residual_multiplier": "0.22", "logits_scaling": "8.0",
        "attention_multiplier": "0.0078125",
      ]),
    Family(architecture: .olmo2),
    Family(architecture: .gemma),
    Family(
      architecture: .gemma2, fields: ["query_pre_attn_scalar": "32", "sliding_window": "64"]),
    Family(architecture: .gemma3, fields: ["sliding_window": "null"]),
    Family(architecture: .phi3, fields: ["sliding_window": "null"], matrices: 4),
  ]

  @Test(arguments: families) func everyMatrixIsRoundedWithFeedback(family: Family) throws {
    var small = SmallModel()
    small.architecture = family.architecture
    small.fields = family.fields
    small.biases = family.biases
    small.head = 32
    let model = try ModelLoader.load(try small.write(to: folder, "model"))
    var options = QuantizationOptions(.q4_0)
    options.isCalibrated = true
    let plan = try ConversionPlan(convert: model, with: options, name: "x")
    var text = CalibrationText(context: 32)
    let ids = (0..<1024).map { 3 + ($0 * 7919 + $0 / 13 * 31) % 290 }
    try text.add(ids: [ids], from: "ids", for: model.llama)
    let run = try FeedbackRun(
      plan, of: model, text: text, memory: 1 << 30, workers: Workers(threads: 2))
    let report = try run.write(to: folder("x.gguf"), RunOptions())
    #expect(report.matrices.filter { $0.name.hasPrefix("blk.") }.count == family.matrices)
    #expect(try #require(report.error) < 1)
    // What was written is a whole model, and is read as the same one.
    let written = try ModelLoader.load(folder("x.gguf"))
    #expect(written.llama.configuration.layerCount == model.llama.configuration.layerCount)
  }
}

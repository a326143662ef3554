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

  @Test(arguments: SmallFamily.all) func everyMatrixIsRoundedWithFeedback(family: SmallFamily)
    throws
  {
    let model = try ModelLoader.load(try family.model.write(to: folder, "model"))
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

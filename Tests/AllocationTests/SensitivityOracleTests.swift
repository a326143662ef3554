import Testing
import WeightmillAllocation
import WeightmillCalibration
import WeightmillConversion
import WeightmillLLaMA
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// What is measured in memory beside files that `quantize` writes, in every kind of architecture.
struct SensitivityOracleTests {
  private static let types: [TensorType] = [.q4_0, .q5_0, .q8_0]

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func text(_ model: LlamaModel) throws -> CalibrationText {
    var text = CalibrationText(context: 32)
    let ids = (0..<96).map { 3 + ($0 * 7919 + $0 / 13 * 31) % 290 }
    try text.add(ids: [ids], from: "ids", for: model)
    return text
  }

  /// The mean divergence of a model's predictions from another's.
  private func divergence(_ candidate: LlamaModel, _ reference: LlamaModel) throws -> Double {
    let windows = try text(reference).windows.windows
    func logits(_ model: LlamaModel) throws -> Activations {
      let pass = ForwardPass(model, workers: Workers(threads: 2))
      let ranges = windows.indices.map { 32 * $0..<32 * ($0 + 1) }
      var hidden = try pass.embed(windows.flatMap(\.self))
      for layer in 0..<model.configuration.layerCount {
        try pass.apply(layer: layer, to: &hidden, windows: ranges)
      }
      return try pass.logits(
        rows: 0..<model.configuration.vocabularyRows, of: pass.normalized(hidden))
    }
    let (own, others) = (try logits(reference), try logits(candidate))
    let found = own.panels.indices.flatMap { panel in
      zip(own.panels[panel], own.comparisons(panel: panel, candidate: others)).map(\.1.divergence)
    }
    return found.reduce(0, +) / Double(found.count)
  }

  /// The model with the types that a plan gives it, by way of a file.
  private func written(_ options: QuantizationOptions, _ model: LoadedModel) throws -> LlamaModel {
    let plan = try ConversionPlan(convert: model, with: options, name: "x")
    var run = RunOptions()
    run.overwrites = true
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(to: folder("x.gguf"), run)
    return try ModelLoader.load(folder("x.gguf")).llama
  }

  @Test(arguments: SmallFamily.all) func filesDivergeAsWasMeasured(family: SmallFamily) throws {
    let model = try ModelLoader.load(try family.model.write(to: folder, "model"))
    let whole = try model.llama.inGGUFOrder()
    let found = try SensitivityRun(
      whole, importance: nil, text: text(whole), sample: text(whole), types: Self.types,
      memory: 1 << 20, workers: Workers(threads: 2)
    ).run()
    let layer = found.matrices.filter { $0.name.hasPrefix("blk.") }
    #expect(layer.count == family.matrices * whole.configuration.layerCount)
    #expect(found.matrices.count == layer.count + (whole.tiesEmbeddings ? 1 : 2))
    for matrix in found.matrices {
      let errors = Self.types.compactMap { matrix.errors[$0] }
      #expect(errors.count == 3 && errors == errors.sorted(by: >), "\(matrix.name) \(errors)")
      var options = QuantizationOptions(.f32)
      let pattern = matrix.name.replacing(".", with: "\\.")
      options.tensorTypes = [try TensorTypeRule("^\(pattern)$=\(matrix.probe.name)")]
      let expected = try divergence(try written(options, model), whole)
      let measured = try #require(matrix.divergence)
      #expect(
        abs(measured - expected) <= 1e-9 + 1e-6 * expected,
        "\(matrix.name): \(measured) \(expected)")
    }
    for uniform in found.uniform {
      var options = QuantizationOptions(.f32)
      options.tensorTypes = [
        try TensorTypeRule(
          "(attn_(q|k|v|qkv|output)|ffn_(gate|up|down)|token_embd|^output).weight$=\(uniform.type.name)"
        )
      ]
      let expected = try divergence(try written(options, model), whole)
      #expect(
        abs(uniform.divergence - expected) <= 1e-9 + 1e-6 * expected,
        "\(uniform.type): \(uniform.divergence) \(expected)")
    }
  }
}

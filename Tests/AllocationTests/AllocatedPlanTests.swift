import Testing
import WeightmillAllocation
import WeightmillCalibration
import WeightmillConversion
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// Plans of files of some size.
struct AllocatedPlanTests {
  private static let types: [TensorType] = [.q2_K, .q3_K, .iq4_XS, .q4_K, .q5_K, .q6_K, .q8_0]
  private static let mixes: [TypeMix] = [
    .q6_K, .q5_K_M, .q4_K_M, .q4_K_S, .iq4_XS, .q3_K_M, .q2_K,
  ]

  private let model: LoadedModel
  private let measured: DivergenceModel

  init() throws {
    model = try ModelLoader.load(
      Fixtures.miniZiya("base-meta"), delta: Fixtures.miniZiya("delta"))
    measured = DivergenceModel(try Self.measured.get())
  }

  /// Measured once: by importance of its own text, as the command does.
  private static let measured = Result {
    let model = try ModelLoader.load(
      Fixtures.miniZiya("base-meta"), delta: Fixtures.miniZiya("delta"))
    var text = CalibrationText(context: 128)
    let path = Fixtures.miniZiya("expected/eval-en.txt")
    try text.add(
      String(decoding: try Fixtures.bytes(path), as: UTF8.self), from: path,
      tokenizer: try model.requiredTokenizer())
    return try SensitivityRun(
      model.llama.inGGUFOrder(), importance: nil, text: text.spread(tokens: 768),
      sample: text.sampled(tokens: 384), types: types,
      memory: 1 << 30, workers: Workers(threads: 2)
    ).run()
  }

  private func plan(
    _ target: SizeTarget, among types: [TensorType] = types,
    options: QuantizationOptions = QuantizationOptions(.q8_0), split: ShardSplit? = nil
  ) throws -> AllocatedPlan {
    try AllocatedPlan(target, by: measured, among: types, options: options, path: "x.gguf") {
      (options) throws(WeightmillError) in
      var plan = try ConversionPlan(convert: model, with: options, name: "x")
      if let split { try plan.split(split, path: "x.gguf") }
      return plan
    }
  }

  private func bytes(of mix: TypeMix) throws -> Int {
    try ConversionPlan(convert: model, to: mix, name: "x").layout(path: "x.gguf").byteCount
  }

  @Test(arguments: mixes) func theSizeOfAMixIsMetAndItsExpectationBeaten(mix: TypeMix) throws {
    let planned = try plan(.mix(mix))
    let size = try bytes(of: mix)
    #expect(planned.mostBytes == size && planned.mixBytes == size)
    #expect(planned.bytes <= size && planned.allocation.isExact)
    #expect(try planned.plan.layout(path: "x.gguf").byteCount == planned.bytes)
    #expect(planned.allocation.divergence <= planned.mixDivergence ?? 0)
    #expect(planned.mix == mix && planned.allocation.unmeasured.isEmpty)
    try expectNoBetterTypeFits(planned)
  }

  /// No matrix could have a better type in the room that is left.
  private func expectNoBetterTypeFits(_ planned: AllocatedPlan) throws {
    let room = planned.mostBytes - planned.bytes
    for (name, type) in planned.allocation.types {
      let matrix = try #require(measured[name])
      let now = try #require(DivergenceModel.damage(of: matrix, in: type))
      for other in Self.types where DivergenceModel.damage(of: matrix, in: other) ?? 1 < now {
        let bits = other.bitsPerValue - type.bitsPerValue
        #expect(Int(bits * Double(matrix.rows * matrix.columns) / 8) > room, "\(name) \(other)")
      }
    }
  }

  @Test(arguments: [1_800_000, 2_345_678, 3_000_000, 3_000_001, 4_500_000, 5_300_000])
  func noFileIsLargerThanWasAskedFor(size: Int) throws {
    let planned = try plan(.bytes(size))
    #expect(planned.bytes <= size)
    try expectNoBetterTypeFits(planned)
    let cut = try plan(.bytes(size), split: .maximumSize(700_000))
    #expect(cut.bytes <= size)
    #expect(try cut.plan.layout(path: "x.gguf").files.count > 2)
  }

  @Test(arguments: [2.8, 3.5, 4.6, 6.2]) func bitsAreCountedOverAllTensors(bits: Double) throws {
    let planned = try plan(.bitsPerWeight(bits))
    let tensors = planned.plan.items.map(\.tensor)
    let stored = tensors.reduce(0) { $0 + $1.byteCount }
    let values = tensors.reduce(0) { $0 + $1.shape.count }
    #expect(8 * Double(stored) / Double(values) <= bits)
    #expect(8 * Double(stored) / Double(values) > bits - 0.02)
  }

  @Test func whatIsTooSmallNamesTheSmallestThatCanBe() throws {
    let error = try #require(expectError(.usage) { _ = try plan(.bytes(1_000_000)) })
    let least = try #require(
      error.remedy?.firstMatch(of: /--target-size (\d+) or more/).flatMap { Int($0.1) })
    #expect(try plan(.bytes(least)).bytes == least)
    _ = expectError(.usage) { _ = try plan(.bytes(least - 1)) }
    let bits = try #require(
      expectError(.usage) { _ = try plan(.bitsPerWeight(2)) }?.remedy?
        .firstMatch(of: /--target-bpw ([\d.]+) or more/).flatMap { Double($0.1) })
    #expect(try plan(.bitsPerWeight(bits)).bytes == least)
    _ = expectError(.usage) { _ = try plan(.bitsPerWeight(bits - 0.002)) }
    _ = expectError(.usage) { _ = try plan(.mix(.q2_K), among: [.q6_K, .q8_0]) }
  }

  @Test func whatOptionsDecideStaysAndCounts() throws {
    var options = QuantizationOptions(.q8_0)
    options.tensorTypes = [try TensorTypeRule("ffn_down=q8_0")]
    options.outputType = .f16
    let planned = try plan(.bytes(4_500_000), options: options)
    #expect(planned.bytes <= 4_500_000)
    for item in planned.plan.items {
      if item.tensor.name.contains("ffn_down") { #expect(item.tensor.type == .q8_0) }
      if item.tensor.name == "output.weight" { #expect(item.tensor.type == .f16) }
    }
    #expect(planned.allocation.types.allSatisfy { !$0.name.contains("ffn_down") })
    #expect(planned.allocation.types.count == 25)
  }

  @Test func onlyTheTypesThatWereNamedAreChosen() throws {
    let planned = try plan(.mix(.q4_K_M), among: [.q4_K, .q6_K])
    #expect(Set(planned.allocation.types.map(\.type)) == [.q4_K, .q6_K])
    // What was never measured is no choice.
    let other = try plan(.mix(.q4_K_M), among: [.q4_K, .q6_K, .q5_0])
    #expect(other.allocation.types.map(\.type) == planned.allocation.types.map(\.type))
  }

  @Test func rulesGiveTheSameTypes() throws {
    let planned = try plan(.mix(.q3_K_M))
    var options = QuantizationOptions(.q8_0)
    for line in planned.allocation.rules.split(separator: "\n") {
      options.tensorTypes.append(try TensorTypeRule(String(line)))
    }
    let again = try ConversionPlan(convert: model, with: options, name: "x")
    #expect(again.items.map(\.tensor) == planned.plan.items.map(\.tensor))
    #expect(again.notes.isEmpty)
  }

  @Test func anotherModelIsRefused() throws {
    let other = try ModelLoader.load("\(Fixtures.package)/fixtures/lora/base-f16")
    let error = expectError(.mismatch) {
      _ = try AllocatedPlan(
        .mix(.q4_K_M), by: measured, among: Self.types, options: QuantizationOptions(.q8_0),
        path: "x.gguf"
      ) { (options) throws(WeightmillError) in
        try ConversionPlan(convert: other, with: options, name: "x")
      }
    }
    #expect(error?.problem.contains("is not the model that was measured") == true)
  }

  @Test func theFrontFallsAndLiesBelowTheMixes() throws {
    let front = try SizeFront(
      by: measured, among: Self.types, options: QuantizationOptions(.q8_0), path: "x.gguf"
    ) { (options) throws(WeightmillError) in
      try ConversionPlan(convert: model, with: options, name: "x")
    }
    let divergences = front.chosen.map(\.divergence)
    #expect(divergences == divergences.sorted(by: >))
    #expect(front.chosen.count > 30 && front.mixes.count == 11)
    for mix in front.mixes {
      let best = try #require(front.chosen.last { $0.bytes <= mix.bytes })
      #expect(best.divergence <= mix.divergence, "\(mix.name)")
      #expect(mix.types.count == 30)
    }
  }

  /// What users of the library call plans what the command plans.
  @Test func aPlanOfOneCallIsTheSame() throws {
    let costs = try Self.measured.get()
    let planned = try AllocatedPlan(
      convert: model, to: .mix(.q4_K_S), by: costs, name: "x", path: "x.gguf")
    let same = try plan(.mix(.q4_K_S))
    #expect(planned.plan.items.map(\.tensor) == same.plan.items.map(\.tensor))
    #expect(planned.bytes == same.bytes && planned.divergence == same.allocation.divergence)
    #expect(planned.unmeasured.isEmpty)
  }

  @Test func aFileIsPlannedInOneCallToo() throws {
    let folder = try TemporaryFolder()
    let path = folder("f16.gguf")
    _ = try ConversionRun(
      ConversionPlan(convert: model, to: .f16, name: "x"), workers: Workers(threads: 2)
    ).write(to: path, overwrite: false)
    let planned = try AllocatedPlan(
      quantize: ModelLoader.load(path), to: .bytes(3_000_000), by: Self.measured.get(),
      path: "x.gguf")
    #expect(planned.bytes <= 3_000_000)
    #expect(try planned.plan.layout(path: "x.gguf").byteCount == planned.bytes)
  }

  @Test func halfAMeasurementPlansNothing() throws {
    var kept: Sensitivities?
    let cancellation = Cancellation()
    expectError(.interrupted) {
      var text = CalibrationText(context: 64)
      try text.add(ids: [Array(3..<200)], from: "x", for: model.llama)
      _ = try SensitivityRun(
        model.llama.inGGUFOrder(), importance: nil, text: text, sample: text, types: [.q4_K],
        memory: 1 << 30, workers: Workers(threads: 2)
      ).run(
        until: cancellation,
        saving: {
          kept = $0; cancellation.cancel()
        })
    }
    let half = try #require(kept)
    expectError(.mismatch) {
      _ = try AllocatedPlan(
        convert: model, to: .mix(.q4_K_M), by: half, name: "x", path: "x.gguf")
    }
  }
}

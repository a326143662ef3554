import Testing
import WeightmillConversion
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// Values that are not finite: what was so before is told apart from what became so.
struct ValueFaultTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func model(isDelta: Bool = false, _ values: [Int: Float]) -> SmallModel {
    var model = SmallModel(type: .f32, isDelta: isDelta)
    model.change = { name, tensor in
      guard name.contains("up_proj") else { return }
      for (index, value) in values { tensor[index] = value }
    }
    return model
  }

  private func run(
    _ plan: ConversionPlan, as name: String, isStrict: Bool = false
  ) throws -> ConversionReport {
    try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: folder(name), overwrite: false, isStrict: isStrict)
  }

  @Test func whatWasNotFiniteIsToldFromWhatBecameInfinite() throws {
    let path = try Self.model([0: 70000, 1: -1e30, 2: .nan, 3: .infinity, 4: 65519])
      .write(to: folder, "model")
    let model = try ModelLoader.load(path)
    let half = try run(ConversionPlan(convert: model, to: .f16, name: "x"), as: "x.gguf")
    #expect(half.faults.map(\.tensor.name) == ["blk.0.ffn_up.weight"])
    #expect(half.faults.map(\.nonFinite) == [2])
    #expect(half.faults.map(\.overflowed) == [2])
    #expect(
      half.faults.first?.problems == [
        "holds 2 values that are not finite", "held 2 values that are too large for F16",
      ])
    let brain = try run(ConversionPlan(convert: model, to: .bf16, name: "x"), as: "y.gguf")
    #expect(brain.faults.map(\.nonFinite) == [2])
    #expect(brain.faults.map(\.overflowed) == [0])
    let kept = try run(ConversionPlan(huggingFace: model), as: "z")
    #expect(kept.faults.map(\.tensor.name) == ["model.layers.0.mlp.up_proj.weight"])
    #expect(kept.faults.map(\.nonFinite) == [2])
  }

  @Test func doublesBeyondFloatsAreTooLargeNotInfinite() throws {
    var model = SmallModel(type: .f64)
    model.change = { name, tensor in
      if name.contains("up_proj") { tensor[3] = .infinity }
    }
    let path = try model.write(to: folder, "model")
    var bytes = try Fixtures.bytes("\(path)/model.safetensors")
    // The last value of the last tensor, the output matrix.
    bytes.replaceSubrange(bytes.count - 8..<bytes.count, with: [0, 0, 0, 0, 0, 0, 0xE0, 0x7F])
    try folder.write(bytes, to: "model/model.safetensors")
    let loaded = try ModelLoader.load(path)
    let single = try run(ConversionPlan(huggingFace: loaded, as: .f32), as: "x")
    #expect(single.faults.map(\.nonFinite) == [1, 0])
    #expect(single.faults.map(\.overflowed) == [0, 1])
    let kept = try run(ConversionPlan(huggingFace: loaded), as: "y")
    #expect(kept.faults.map(\.nonFinite) == [1])
  }

  @Test func soundWeightsHaveNoFaults() throws {
    let model = try ModelLoader.load(Self.model([0: 65519]).write(to: folder, "model"))
    let report = try run(
      ConversionPlan(convert: model, to: .f16, name: "x"), as: "x.gguf", isStrict: true)
    #expect(report.faults.isEmpty)
  }

  @Test(arguments: [(Float.nan, WeightmillError.Code.malformed), (70000, .unsupported)])
  func strictRunsFailAndLeaveNothing(value: Float, code: WeightmillError.Code) throws {
    let model = try ModelLoader.load(Self.model([5: value]).write(to: folder, "model"))
    let plans = [
      try ConversionPlan(convert: model, to: .f16, name: "x"),
      try ConversionPlan(huggingFace: model, as: .f16),
    ]
    for plan in plans {
      let error = expectError(code) { _ = try run(plan, as: "x", isStrict: true) }
      #expect(error?.problem.contains("up") == true)
      #expect(error?.problem.contains("1 value that") == true)
      #expect(try folder.names() == ["model"])
    }
  }

  @Test func aSumThatIsTooLargeIsNamedAsOne() throws {
    let base = try Self.model([7: 60000]).write(to: folder, "base")
    let delta = try Self.model(isDelta: true, [7: 60000]).write(to: folder, "delta")
    let plan = try ConversionPlan(huggingFace: ModelLoader.load(base, delta: delta))
    let report = try run(plan, as: "x")
    #expect(
      report.faults.first?.problems == ["holds 1 value that is not finite in base + delta"])
    expectError(.malformed) { _ = try run(plan, as: "y", isStrict: true) }
    #expect(try folder.names() == ["base", "delta", "x"])
  }

  @Test func blocksThatAreCopiedAreLookedAt() throws {
    var model = Self.model([:])
    model.rows = 320  // whole multiples of 32 bytes: no padding ends the file
    let path = try model.write(to: folder, "model")
    _ = try run(
      ConversionPlan(convert: ModelLoader.load(path), to: .q8_0, name: "x"), as: "x.gguf")
    var bytes = try Fixtures.bytes(folder("x.gguf"))
    // The scale of the file's last block becomes infinite.
    bytes.replaceSubrange(bytes.count - 34..<bytes.count - 32, with: [0x00, 0x7C])
    try folder.write(bytes, to: "broken.gguf")
    let plan = try ConversionPlan(
      quantize: ModelLoader.load(folder("broken.gguf")), to: .q8_0, allowsRequantizing: true)
    let report = try run(plan, as: "y.gguf")
    #expect(report.faults.map(\.tensor.name) == ["output.weight"])
    #expect(report.faults.map(\.nonFinite) == [32])
  }

  /// One value of a block is so large that the other 31 become 0.
  @Test func valuesLostToAnOutlierAreCounted() throws {
    let model = try ModelLoader.load(Self.model([0: 10000]).write(to: folder, "model"))
    let plan = try ConversionPlan(convert: model, to: .q4_0, name: "x")
    let report = try run(plan, as: "x.gguf")
    #expect(report.faults.map(\.tensor.name) == ["blk.0.ffn_up.weight"])
    #expect(report.faults.map(\.lost) == [31])
    #expect(report.faults.first?.problems.first?.hasPrefix("lost 31 values to outliers") == true)
    let error = expectError(.unsupported) { _ = try run(plan, as: "y.gguf", isStrict: true) }
    #expect(error?.remedy?.contains("--tensor-type") == true)
    #expect(try folder.names() == ["model", "x.gguf"])
  }

  /// One value of each block, eight times what the others are: small enough for every scale.
  @Test(arguments: [TypeMix.q4_0, .q4_1])
  func plantedOutliersAreReported(mix: TypeMix) throws {
    var model = SmallModel(type: .f32)
    model.change = { name, values in
      if name.contains("layers.0.mlp.up_proj") { values.plantOutliers(inEach: 32, ratio: 8.1) }
    }
    let loaded = try ModelLoader.load(model.write(to: folder, "model"))
    let report = try run(ConversionPlan(convert: loaded, to: mix, name: "x"), as: "x.gguf")
    #expect(report.faults.map(\.tensor.name) == ["blk.0.ffn_up.weight"])
  }

  /// As many as ordinary models have.
  @Test func fewOutliersAreNotReported() throws {
    var model = SmallModel(type: .f32)
    model.change = { name, values in
      if name.contains("layers.0.mlp.up_proj") { values.plantOutlier(64..<96, ratio: 8.1) }
    }
    let loaded = try ModelLoader.load(model.write(to: folder, "model"))
    let report = try run(ConversionPlan(convert: loaded, to: .q4_0, name: "x"), as: "x.gguf")
    #expect(report.faults.isEmpty)
  }
}

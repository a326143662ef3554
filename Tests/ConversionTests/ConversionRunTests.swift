import Foundation
import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillModelCards
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport

/// What is written does not depend on how, and nothing half-written is left.
struct ConversionRunTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @discardableResult
  private func convert(
    _ model: String, delta: String? = nil, to mix: TypeMix, as name: String, threads: Int = 2,
    overwrite: Bool = false
  ) throws -> ConversionReport {
    var plan = try ConversionPlan(
      convert: ModelLoader.load(model, delta: delta), to: mix, name: "test")
    // The files of two checkpoints of the same weights differ.
    plan.namesSources = false
    return try ConversionRun(plan, workers: Workers(threads: threads)).write(
      to: folder(name), overwrite: overwrite)
  }

  /// Mixes with a type that requires importance.
  private static let blocked: Set<TypeMix> = [
    .iq3_XS, .iq3_XXS, .q2_K_S, .iq2_M, .iq2_S, .iq2_XS, .iq2_XXS, .iq1_M, .iq1_S,
  ]

  @Test func everyOtherMixCanBeWritten() throws {
    let model = try ModelLoader.load(
      Fixtures.miniZiya("base-meta"), delta: Fixtures.miniZiya("delta"))
    for mix in TypeMix.allCases {
      let plan = try ConversionPlan(convert: model, to: mix, name: "test")
      #expect((plan.obstacle != nil) == Self.blocked.contains(mix), "\(mix)")
    }
  }

  @Test(arguments: TypeMix.allCases.filter { !blocked.contains($0) })
  func theBytesAreTheSameForAnyNumberOfThreadsAndEitherBase(mix: TypeMix) throws {
    let delta = Fixtures.miniZiya("delta")
    try convert(Fixtures.miniZiya("base-meta"), delta: delta, to: mix, as: "a", threads: 1)
    try convert(Fixtures.miniZiya("base-meta"), delta: delta, to: mix, as: "b", threads: 5)
    try convert(Fixtures.miniZiya("base-hf"), delta: delta, to: mix, as: "c", threads: 2)
    let bytes = try Fixtures.bytes(folder("a"))
    #expect(try Fixtures.bytes(folder("b")) == bytes)
    #expect(try Fixtures.bytes(folder("c")) == bytes)
  }

  @Test(arguments: [TypeMix.q8_0, .q4_0, .q6_K])
  func oneStepGivesTheTensorsOfTwoSteps(mix: TypeMix) throws {
    let delta = Fixtures.miniZiya("delta")
    try convert(Fixtures.miniZiya("base-hf"), delta: delta, to: mix, as: "direct")
    try convert(Fixtures.miniZiya("base-hf"), delta: delta, to: .f16, as: "f16")
    var plan = try ConversionPlan(
      quantize: ModelLoader.load(folder("f16")), to: mix, allowsRequantizing: false)
    plan.namesSources = false
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: folder("twoSteps"), overwrite: false)
    #expect(try Fixtures.bytes(folder("direct")) == Fixtures.bytes(folder("twoSteps")))
  }

  @Test func quantizedFilesAreNotQuantizedAgainUnasked() throws {
    try convert(Fixtures.miniZiya("base-hf"), to: .q8_0, as: "q8")
    let model = try ModelLoader.load(folder("q8"))
    expectError(.unsupported) {
      _ = try ConversionPlan(quantize: model, to: .q4_0, allowsRequantizing: false)
    }
    _ = try ConversionPlan(quantize: model, to: .q4_0, allowsRequantizing: true)
  }

  @Test func theMixFollowsLlamaCpp() throws {
    let model = try ModelLoader.load(Fixtures.miniZiya("base-hf"))
    let plan = try ConversionPlan(convert: model, to: .q4_0, name: "x")
    for item in plan.items {
      let expected: TensorType =
        item.tensor.name == "output.weight"
        ? .q6_K : item.tensor.name.hasSuffix("_norm.weight") ? .f32 : .q4_0
      #expect(item.tensor.type == expected, "\(item.tensor.name)")
      #expect(item.fallbackFrom == nil)
    }
  }

  @Test func oddRowsFallBackAndSaySo() throws {
    var small = SmallModel(feedForward: 80)
    small.hidden = 64
    let model = try ModelLoader.load(small.write(to: folder, "small"))
    let plan = try ConversionPlan(convert: model, to: .q4_0, name: "x")
    let output = try #require(plan.items.first { $0.tensor.name == "output.weight" })
    // 64 columns: whole blocks of 32, but not of 256.
    #expect(output.tensor.type == .q8_0)
    #expect(output.fallbackFrom == .q6_K)
    let down = try #require(plan.items.first { $0.tensor.name.hasSuffix("ffn_down.weight") })
    #expect(down.tensor.type == .f16)
    #expect(down.fallbackFrom == .q4_0)
  }

  @Test func anExistingOutputIsKeptUnlessForced() throws {
    let base = Fixtures.miniZiya("base-hf")
    try folder.write(Array("precious".utf8), to: "x.gguf")
    expectError(.cannotWrite) { try convert(base, to: .f16, as: "x.gguf") }
    #expect(try Fixtures.bytes(folder("x.gguf")) == Array("precious".utf8))
    try convert(base, to: .f16, as: "x.gguf", overwrite: true)
    #expect(try Fixtures.bytes(folder("x.gguf")).starts(with: "GGUF".utf8))
    #expect(try folder.names() == ["x.gguf"])
  }

  @Test func anOutputThatIsAnInputIsRefusedEvenIfForced() throws {
    try convert(Fixtures.miniZiya("base-hf"), to: .f16, as: "x.gguf")
    let before = try Fixtures.bytes(folder("x.gguf"))
    try FileManager.default.createSymbolicLink(
      atPath: folder("link.gguf"), withDestinationPath: folder("x.gguf"))
    let plan = try ConversionPlan(
      quantize: ModelLoader.load(folder("x.gguf")), to: .q8_0, allowsRequantizing: false)
    for name in ["x.gguf", "link.gguf"] {
      expectError(.cannotWrite) {
        _ = try ConversionRun(plan, workers: Workers(threads: 1)).write(
          to: folder(name), overwrite: true)
      }
    }
    #expect(try Fixtures.bytes(folder("x.gguf")) == before)
  }

  @Test func noFileOfAnInputFolderIsOverwritten() throws {
    let base = try folder.copy(Fixtures.miniZiya("base-meta"), as: "base")
    let delta = try folder.copy(Fixtures.miniZiya("delta"), as: "delta")
    let plan = try ConversionPlan(
      convert: ModelLoader.load(base, delta: delta), to: .f16, name: "x")
    for name in [
      "base/params.json", "base/checklist.chk", "base/consolidated.01.pth", "delta/config.json",
      "delta/pytorch_model.bin.index.json", "delta/added_tokens.json",
      "delta/generation_config.json",
    ] {
      expectError(.cannotWrite) {
        _ = try ConversionRun(plan, workers: Workers(threads: 1)).write(
          to: folder(name), overwrite: true)
      }
    }
    // A GGUF file there is an earlier output.
    try folder.write([1], to: "delta/x.gguf")
    _ = try ConversionRun(plan, workers: Workers(threads: 1)).write(
      to: folder("delta/x.gguf"), overwrite: true)
  }

  @Test func aLinkThatLeadsNowhereIsNotReplacedUnasked() throws {
    try FileManager.default.createSymbolicLink(
      atPath: folder("x.gguf"), withDestinationPath: folder("nothing"))
    expectError(.cannotWrite) { try convert(Fixtures.miniZiya("base-hf"), to: .f16, as: "x.gguf") }
    #expect(try folder.names() == ["x.gguf"])
  }

  @Test func aFileThatAppearsMeanwhileIsKept() throws {
    let plan = try ConversionPlan(
      convert: ModelLoader.load(Fixtures.miniZiya("base-hf")), to: .f16, name: "x")
    let folder = folder
    let run = ConversionRun(plan, workers: Workers(threads: 1)) { _ in
      _ = try? folder.write(Array("precious".utf8), to: "x.gguf")
    }
    expectError(.cannotWrite) { _ = try run.write(to: folder("x.gguf"), overwrite: false) }
    #expect(try Fixtures.bytes(folder("x.gguf")) == Array("precious".utf8))
    #expect(try folder.names() == ["x.gguf"])
  }

  @Test func aGGUFFileIsNotConvertedButQuantized() throws {
    try convert(Fixtures.miniZiya("base-hf"), to: .f16, as: "x.gguf")
    expectError(.unsupported) { try convert(folder("x.gguf"), to: .q8_0, as: "y.gguf") }
  }

  @Test(arguments: ["missing/x.gguf", "."])
  func impossibleOutputsAreRefused(name: String) throws {
    #expect(throws: WeightmillError.self) {
      try convert(Fixtures.miniZiya("base-hf"), to: .f16, as: name)
    }
    #expect(try folder.names() == [])
  }

  @Test func valuesThatAreNoNumbersAreNamedAndNothingIsLeft() throws {
    var model = SmallModel()
    model.change = { name, values in
      if name.contains("up_proj") { values[3 * 64 + 5] = .nan }
    }
    let path = try model.write(to: folder, "nan")
    let error = expectError(.malformed) { try convert(path, to: .q8_0, as: "x.gguf") }
    #expect(error?.position == "row 3, column 5")
    #expect(error?.problem.contains("blk.0.ffn_up.weight") == true)
    #expect(try folder.names() == ["nan"])
    // Formats that can hold it keep it, and say how many there are.
    let report = try convert(path, to: .f16, as: "x.gguf")
    #expect(report.faults.map(\.tensor.name) == ["blk.0.ffn_up.weight"])
    #expect(report.faults.map(\.nonFinite) == [1])
  }

  @Test func valuesTooLargeForABlockAreAnError() throws {
    var model = SmallModel(type: .f32)
    model.change = { name, values in
      if name.contains("up_proj") { values[0] = 1e30 }
    }
    let path = try model.write(to: folder, "huge")
    expectError(.unsupported) { try convert(path, to: .q8_0, as: "x.gguf") }
    expectError(.unsupported) { try convert(path, to: .q4_0, as: "x.gguf") }
    #expect(try folder.names() == ["huge"])
  }

  /// The values are numbers of every type, so that every file says the same.
  @Test(arguments: [TensorType.f64, .f32, .bf16, .f8e4m3, .f8e5m2])
  func everyTypeOfCheckpointConverts(type: TensorType) throws {
    var model = SmallModel()
    model.change = { _, values in
      values = values.map {
        abs($0) < 1 / 64 ? 0 : Binary16.float(Binary16.bits($0) & 0xFF00)
      }
    }
    try convert(model.write(to: folder, "f16"), to: .q8_0, as: "expected")
    model.type = type
    try convert(model.write(to: folder, "other"), to: .q8_0, as: "x")
    #expect(try Fixtures.bytes(folder("x")) == Fixtures.bytes(folder("expected")))
  }

  @Test func integersAreNoWeights() throws {
    let path = try SmallModel(type: .i16).write(to: folder, "integers")
    let error = expectError(.unsupported) { try convert(path, to: .f16, as: "x") }
    #expect(error?.problem.contains("I16") == true)
    #expect(try folder.names() == ["integers"])
  }

  @Test func cancellingLeavesNothing() throws {
    let plan = try ConversionPlan(
      convert: ModelLoader.load(Fixtures.miniZiya("base-hf")), to: .f16, name: "x")
    let cancellation = Cancellation()
    cancellation.cancel()
    expectError(.interrupted) {
      _ = try ConversionRun(plan, workers: Workers(threads: 2), cancellation: cancellation).write(
        to: folder("x.gguf"), overwrite: false)
    }
    #expect(try folder.names() == [])
  }

  @Test(arguments: [
    (4_983_040, "5.0M"), (13_091_886_080, "13B"), (6_738_415_616, "6.7B"), (999_999, "1000K"),
    (124_000, "124K"),
  ])
  func sizeLabelsHaveTwoDigitsAtLeast(parameters: Int, label: String) {
    #expect(SizeLabel.of(parameters) == label)
  }

  @Test(arguments: [
    ("a/ziya-13b-f16.gguf", "ziya-13b"), ("ziya.F16.gguf", "ziya"), ("f16.gguf", "f16"),
    ("/x/model", "model"),
  ])
  func namesComeFromTheOutput(output: String, name: String) {
    #expect(ConversionPlan.modelName(output: output, mix: .f16) == name)
  }
}

extension ConversionRunTests {
  @Test func moreThanTenThousandTensorsAreConverted() throws {
    let model = try ModelLoader.load(
      SmallModel(layers: 1200, feedForward: 32, rows: 259).write(to: folder, "deep"))
    let plan = try ConversionPlan(convert: model, to: .q8_0, name: "x")
    #expect(plan.items.count > 10_000)
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: folder("x.gguf"), overwrite: false)
    let file = try GGUFFile(path: folder("x.gguf"))
    #expect(file.tensors.count == plan.items.count)
    #expect(try folder.names() == ["deep", "x.gguf"])
  }
}

import Foundation
import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// What GGUF files say of where their weights come from.
struct ProvenanceTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ plan: ConversionPlan, _ name: String, memory: Int = 1 << 28) throws {
    var options = RunOptions()
    options.memory = memory
    _ = try ConversionRun(plan, workers: Workers(threads: 3)).write(to: folder(name), options)
  }

  private func record(_ name: String) throws -> ProvenanceRecord {
    ProvenanceRecord(try GGUFFile(path: folder(name)).metadata)
  }

  @Test(arguments: ["base-meta", "base-hf"], [1 << 18, 1 << 28])
  func everyFileIsNamedWithItsSizeAndHash(base: String, memory: Int) throws {
    let (base, delta) = (Fixtures.miniZiya(base), Fixtures.miniZiya("delta"))
    let model = try ModelLoader.load(base, delta: delta)
    try write(ConversionPlan(convert: model, to: .q8_0, name: "x"), "x.gguf", memory: memory)
    let record = try record("x.gguf")
    #expect(record.version == Weightmill.version)
    #expect(record.mergeRule == "ziya")
    #expect(record.encoder == "best")
    #expect(record.planSHA256?.count == 64)
    #expect(record.sources.filter { $0.role == "delta" && $0.name.hasSuffix(".bin") }.count == 3)
    for source in record.sources {
      let folder = source.role == "base" ? base : delta
      let bytes = try Fixtures.bytes("\(folder)/\(source.name)")
      #expect(source.bytes == bytes.count)
      #expect(source.sha256 == sha256(bytes), "\(source.name)")
    }
    let text = String(decoding: try Fixtures.bytes(self.folder("x.gguf")), as: UTF8.self)
    #expect(!text.contains(base))
  }

  @Test func quantizingKeepsWhatTheInputSays() throws {
    let model = try ModelLoader.load(
      Fixtures.miniZiya("base-meta"), delta: Fixtures.miniZiya("delta"))
    try write(ConversionPlan(convert: model, to: .f16, name: "x"), "f16.gguf")
    try write(ConversionPlan(convert: model, to: .q4_K_M, name: "x"), "direct.gguf")
    try write(
      ConversionPlan(
        quantize: ModelLoader.load(folder("f16.gguf")), to: .q4_K_M, allowsRequantizing: false),
      "steps.gguf")
    #expect(
      try Fixtures.bytes(folder("direct.gguf")) == (try Fixtures.bytes(folder("steps.gguf"))))
    #expect(try record("steps.gguf").sources.map(\.role).contains("delta"))
  }

  @Test func aFileOfAnotherProgramIsNamedItself() throws {
    let model = try ModelLoader.load(SmallModel().write(to: folder, "small"))
    var plan = try ConversionPlan(convert: model, to: .f16, name: "x")
    plan.namesSources = false
    try write(plan, "other.gguf")
    #expect(try record("other.gguf").sources.isEmpty)
    try write(
      ConversionPlan(
        quantize: ModelLoader.load(folder("other.gguf")), to: .q8_0, allowsRequantizing: false),
      "x.gguf")
    let sources = try record("x.gguf").sources
    #expect(sources.map(\.name) == ["other.gguf"])
    #expect(sources.first?.sha256 == sha256(try Fixtures.bytes(folder("other.gguf"))))
  }

  @Test func filesThatShallNotBeHashedAreNamedAllTheSame() throws {
    let model = try ModelLoader.load(SmallModel().write(to: folder, "small"))
    var plan = try ConversionPlan(convert: model, to: .f16, name: "x")
    plan.hashing = .none
    try write(plan, "x.gguf")
    let weights = try record("x.gguf").sources.first { $0.name == "model.safetensors" }
    #expect(weights?.bytes != nil)
    #expect(weights?.sha256 == nil)
  }

  @Test func thePlanIsTheSameForEveryContainerAndOtherForOtherTypes() throws {
    let delta = Fixtures.miniZiya("delta")
    var plans: [String?] = []
    for (base, mix) in [
      ("base-meta", TypeMix.q4_0), ("base-hf", .q4_0), ("base-hf", .q4_1),
    ] {
      let model = try ModelLoader.load(Fixtures.miniZiya(base), delta: delta)
      try write(ConversionPlan(convert: model, to: mix, name: "x"), "\(plans.count)")
      plans.append(try record("\(plans.count)").planSHA256)
    }
    #expect(plans[0] == plans[1])
    #expect(plans[0] != plans[2])
  }

  @Test func theKeysCannotBeSetByHand() throws {
    let model = try ModelLoader.load(SmallModel().write(to: folder, "small"))
    var options = QuantizationOptions(.f16)
    options.overrides = [try MetadataOverride("weightmill.version=str:9")]
    expectError(.usage) { _ = try ConversionPlan(convert: model, with: options, name: "x") }
  }

  @Test(.timeLimit(.minutes(1)))
  func aFileWithVeryManyKeysOfOursIsQuantizedAtOnce() throws {
    let model = try ModelLoader.load(SmallModel().write(to: folder, "small"))
    try write(ConversionPlan(convert: model, to: .f16, name: "x"), "few.gguf")
    let file = try GGUFFile(path: folder("few.gguf"))
    var metadata = file.metadata
    for number in 0..<100_000 {
      metadata["split.\(number)"] = .uint32(1)
      metadata["weightmill.\(number)"] = .uint32(1)
    }
    let layout = try GGUFLayout(metadata: metadata, tensors: file.tensors, path: "many.gguf")
    var bytes = layout.header
    bytes += [UInt8](repeating: 0, count: layout.byteCount - bytes.count)
    for (index, position) in layout.positions.enumerated() {
      let rows = try file.bytes(rows: 0..<file.tensors[index].shape.rows, ofTensor: index)
      bytes.replaceSubrange(position..<position + rows.count, with: rows)
    }
    try folder.write(bytes, to: "many.gguf")
    try write(
      ConversionPlan(
        quantize: ModelLoader.load(folder("many.gguf")), to: .q8_0, allowsRequantizing: false),
      "x.gguf")
    let keys = try GGUFFile(path: folder("x.gguf")).metadata.entries.map(\.key)
    #expect(!keys.contains { $0.hasPrefix("split.") })
  }
}

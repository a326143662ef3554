import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport

/// llama-quantize's options: what each does, and what is said of those that do nothing.
struct QuantizationOptionsTests {
  private let folder: TemporaryFolder
  private let model: LoadedModel

  init() throws {
    folder = try TemporaryFolder()
    var small = SmallModel(layers: 4)
    small.hidden = 256
    small.feedForward = 512
    let checkpoint = try ModelLoader.load(small.write(to: folder, "model"))
    _ = try ConversionRun(
      ConversionPlan(convert: checkpoint, to: .f16, name: "x"), workers: Workers(threads: 2)
    ).write(to: folder("f16.gguf"), overwrite: false)
    model = try ModelLoader.load(folder("f16.gguf"))
  }

  private func plan(
    _ mix: TypeMix = .q4_K_M, _ change: (inout QuantizationOptions) throws -> Void = { _ in }
  ) throws -> ConversionPlan {
    var options = QuantizationOptions(mix)
    try change(&options)
    return try ConversionPlan(quantize: model, with: options)
  }

  private func types(_ plan: ConversionPlan) -> [String: TensorType] {
    Dictionary(uniqueKeysWithValues: plan.items.map { ($0.tensor.name, $0.tensor.type) })
  }

  private func metadata(_ plan: ConversionPlan) -> GGUFMetadata? {
    if case .gguf(let metadata) = plan.output { metadata } else { nil }
  }

  @Test func theMixIsTheModels() throws {
    let types = types(try plan())
    #expect(types["token_embd.weight"] == .q4_K)
    #expect(types["output.weight"] == .q6_K)
    #expect(types["blk.2.attn_v.weight"] == .q6_K)
    #expect(types["blk.0.attn_v.weight"] == .q4_K)
    #expect(types["blk.0.attn_norm.weight"] == .f32)
    #expect(try metadata(plan())?["general.file_type"] == .uint32(15))
  }

  @Test func withoutAMixAllTypesAreKept() throws {
    let mixed = try plan(.q4_K_M)
    _ = try ConversionRun(mixed, workers: Workers(threads: 2)).write(
      to: folder("q4_k_m.gguf"), overwrite: false)
    var options = QuantizationOptions(nil)
    options.prunedLayers = [1]
    let copy = try ConversionPlan(
      quantize: ModelLoader.load(folder("q4_k_m.gguf")), with: options)
    #expect(copy.items.count == mixed.items.count - 9)
    #expect(types(copy)["blk.1.attn_v.weight"] == types(mixed)["blk.2.attn_v.weight"])
    #expect(types(copy)["output.weight"] == .q6_K)
    #expect(metadata(copy)?["general.file_type"] == .uint32(15))
    expectError(.usage) {
      let checkpoint = try ModelLoader.load(folder("model"))
      _ = try ConversionPlan(convert: checkpoint, with: options, name: "x")
    }
  }

  @Test func convertTakesTheSameOptions() throws {
    var options = QuantizationOptions(.q8_0)
    options.tensorTypes = [try TensorTypeRule("attn_q=q4_0")]
    options.prunedLayers = [0, 2]
    options.keepsSplit = true
    options.allowsRequantizing = true
    let checkpoint = try ModelLoader.load(folder("model"))
    let plan = try ConversionPlan(convert: checkpoint, with: options, name: "y")
    #expect(types(plan)["blk.1.attn_q.weight"] == .q4_0)
    #expect(metadata(plan)?["llama.block_count"] == .uint32(2))
    #expect(plan.notes.count == 2 && plan.notes.allSatisfy { $0.contains("has no effect") })
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: folder("a.gguf"), overwrite: false)
    // In two steps the bytes are the same.
    let steps = try ConversionRun(
      ConversionPlan(quantize: model, with: options), workers: Workers(threads: 2)
    ).write(to: folder("b.gguf"), overwrite: false)
    let digests = try ["a.gguf", "b.gguf"].map { name in
      try TensorDigest.all(of: GGUFFile(path: folder(name)), workers: Workers(threads: 2))
    }
    #expect(digests[0] == digests[1])
    #expect(steps.faults.isEmpty)
  }

  @Test func theFirstPatternThatMatchesDecides() throws {
    let plan = try plan(.q8_0) {
      $0.tensorTypes = try [
        "FFN_(up|gate)=f16", "blk\\.[01]\\.ffn=q4_0", "ffn_down=q6_K", "norm=q4_0", "^ffn=q4_0",
      ].map { text throws in try TensorTypeRule(text) }
    }
    let types = types(plan)
    #expect(types["blk.0.ffn_up.weight"] == .f16)
    #expect(types["blk.1.ffn_down.weight"] == .q4_0)
    #expect(types["blk.2.ffn_down.weight"] == .q6_K)
    #expect(types["blk.2.attn_q.weight"] == .q8_0)
    #expect(types["blk.0.ffn_norm.weight"] == .f32)
    #expect(
      plan.notes == [
        "--tensor-type \"norm=q4_0\" decides the type of no tensor",
        "--tensor-type \"^ffn=q4_0\" decides the type of no tensor",
      ])
  }

  @Test func aPatternGoesBeforeTheMixButNotBeforeTheLengthOfRows() throws {
    let small = try ModelLoader.load(SmallModel().write(to: folder, "narrow"))
    var options = QuantizationOptions(.q4_K_M)
    options.tensorTypes = [try TensorTypeRule("attn_q=q6_k")]
    let plan = try ConversionPlan(convert: small, with: options, name: "x")
    let query = plan.items.first { $0.tensor.name == "blk.0.attn_q.weight" }
    #expect(query?.tensor.type == .q8_0)
    #expect(query?.fallbackFrom == .q6_K)
    let output = plan.items.first { $0.tensor.name == "output.weight" }
    #expect(output?.tensor.type == .q8_0)
    #expect(output?.fallbackFrom == .q6_K)
    options = QuantizationOptions(.q1_0)
    expectError(.unsupported) { _ = try ConversionPlan(convert: small, with: options, name: "x") }
  }

  @Test(arguments: [
    "", "x", "=q8_0", "x=", "x=q9", "x=q4_k_m", "(=q8_0", "x=f64", "x=i8", "x=q8_1", "x=f8_e4m3",
  ])
  func badTypeRulesAreNamed(text: String) {
    let error = expectError(.usage) { _ = try TensorTypeRule(text) }
    #expect(error?.file == "--tensor-type")
  }

  @Test func rulesComeFromFiles() throws {
    let path = try folder.write("attn_q=q8_0 attn_k=q4_0\r\n\n  ffn.*=f16\n".utf8, to: "rules")
    let rules = try TensorTypeRule.all(path: path)
    #expect(rules.map(\.pattern) == ["attn_q", "attn_k", "ffn.*"])
    #expect(rules.map(\.type) == [.q8_0, .q4_0, .f16])
    let bad = try folder.write("attn_q=q8_0\nattn_k=q9\n".utf8, to: "bad")
    let error = expectError(.malformed) { _ = try TensorTypeRule.all(path: bad) }
    #expect(error?.position == "line 2")
    expectError(.noInput) { _ = try TensorTypeRule.all(path: folder("none")) }
    let binary = try folder.write([0x80, 0xFF, 1, 2], to: "binary")
    expectError(.malformed) { _ = try TensorTypeRule.all(path: binary) }
  }

  @Test func outputAndEmbeddingsAreForced() throws {
    let forced = types(
      try plan {
        $0.outputType = .f16
        $0.embeddingType = .q8_0
        $0.tensorTypes = [try TensorTypeRule("weight=q5_0")]
      })
    #expect(forced["output.weight"] == .f16)
    #expect(forced["token_embd.weight"] == .q8_0)
    #expect(forced["blk.0.attn_q.weight"] == .q5_0)
    let left = try plan(.q8_0) { $0.leavesOutput = true }
    #expect(types(left)["output.weight"] == .f16)
    #expect(left.notes.isEmpty)
  }

  @Test func embeddingsThatAreTheOutputMatrixCount() throws {
    var small = SmallModel()
    small.omitted = ["lm_head.weight"]
    small.tiesEmbeddings = true
    let path = try small.write(to: folder, "tied")
    let tied = try ModelLoader.load(path)
    var options = QuantizationOptions(.q8_0)
    options.outputType = .f16
    options.leavesOutput = true
    let plan = try ConversionPlan(convert: tied, with: options, name: "x")
    #expect(types(plan)["token_embd.weight"] == .f16)
    #expect(plan.notes == ["--leave-output-tensor has no effect: there is no output.weight"])
    options.leavesOutput = false
    options.embeddingType = .q8_0
    let both = try ConversionPlan(convert: tied, with: options, name: "x")
    #expect(types(both)["token_embd.weight"] == .q8_0)
    #expect(both.notes == ["--output-tensor-type has no effect on any tensor"])
  }

  @Test func pureGivesTheBaseType() throws {
    let types = Set(try plan(.q4_K_M) { $0.isPure = true }.items.map(\.tensor.type))
    #expect(types == [.q4_K, .f32])
  }

  @Test func prunedLayersAreLeftOutAndTheOthersRenumbered() throws {
    let plan = try plan(.f16) { $0.prunedLayers = [0, 2] }
    #expect(plan.items.count == 21)
    #expect(metadata(plan)?["llama.block_count"] == .uint32(2))
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: folder("x.gguf"), overwrite: false)
    let (pruned, whole) = (
      try GGUFFile(path: folder("x.gguf")), try GGUFFile(path: folder("f16.gguf"))
    )
    func bytes(_ file: GGUFFile, _ name: String) throws -> [UInt8] {
      let index = try #require(file.tensors.firstIndex { $0.name == name })
      return try file.bytes(rows: 0..<file.tensors[index].shape.rows, ofTensor: index)
    }
    for (new, old) in [(0, 1), (1, 3)] {
      for kind in ["attn_q", "ffn_down", "attn_norm"] {
        #expect(
          try bytes(pruned, "blk.\(new).\(kind).weight")
            == bytes(whole, "blk.\(old).\(kind).weight"))
      }
    }
    #expect(try ModelLoader.load(folder("x.gguf")).llama.configuration.layerCount == 2)
    for layers: Set<Int> in [[4], [-1], [0, 1, 2, 3], [0, 99]] {
      expectError(.usage) { _ = try self.plan { $0.prunedLayers = layers } }
    }
  }

  @Test func metadataIsOverridden() throws {
    let texts = [
      "general.name=str:a=b:c", "llama.context_length=int:4096", "x.float=float:-0.5",
      "tokenizer.ggml.add_bos_token=bool:false", "x.empty=str:",
    ]
    let result = metadata(
      try plan { $0.overrides = try texts.map { text throws in try MetadataOverride(text) } })
    #expect(result?["general.name"] == .string("a=b:c"))
    #expect(result?["llama.context_length"] == .uint32(4096))
    #expect(result?["x.float"] == .float32(-0.5))
    #expect(result?["tokenizer.ggml.add_bos_token"] == .bool(false))
    #expect(result?["x.empty"] == .string(""))
    #expect(result?.entries.filter { $0.key == "general.name" }.count == 1)
  }

  @Test(arguments: [
    "", "a", "a=int", "=int:3", "a=int:-1", "a=int:4294967296", "a=int:x", "a=float:nan",
    "a=float:x", "a=bool:yes", "a=u8:3", "a=:3", "general.alignment=int:64", "split.count=int:2",
  ])
  func badOverridesAreNamed(text: String) {
    let error = expectError(.usage) { _ = try MetadataOverride(text) }
    #expect(error?.file == "--override-kv")
  }

  @Test func compatibleEncodersAreRefusedWhereThereAreNone() throws {
    let plan = try plan(.q4_K_M) { $0.method = .compatible }
    #expect(plan.obstacle?.code == .unsupported)
    #expect(plan.obstacle?.problem.contains("no closed form") == true)
    for mix: TypeMix in [.q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .f16] {
      #expect(try self.plan(mix) { $0.method = .compatible }.obstacle == nil)
    }
  }
}

import Foundation
import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// Folders in Hugging Face's layout: what is in them, and that nothing of the model is lost.
///
/// `Interop/test_transformers.py` loads them with transformers.
struct HuggingFaceFolderTests {
  private static let delta = Fixtures.miniZiya("delta")
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @discardableResult
  private func write(
    _ model: String, delta: String? = nil, as name: String, type: TensorType? = nil,
    shardSize: Int = HuggingFaceFolder.defaultShardSize, threads: Int = 2
  ) throws -> String {
    let plan = try ConversionPlan(
      huggingFace: ModelLoader.load(model, delta: delta), as: type, maximumShardSize: shardSize)
    _ = try ConversionRun(plan, workers: Workers(threads: threads)).write(
      to: folder(name), overwrite: false)
    return folder(name)
  }

  private func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  private func json(_ path: String) throws -> [String: Any] {
    try #require(try Fixtures.json(path) as? [String: Any])
  }

  @Test(arguments: ["base-meta", "base-hf"])
  func theMergedFolderHoldsTorchsSums(base: String) throws {
    let path = try write(Fixtures.miniZiya(base), delta: Self.delta, as: "x", shardSize: 3_000_000)
    let digests = try TensorDigest.all(
      of: Checkpoint(path: path).catalogue, workers: Workers(threads: 2))
    let json = try Fixtures.json(Fixtures.miniZiya("expected/merged-tensors.json"))
    let expected = try #require(json as? [String: [String: Any]])
    #expect(Set(digests.map(\.name)) == Set(expected.keys))
    for digest in digests {
      #expect(digest.sha256 == expected[digest.name]?["sha256"] as? String, "\(digest.name)")
      #expect(digest.dtype == expected[digest.name]?["dtype"] as? String)
    }
  }

  @Test(arguments: [1, 1_000_000, 2_000_000, 5_000_000, 9_966_080])
  func shardsHoldAtMostWhatWasAskedAndTheIndexIsExact(limit: Int) throws {
    let path = try write(
      Fixtures.miniZiya("base-meta"), delta: Self.delta, as: "x", shardSize: limit)
    let shards = try names(path).filter { $0.hasSuffix(".safetensors") }
    guard limit < 9_966_080 else {
      #expect(shards == ["model.safetensors"])
      #expect(try !names(path).contains("model.safetensors.index.json"))
      return
    }
    let index = try json("\(path)/model.safetensors.index.json")
    let map = try #require(index["weight_map"] as? [String: String])
    var total = 0
    for (number, shard) in shards.enumerated() {
      #expect(shard == String(format: "model-%05d-of-%05d.safetensors", number + 1, shards.count))
      let file = try Checkpoint(path: "\(path)/\(shard)")
      #expect(file.remarks.map(\.name) == ["format"])
      #expect(file.remarks.map(\.value) == ["pt"])
      let tensors = file.catalogue.tensors
      #expect(file.catalogue.byteCount <= limit || tensors.count == 1)
      for tensor in tensors { #expect(map[tensor.name] == shard) }
      total += file.catalogue.byteCount
    }
    #expect(map.count == 39)
    #expect(total == 9_966_080)
    #expect((index["metadata"] as? [String: Any])?["total_size"] as? Int == total)
    #expect(limit > 1 || shards.count == 39)
  }

  @Test func theDeltasFilesGoWithTheMergedModel() throws {
    let path = try write(Fixtures.miniZiya("base-hf"), delta: Self.delta, as: "x")
    #expect(
      try names(path) == [
        "added_tokens.json", "chat_template.jinja", "config.json", "generation_config.json",
        "model.safetensors", "special_tokens_map.json", "tokenizer.model", "tokenizer_config.json",
      ])
    for name in [
      "added_tokens.json", "generation_config.json", "special_tokens_map.json", "tokenizer.model",
      "tokenizer_config.json",
    ] {
      #expect(try Fixtures.bytes("\(path)/\(name)") == Fixtures.bytes("\(Self.delta)/\(name)"))
    }
    let (ours, theirs) = (try json("\(path)/config.json"), try json("\(Self.delta)/config.json"))
    #expect(NSDictionary(dictionary: ours) == NSDictionary(dictionary: theirs))
  }

  @Test func metasLayoutGetsAConfiguration() throws {
    let path = try write(Fixtures.miniZiya("base-meta"), as: "x", type: .bf16)
    #expect(
      try names(path) == [
        "config.json", "model.safetensors", "tokenizer.model", "tokenizer_config.json",
      ])
    // What the same model's own folder says, and what it leaves to defaults.
    var expected = try json(Fixtures.miniZiya("base-hf/config.json"))
    for key in ["initializer_range", "transformers_version", "pad_token_id"] {
      expected[key] = nil
    }
    expected["torch_dtype"] = "bfloat16"
    expected["rope_theta"] = 10_000
    expected["num_key_value_heads"] = 4
    expected["head_dim"] = 64
    #expect(
      NSDictionary(dictionary: try json("\(path)/config.json"))
        == NSDictionary(dictionary: expected))
    let tokenizer = try json("\(path)/tokenizer_config.json")
    #expect(tokenizer["tokenizer_class"] as? String == "LlamaTokenizer")
    #expect(tokenizer["bos_token"] as? String == "<s>")
    #expect(tokenizer["eos_token"] as? String == "</s>")
    #expect(tokenizer["unk_token"] as? String == "<unk>")
    #expect(tokenizer["add_bos_token"] as? Bool == true)
  }

  @Test(arguments: [("F16", "float16"), ("BF16", "bfloat16"), ("F32", "float32")])
  func allTensorsHaveTheTypeThatTheConfigurationNames(type: String, name: String) throws {
    let type = try #require(TensorType(rawValue: type))
    let path = try write(Fixtures.miniZiya("base-meta"), delta: Self.delta, as: "x", type: type)
    let tensors = try Checkpoint(path: path).catalogue.tensors
    #expect(tensors.allSatisfy { $0.type == type })
    #expect(try json("\(path)/config.json")["torch_dtype"] as? String == name)
  }

  @Test(arguments: [TensorType.f64, .f32, .bf16])
  func withoutATypeTensorsKeepTheirs(type: TensorType) throws {
    let path = try write(SmallModel(type: type).write(to: folder, "small"), as: "x")
    #expect(try Checkpoint(path: path).catalogue.tensors.allSatisfy { $0.type == type })
  }

  @Test func theNewKeyForTheTypeIsCorrectedToo() throws {
    let small = try SmallModel(type: .f32).write(to: folder, "small")
    let config = try String(contentsOfFile: "\(small)/config.json", encoding: .utf8)
    try folder.write(
      config.replacingOccurrences(of: "{", with: #"{"dtype":"float32","pad_token_id":-1,"#).utf8,
      to: "small/config.json")
    let written = try json("\(write(small, as: "x", type: .f16))/config.json")
    #expect(written["dtype"] as? String == "float16")
    #expect(written["torch_dtype"] == nil)
    #expect(written["pad_token_id"] is NSNull)
    #expect(written["architectures"] as? [String] == ["LlamaForCausalLM"])
  }

  @Test func tensorsOfSeveralTypesAreKeptAndNamed() throws {
    let norm = "model.norm.weight"
    let roles = TensorRole.all(in: SmallModel().configuration).filter(SmallModel().isStored)
    let all = roles.map {
      NamingScheme.huggingFace.name(of: $0, in: .llama)
    }
    var (half, single) = (SmallModel(), SmallModel(type: .f32))
    half.omitted = [norm]
    single.omitted = Set(all).subtracting([norm])
    for (number, model) in [half, single].enumerated() {
      let path = try model.write(to: folder, "part\(number)")
      try folder.write(
        try Fixtures.bytes("\(path)/model.safetensors"), to: "mixed/\(number).safetensors")
      try folder.write(try Fixtures.bytes("\(path)/config.json"), to: "mixed/config.json")
    }
    let map = all.map { #""\#($0)":"\#($0 == norm ? 1 : 0).safetensors""# }
    try folder.write(
      #"{"weight_map":{\#(map.joined(separator: ","))}}"#.utf8,
      to: "mixed/model.safetensors.index.json")
    let plan = try ConversionPlan(huggingFace: ModelLoader.load(folder("mixed")))
    #expect(plan.notes.contains { $0.contains("config.json says F16") })
    let path = try write(folder("mixed"), as: "x")
    let tensors = try Checkpoint(path: path).catalogue.tensors
    // Larger values go first, so that each lies at a multiple of its size.
    #expect(tensors.map(\.name) == [norm] + all.filter { $0 != norm })
    #expect(tensors.map(\.type) == [.f32] + all.dropFirst().map { _ in .f16 })
    #expect(try json("\(path)/config.json")["torch_dtype"] as? String == "float16")
  }

  @Test func theFolderConvertsToTheSameGGUFFile() throws {
    for base in ["base-meta", "base-hf"] {
      let path = try write(Fixtures.miniZiya(base), as: "\(base)-folder", shardSize: 2_000_000)
      #expect(
        try gguf(Fixtures.miniZiya(base), as: "\(base)-direct")
          == gguf(path, as: "\(base)-again"))
    }
  }

  @Test func theMergedFolderConvertsToTheSameTensorsAndKeys() throws {
    let base = Fixtures.miniZiya("base-meta")
    let path = try write(base, delta: Self.delta, as: "folder", shardSize: 2_000_000)
    _ = try gguf(base, delta: Self.delta, as: "direct")
    _ = try gguf(path, as: "again")
    let (direct, again) = (
      try GGUFFile(path: folder("direct")), try GGUFFile(path: folder("again"))
    )
    // Where the weights come from is all that is lost on the way; the plan says the merge rule, too.
    let entries = direct.metadata.entries.filter { $0.key != "weightmill.merge.rule" }
    let lost = "weightmill.plan.sha256"
    #expect(entries.map(\.key) == again.metadata.entries.map(\.key))
    for entry in entries where entry.key != lost {
      #expect(again.metadata[entry.key] == entry.value, "\(entry.key)")
    }
    #expect(direct.tensors == again.tensors)
    for index in direct.tensors.indices {
      #expect(try sha256(ofTensor: index, in: direct) == sha256(ofTensor: index, in: again))
    }
  }

  private func gguf(_ model: String, delta: String? = nil, as name: String) throws -> [UInt8] {
    var plan = try ConversionPlan(
      convert: ModelLoader.load(model, delta: delta), to: .q8_0, name: "x")
    plan.namesSources = false
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: folder(name), overwrite: false)
    return try Fixtures.bytes(folder(name))
  }

  @Test func theBytesAreTheSameForAnyNumberOfThreads() throws {
    let paths = try [1, 2, 5].map { threads in
      try write(
        Fixtures.miniZiya("base-meta"), delta: Self.delta, as: "x\(threads)",
        shardSize: 2_000_000, threads: threads)
    }
    for name in try names(paths[0]) {
      let bytes = try Fixtures.bytes("\(paths[0])/\(name)")
      for path in paths.dropFirst() { #expect(try Fixtures.bytes("\(path)/\(name)") == bytes) }
    }
  }

  @Test func whatEarlyConversionsHaveWrongIsMended() throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-hf"), as: "copy")
    try folder.write(
      #"{"tokenizer_class":"LLaMATokenizer","bos_token":"","eos_token":{"content":""},"x":1}"#.utf8,
      to: "copy/tokenizer_config.json")
    let plan = try ConversionPlan(huggingFace: ModelLoader.load(copy))
    #expect(plan.notes.count == 1)
    #expect(plan.notes.first?.contains("eos_token is </s>") == true)
    let written = try json("\(write(copy, as: "x"))/tokenizer_config.json")
    #expect(written["tokenizer_class"] as? String == "LlamaTokenizer")
    #expect(written["bos_token"] as? String == "<s>")
    #expect(written["eos_token"] as? String == "</s>")
    #expect(written["x"] as? Int == 1)
  }

  @Test func aModelWithoutATokenizerIsWrittenAndTheUserTold() throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-hf"), as: "copy")
    for name in ["tokenizer.model", "tokenizer_config.json", "special_tokens_map.json"] {
      try FileManager.default.removeItem(atPath: "\(copy)/\(name)")
    }
    let plan = try ConversionPlan(huggingFace: ModelLoader.load(copy))
    #expect(plan.notes == ["\(copy) has no tokenizer; none was written"])
    #expect(
      try names(write(copy, as: "x")) == [
        "config.json", "generation_config.json", "model.safetensors",
      ])
  }

  @Test func aConfigurationOfAnotherModelBesideMetasFilesIsAMismatch() throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-meta"), as: "copy")
    let config = try String(
      contentsOfFile: Fixtures.miniZiya("base-hf/config.json"), encoding: .utf8)
    try folder.write(
      config.replacingOccurrences(of: "2048", with: "4096").utf8, to: "copy/config.json")
    #expect(
      try json("\(write(copy, as: "x"))/config.json")["max_position_embeddings"] as? Int == 4096)
    try folder.write(
      config.replacingOccurrences(of: "1e-06", with: "1e-05").utf8, to: "copy/config.json")
    expectError(.mismatch) { try write(copy, as: "y") }
  }

  @Test func brokenCompanionsAreErrors() throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-hf"), as: "copy")
    try folder.write("version https://git-lfs".utf8, to: "copy/generation_config.json")
    expectError(.malformed) { try write(copy, as: "x") }
    try folder.write("{,}".utf8, to: "copy/generation_config.json")
    expectError(.malformed) { try write(copy, as: "x") }
    #expect(try folder.names() == ["copy"])
  }

  @Test func aBareFileBringsTheFilesBesideIt() throws {
    let small = try SmallModel().write(to: folder, "small")
    let path = try write("\(small)/model.safetensors", as: "x")
    #expect(
      try names(path) == [
        "config.json", "model.safetensors", "tokenizer.model", "tokenizer_config.json",
      ])
  }

  @Test func eightBitFloatsNeedAType() throws {
    let small = try SmallModel(type: .f8e5m2).write(to: folder, "small")
    let error = expectError(.unsupported) { try write(small, as: "x") }
    #expect(error?.remedy?.contains("--type") == true)
    let path = try write(small, as: "x", type: .f16)
    #expect(try Checkpoint(path: path).catalogue.tensors.allSatisfy { $0.type == .f16 })
  }
}

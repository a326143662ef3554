import Foundation
import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillQuantization
import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// A GGUF file back to a Hugging Face folder: what converting to GGUF did is undone.
///
/// `Interop/test_families.py` does the same for every family, and has transformers load the folder.
struct FolderOfGGUFTests {
  private let folder: TemporaryFolder
  private let workers = Workers(threads: 2)

  init() throws { folder = try TemporaryFolder() }

  @discardableResult
  private func gguf(_ path: String, _ mix: TypeMix, as name: String) throws -> String {
    let plan = try ConversionPlan(convert: ModelLoader.load(path), to: mix, name: "model")
    _ = try ConversionRun(plan, workers: workers).write(to: folder(name), overwrite: true)
    return folder(name)
  }

  @discardableResult
  private func back(
    _ path: String, as name: String, type: TensorType? = nil
  ) throws -> (path: String, notes: [String]) {
    let plan = try ConversionPlan(huggingFace: ModelLoader.load(path), as: type)
    _ = try ConversionRun(plan, workers: workers).write(to: folder(name), overwrite: false)
    return (folder(name), plan.notes)
  }

  private func digests(_ path: String) throws -> [String: String] {
    let all = try TensorDigest.all(of: Checkpoint(path: path).catalogue, workers: workers)
    return Dictionary(uniqueKeysWithValues: all.map { ($0.name, "\($0.dtype) \($0.sha256)") })
  }

  private func configuration(_ path: String) throws -> LlamaConfiguration {
    let bytes = try Fixtures.bytes("\(path)/config.json")
    return try LlamaConfiguration(
      huggingFace: JSONParser.parse(bytes, file: path), location: path)
  }

  private func json(_ path: String) throws -> [String: Any] {
    try #require(try Fixtures.json(path) as? [String: Any])
  }

  /// Tensors and metadata of a GGUF file, but for what says which files it was made of.
  private func content(_ path: String) throws -> (RewrittenGGUF, [GGUFMetadata.Entry]) {
    let file = try RewrittenGGUF(path)
    return (file, file.metadata.entries.filter { !$0.key.hasPrefix("weightmill.source.") })
  }

  private func expectSameGGUF(_ one: String, _ other: String) throws {
    let (first, second) = (try content(one), try content(other))
    #expect(first.1 == second.1)
    #expect(first.0.tensors.map(\.descriptor) == second.0.tensors.map(\.descriptor))
    for (one, other) in zip(first.0.tensors, second.0.tensors) {
      #expect(one.bytes == other.bytes, "\(one.descriptor.name)")
    }
  }

  @Test(arguments: SmallFamily.all)
  func aFamilysFolderComesBackBitForBit(family: SmallFamily) throws {
    var small = family.model
    small.layers = 2
    let source = try small.write(to: folder, "source")
    let first = try gguf(source, .f16, as: "first.gguf")
    let (path, _) = try back(first, as: "back")
    var expected = try digests(source)
    // The small models have one; to Gemma it is the embedding once more.
    if family.architecture.alwaysTies { expected["lm_head.weight"] = nil }
    #expect(try digests(path) == expected)
    let (ours, theirs) = (try configuration(path), try configuration(source))
    #expect(ours == theirs)
    let second = try gguf(path, .f16, as: "second.gguf")
    try expectSameGGUF(first, second)
  }

  @Test func miniZiyaComesBackWithItsTokenizer() throws {
    let plan = try ConversionPlan(
      convert: ModelLoader.load(
        Fixtures.miniZiya("base-hf"), delta: Fixtures.miniZiya("delta")), to: .f16, name: "model")
    _ = try ConversionRun(plan, workers: workers).write(to: folder("a.gguf"), overwrite: false)
    let (path, notes) = try back(folder("a.gguf"), as: "back")
    let expected = try #require(
      try Fixtures.json(Fixtures.miniZiya("expected/merged-tensors.json"))
        as? [String: [String: Any]])
    let found = try TensorDigest.all(of: Checkpoint(path: path).catalogue, workers: workers)
    #expect(Set(found.map(\.name)) == Set(expected.keys))
    for digest in found {
      #expect(digest.sha256 == expected[digest.name]?["sha256"] as? String, "\(digest.name)")
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: path).sorted() == [
        "config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
        "tokenizer.model", "tokenizer_config.json",
      ])
    #expect(notes.contains { $0.contains("model_type llama") })
    let settings = try json("\(path)/tokenizer_config.json")
    #expect(settings["tokenizer_class"] as? String == "PreTrainedTokenizerFast")
    #expect((settings["chat_template"] as? String)?.contains("<human>:") == true)
    #expect(settings["model_max_length"] as? Int == 2048)
    let generation = try json("\(path)/generation_config.json")
    #expect(generation["bos_token_id"] as? Int == 1)
    #expect(generation["eos_token_id"] as? Int == 2)
    // The rules by which llama.cpp's file was made give the same vocabulary again, both ways.
    #expect(try ModelLoader.tokenizer(path) == ModelLoader.tokenizer(folder("a.gguf")))
    try FileManager.default.removeItem(atPath: "\(path)/tokenizer.model")
    let (json, gguf) = (
      try ModelLoader.tokenizer("\(path)/tokenizer.json"),
      try ModelLoader.tokenizer(folder("a.gguf"))
    )
    for name in ["eval-en.txt", "eval-zh.txt"] {
      let text = String(
        decoding: try Fixtures.bytes(Fixtures.miniZiya("expected/\(name)")), as: UTF8.self)
      for text in [text, " \(text)", "<human>:\(text)\n<bot>:"] {
        #expect(try json.encode(text) == gguf.encode(text))
      }
    }
  }

  @Test func theGGUFFileOfTheFolderIsTheFirstOne() throws {
    let plan = try ConversionPlan(
      convert: ModelLoader.load(
        Fixtures.miniZiya("base-hf"), delta: Fixtures.miniZiya("delta")), to: .f16, name: "model")
    _ = try ConversionRun(plan, workers: workers).write(to: folder("a.gguf"), overwrite: false)
    let (path, _) = try back(folder("a.gguf"), as: "back")
    let (first, second) = (
      try content(folder("a.gguf")), try content(gguf(path, .f16, as: "b.gguf"))
    )
    // A folder has no place for the rule of a delta, which the plan's digest has, too.
    let ours: Set = ["weightmill.merge.rule", "weightmill.plan.sha256"]
    #expect(
      first.1.filter { !ours.contains($0.key) } == second.1.filter { !ours.contains($0.key) })
    #expect(first.0.tensors.map(\.bytes) == second.0.tensors.map(\.bytes))
  }

  private func values(_ name: String, of checkpoint: Checkpoint) throws -> [Float] {
    let catalogue = checkpoint.catalogue
    let index = try #require(catalogue.tensors.firstIndex { $0.name == name })
    return try catalogue.finiteValues(
      rows: 0..<catalogue.tensors[index].shape.rows, ofTensor: index)
  }

  @Test func quantizedFilesAreDecoded() throws {
    var small = SmallModel(rows: 512)
    (small.hidden, small.feedForward) = (256, 256)
    let source = try small.write(to: folder, "source")
    let file = try gguf(source, .q4_K_M, as: "q.gguf")
    let (path, notes) = try back(file, as: "f32", type: .f32)
    #expect(notes.contains { $0.contains("is quantized (Q4_K, Q6_K)") })
    // What no row changes its place in.
    let (stored, decoded) = (try Checkpoint(path: file), try Checkpoint(path: path))
    for (ours, theirs) in [
      ("model.layers.0.mlp.down_proj.weight", "blk.0.ffn_down.weight"),
      ("model.layers.0.self_attn.v_proj.weight", "blk.0.attn_v.weight"),
      ("lm_head.weight", "output.weight"), ("model.norm.weight", "output_norm.weight"),
    ] {
      #expect(try values(ours, of: decoded) == values(theirs, of: stored), "\(ours)")
    }
    // Without a type it is F16.
    let (half, _) = try back(file, as: "f16")
    #expect(Set(try Checkpoint(path: half).catalogue.tensors.map(\.type)) == [.f16])
    #expect(try json("\(half)/config.json")["torch_dtype"] as? String == "float16")
  }

  @Test(arguments: [(TypeMix.f16, TensorType.f16), (.bf16, .bf16), (.f32, .f32)])
  func withoutATypeMatricesKeepTheirs(mix: TypeMix, type: TensorType) throws {
    let source = try SmallModel().write(to: folder, "source")
    let (path, _) = try back(gguf(source, mix, as: "x.gguf"), as: "back")
    #expect(Set(try Checkpoint(path: path).catalogue.tensors.map(\.type)) == [type])
  }

  @Test func valuesTooLargeForTheTypeEndTheRun() throws {
    var small = SmallModel(type: .f32)
    small.change = { name, values in if name.hasSuffix("o_proj.weight") { values[7] = 70_000 } }
    let file = try gguf(small.write(to: folder, "source"), .f32, as: "x.gguf")
    let plan = try ConversionPlan(huggingFace: ModelLoader.load(file), as: .f16)
    let error = expectError(.unsupported) {
      _ = try ConversionRun(plan, workers: workers).write(to: folder("back"), overwrite: false)
    }
    #expect(error?.problem.contains("o_proj.weight") == true)
    #expect(error?.remedy?.contains("--type bf16") == true)
    #expect(try folder.names() == ["source", "x.gguf"])
    let (path, _) = try back(file, as: "wide", type: .bf16)
    #expect(try Checkpoint(path: path).catalogue.tensors.count == 12)
  }

  @Test func vectorsThatAreRoundedAreNamed() throws {
    var small = SmallModel(type: .f32)
    small.change = { name, values in if name == "model.norm.weight" { values[0] = 1.00001 } }
    let file = try gguf(small.write(to: folder, "source"), .f16, as: "x.gguf")
    let (_, notes) = try back(file, as: "back")
    #expect(notes.contains { $0.hasPrefix("1 values of 1 norms and biases") })
    let (_, none) = try back(file, as: "wide", type: .f32)
    #expect(!none.contains { $0.contains("norms and biases") })
  }

  // MARK: Fused and missing tensors

  @Test(arguments: [Architecture.llama, .qwen2])
  func queriesThatOnlyTheFileFusesAreTakenApart(architecture: Architecture) throws {
    var small = SmallModel()
    small.architecture = architecture
    small.keyValueHeads = 1
    let source = try small.write(to: folder, "source")
    var file = try RewrittenGGUF(gguf(source, .f16, as: "x.gguf"))
    for ending in ["weight", "bias"] {
      let parts = ["q", "k", "v"].map { "blk.0.attn_\($0).\(ending)" }
      let bytes = parts.flatMap { file[$0] }
      guard !bytes.isEmpty,
        let at = file.tensors.firstIndex(where: { $0.descriptor.name == parts[0] })
      else { continue }
      let first = file.tensors[at].descriptor
      let rows = bytes.count / first.bytesPerRow
      let extents = ending == "weight" ? [rows, 64] : [bytes.count / 4]
      let shape = try #require(TensorShape(extents))
      file.tensors[at] = .init(
        descriptor: TensorDescriptor(
          name: "blk.0.attn_qkv.\(ending)", type: first.type, shape: shape), bytes: bytes)
      file.tensors.removeAll { parts.dropFirst().contains($0.descriptor.name) }
    }
    let (path, _) = try back(file.write(to: folder, "fused.gguf"), as: "back")
    #expect(try digests(path) == digests(source))
  }

  @Test func biasesThatTransformersWantsAreZeros() throws {
    var small = SmallModel()
    small.fields = ["attention_bias": "true"]
    small.biases = TensorRole.LayerTensor.attentionBiases
    let source = try small.write(to: folder, "source")
    var file = try RewrittenGGUF(gguf(source, .f16, as: "x.gguf"))
    file.tensors.removeAll { $0.descriptor.name == "blk.0.attn_output.bias" }
    let (path, notes) = try back(file.write(to: folder, "y.gguf"), as: "back")
    #expect(notes.contains { $0.contains("blk.0.attn_output.bias") && $0.contains("zeros") })
    let catalogue = try Checkpoint(path: path).catalogue
    let index = try #require(
      catalogue.tensors.firstIndex { $0.name == "model.layers.0.self_attn.o_proj.bias" })
    #expect(
      try catalogue.bytes(rows: 0..<1, ofTensor: index) == [UInt8](repeating: 0, count: 128))
    #expect(try configuration(path).biases == TensorRole.LayerTensor.attentionBiases)
  }

  // MARK: Rotary angles

  @Test(
    arguments: [
      #"{"rope_type":"linear","factor":4.0}"#,
      #"{"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":128}"#,
      #"{"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":128,"beta_fast":24.0,"attention_factor":1.5}"#,
      #"{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":8192}"#,
      #"{"rope_type":"llama3","factor":32.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":64}"#,
      #"{"rope_type":"llama3","factor":5.0,"low_freq_factor":1.0,"high_freq_factor":2.5,"original_max_position_embeddings":300}"#,
      #"{"rope_type":"longrope","short_factor":[1.0,1.1,1.2,1.3],"long_factor":[1.0,2.0,3.0,4.5],"original_max_position_embeddings":64}"#,
      #"{"rope_type":"longrope","short_factor":[1.0,1.1,1.2,1.3],"long_factor":[1.0,2.0,3.0,4.5],"original_max_position_embeddings":64,"attention_factor":1.25}"#,
    ])
  func scaledAnglesComeBack(scaling: String) throws {
    var small = SmallModel()
    small.head = scaling.contains("longrope") ? 8 : 64
    small.fields = [
      "rope_scaling": scaling, "rope_theta": "500000.0", "max_position_embeddings": "2048",
    ]
    let source = try small.write(to: folder, "source")
    let first = try gguf(source, .f16, as: "first.gguf")
    let (path, notes) = try back(first, as: "back")
    #expect(!notes.contains { $0.contains("rotary") })
    #expect(try configuration(path) == configuration(source))
    try expectSameGGUF(first, try gguf(path, .f16, as: "second.gguf"))
  }

  @Test func factorsOfNoKindAreKeptAsLongrope() throws {
    var small = SmallModel()
    small.head = 8
    let source = try small.write(to: folder, "source")
    var file = try RewrittenGGUF(gguf(source, .f16, as: "x.gguf"))
    let factors: [Float] = [1, 3, 2, 7]
    var bytes = Bytes()
    for factor in factors { bytes.put(factor.bitPattern) }
    let shape = try #require(TensorShape([4]))
    file.tensors.append(
      .init(
        descriptor: TensorDescriptor(name: "rope_freqs.weight", type: .f32, shape: shape),
        bytes: bytes.all))
    let (path, notes) = try back(file.write(to: folder, "y.gguf"), as: "back")
    #expect(notes.contains { $0.contains("of no known kind") })
    guard case .longRope(let scaling) = try configuration(path).rotaryScaling else {
      Issue.record("no longrope")
      return
    }
    #expect(scaling.short == factors && scaling.long == factors)
    #expect(scaling.attentionFactor == 1)
  }

  // MARK: Tokenizers

  /// The file with the tokenizer of another one.
  private func file(with vocabulary: String, pre: String? = nil) throws -> (
    path: String, ModelTokenizer
  ) {
    let tokenizer = try ModelLoader.tokenizer(vocabulary)
    var small = SmallModel(rows: tokenizer.vocabulary.tokens.count + 3)
    (small.hidden, small.heads, small.keyValueHeads) = (8, 1, 1)
    var file = try RewrittenGGUF(gguf(small.write(to: folder, "source"), .f16, as: "x.gguf"))
    file.metadata.removeAll { $0.hasPrefix("tokenizer.") }
    let resized = try #require(
      tokenizer.resized(toRows: tokenizer.vocabulary.tokens.count + 3))
    file.metadata.append(try resized.stored)
    let path = try file.write(to: folder, "y.gguf")
    return (path, try ModelLoader.tokenizer(path))
  }

  private static let byteLevel = [
    "deepseek-coder", "deepseek-llm", "deepseek-v3", "gpt2", "llama3", "nemo", "o200k", "qwen2",
    "qwen35", "smollm",
  ]

  @Test(arguments: byteLevel)
  func bytePairsComeBackWithTheirCuts(name: String) throws {
    let (source, gguf) = try file(with: "\(Fixtures.package)/fixtures/tokenizers/\(name).json")
    let (path, _) = try back(source, as: "back")
    let read = try #require(try ModelLoader.load(path).tokenizer)
    let expected = try Fixtures.json(
      "\(Fixtures.package)/fixtures/tokenizers/\(name).expected.json")
    let cases = ((expected as? [String: Any])?["cases"] as? [[String: Any]]) ?? []
    let texts = cases.compactMap { $0["text"] as? String } + ["It's 12345 \u{301}x\n\n  y", "中文 字"]
    #expect(texts.count > 10)
    for text in texts {
      #expect(try read.encode(text) == gguf.encode(text), "\(text)")
      #expect(
        try read.encode(text, parsesControl: true) == gguf.encode(text, parsesControl: true))
    }
    #expect(read.vocabulary.tokens.map(\.text) == gguf.vocabulary.tokens.map(\.text))
    #expect(read.vocabulary.tokens.map(\.kind) == gguf.vocabulary.tokens.map(\.kind))
    func keys(_ path: String) throws -> [GGUFMetadata.Entry] {
      try RewrittenGGUF(path).metadata.entries.filter { $0.key.hasPrefix("tokenizer.") }
    }
    #expect(try keys(source) == keys(self.gguf(path, .f16, as: "again.gguf")))
  }

  @Test func aTokenizerThatCannotBeWrittenIsANote() throws {
    let source = try SmallModel().write(to: folder, "source")
    var file = try RewrittenGGUF(gguf(source, .f16, as: "x.gguf"))
    file.metadata["tokenizer.ggml.model"] = .string("t5")
    let (path, notes) = try back(file.write(to: folder, "y.gguf"), as: "back")
    #expect(notes.contains { $0.contains("no tokenizer is written") })
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        == ["config.json", "generation_config.json", "model.safetensors"])
  }

  /// A token of a text that another one has, none, one that is too long for merges.
  @Test(arguments: [["x", "x"], ["", ""], [String(repeating: "y", count: 300), "x"]])
  func hostileVocabulariesDoNotStopTheWeights(texts: [String]) throws {
    let source = try SmallModel().write(to: folder, "source")
    var file = try RewrittenGGUF(gguf(source, .f16, as: "x.gguf"))
    func replace(_ key: String, _ values: [GGUFValue]) throws {
      guard case .array(let kind, var list)? = file.metadata[key] else { return }
      list.replaceSubrange(270..<272, with: values)
      file.metadata[key] = .array(kind, list)
    }
    try replace("tokenizer.ggml.tokens", texts.map { .string($0) })
    try replace("tokenizer.ggml.token_type", [.int32(1), .int32(1)])
    try replace("tokenizer.ggml.scores", [.float32(-1), .float32(-2)])
    let (path, notes) = try back(file.write(to: folder, "y.gguf"), as: "back")
    #expect(notes.contains { $0.contains("no tokenizer is written") }, "\(notes)")
    #expect(try digests(path) == digests(source))
    #expect(!FileManager.default.fileExists(atPath: "\(path)/tokenizer.json"))
  }

  @Test func whatHasNoPlaceIsNamed() throws {
    let source = try SmallModel().write(to: folder, "source")
    var file = try RewrittenGGUF(gguf(source, .f16, as: "x.gguf"))
    file.metadata["general.license"] = .string("mit")
    let (_, notes) = try back(file.write(to: folder, "y.gguf"), as: "back")
    #expect(notes.contains { $0.contains("general.license") })
  }
}

import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillMerging
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// Adapters written as GGUF files. `Interop/test_adapters.py` has llama.cpp load them.
struct AdapterExportTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func lora(_ name: String) -> String { "\(Fixtures.package)/fixtures/lora/\(name)" }

  private func request(_ base: String, _ adapter: ScaledAdapter) -> ModelRequest {
    var request = ModelRequest(base)
    request.adapters = [adapter]
    return request
  }

  /// Writes an adapter's file, and says where.
  private func write(_ request: ModelRequest, _ type: TensorType = .f32) throws -> String {
    let plan = ConversionPlan(
      adapter: try ModelLoader.loadAdapter(request), as: type, name: "test")
    let path = folder("adapter.gguf")
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(to: path, RunOptions())
    return path
  }

  private func digests(_ request: ModelRequest) throws -> [String: String] {
    let view = LlamaView(try ModelLoader.load(request).llama, as: .huggingFace)
    var digests: [String: String] = [:]
    for (index, tensor) in view.tensors.enumerated() {
      digests[tensor.name] = try sha256(ofTensor: index, in: view)
    }
    return digests
  }

  /// Merged from its file, an adapter gives the bytes that PEFT's folder gives.
  @Test(
    arguments: ["plain", "rslora", "fan-in-fan-out", "embedding"], ["base-hf", "base-meta"])
  func theFileMergesToTheSameBytes(name: String, base: String) throws {
    let base = Fixtures.miniZiya(base)
    let folder = request(base, ScaledAdapter(Self.lora(name)))
    let file = try write(folder)
    #expect(try digests(request(base, ScaledAdapter(file))) == digests(folder))
  }

  /// Families with another order of rows, with heads of their own size and with fused matrices.
  @Test(arguments: [
    Architecture.llama, .qwen2, .qwen3, .olmo2, .smolLM3, .phi3, .gemma, .gemma2, .gemma3,
    .internLM2,
  ])
  func everyFamilysFileMergesToTheSameBytes(architecture: Architecture) throws {
    var small = SmallModel(keyValueHeads: 2, type: .f32)
    small.heads = 4
    small.architecture = architecture
    small.head = architecture.headsShareWidth ? nil : 24
    let base = try small.write(to: folder, "base")
    let model = try ModelLoader.load(base).llama
    let view = LlamaView(model, as: .huggingFace)
    var adapter = AdapterBuilder()
    for (seed, tensor) in view.tensors.enumerated()
    where tensor.name.contains("layers.") && tensor.shape.extents.count == 2 {
      // Adapters know fused queries, keys and values by one name.
      guard
        architecture.fusedModule == nil || !tensor.name.contains(".attention.w")
          || tensor.name.contains(".wo.")
      else { continue }
      adapter.update(
        String(tensor.name.dropLast(".weight".count)), inputs: tensor.shape.columns,
        outputs: tensor.shape.rows, seed: UInt64(seed))
    }
    if let fused = architecture.fusedModule {
      adapter.update("model.layers.0.\(fused)", outputs: 8 * (small.head ?? 16), seed: 99)
    }
    let merged = request(base, ScaledAdapter(try adapter.write(to: folder)))
    let file = try write(merged)
    let (ours, theirs) = try (digests(request(base, ScaledAdapter(file))), digests(merged))
    #expect(ours == theirs)
    #expect(try ours != digests(ModelRequest(base)))
    let read = try GGUFFile(path: file)
    #expect(read.metadata["general.architecture"]?.string == architecture.name)
    #expect(read.metadata["adapter.lora.alpha"] == .float32(8))
  }

  /// What the file's one alpha cannot say is in B, in float32.
  @Test func otherScalesAreInB() throws {
    let base = Fixtures.miniZiya("base-hf")
    let loaded = try ModelLoader.loadAdapter(request(base, ScaledAdapter(Self.lora("patterns"))))
    #expect(loaded.exported.alpha == 3)
    #expect(loaded.notes.contains { $0.contains("2 of 8 updates have another scale") })
    let plain = try Checkpoint(path: Self.lora("patterns")).catalogue
    func values(_ catalogue: any Catalogue, _ part: String) throws -> [Float] {
      let index = try #require(catalogue.tensors.firstIndex { $0.name.contains(part) })
      let tensor = catalogue.tensors[index]
      return ScalarRows.values(
        try catalogue.bytes(rows: 0..<tensor.shape.rows, ofTensor: index), as: tensor.type)
    }
    // alpha_pattern has 5.5 for this one.
    let b = try values(plain, "layers.3.self_attn.v_proj.lora_B")
    let scale = Float(5.5 / 3.0) * 3
    #expect(try values(loaded.exported, "blk.3.attn_v.weight.lora_b") == b.map { $0 * (scale / 3) })
    let other = try values(plain, "layers.2.self_attn.v_proj.lora_B")
    #expect(try values(loaded.exported, "blk.2.attn_v.weight.lora_b") == other)
  }

  @Test func aScaleIsInAlpha() throws {
    let base = Fixtures.miniZiya("base-hf")
    let scaled = request(base, ScaledAdapter(Self.lora("plain"), scale: 0.5))
    #expect(try ModelLoader.loadAdapter(scaled).exported.alpha == 4.5)
    let file = try write(scaled)
    #expect(try digests(request(base, ScaledAdapter(file))) == digests(scaled))
  }

  /// One matrix is both in llama.cpp, whose adapters know it as an embedding only.
  @Test(arguments: ["model.embed_tokens", "lm_head"])
  func tiedEmbeddingsAreRefused(module: String) throws {
    var small = SmallModel()
    small.omitted = ["lm_head.weight"]
    small.tiesEmbeddings = true
    let base = try small.write(to: folder, "tied")
    var adapter = AdapterBuilder()
    if module == "lm_head" {
      adapter.update(module, outputs: 300)
    } else {
      adapter.tensors["\(module).lora_embedding_A"] = .init([4, 300], seed: 1)
      adapter.tensors["\(module).lora_embedding_B"] = .init([64, 4], seed: 2)
    }
    let path = try adapter.write(to: folder)
    let error = expectError(.unsupported) {
      _ = try ModelLoader.loadAdapter(request(base, ScaledAdapter(path)))
    }
    #expect(error?.problem.contains("which are one in the model") == true)
  }

  private static let falseMetadata: [([String: GGUFValue?], WeightmillError.Code, String)] = [
    (["adapter.type": .string("ia3")], .unsupported, "kind"),
    (["adapter.type": nil], .unsupported, "adapter.type"),
    (["general.type": .string("model")], .mismatch, "no adapter"),
    (["general.architecture": .string("qwen2")], .mismatch, "architecture"),
    (["adapter.lora.alpha": .uint32(9)], .malformed, "no scale"),
    (["adapter.lora.alpha": .float32(.infinity)], .malformed, "no scale"),
    (
      ["adapter.alora.invocation_tokens": .array(.uint32, [.uint32(1)])], .unsupported, "aLoRA"
    ),
  ]

  @Test(arguments: falseMetadata)
  func whatAnotherFileSaysIsChecked(
    changes: [String: GGUFValue?], code: WeightmillError.Code, part: String
  ) throws {
    let base = Fixtures.miniZiya("base-hf")
    let file = try GGUFFile(path: write(request(base, ScaledAdapter(Self.lora("plain")))))
    var metadata = file.metadata
    for (key, value) in changes { metadata[key] = value }
    let path = try rewrite(file, metadata, file.tensors.map(\.name))
    let error = expectError(code) { _ = try ModelLoader.load(request(base, ScaledAdapter(path))) }
    #expect(error?.problem.contains(part) == true, "\(error?.problem ?? "")")
  }

  @Test(arguments: [
    ("blk.0.attn_q.weight.lora_a", "blk.0.attn_q.weight.lora_c", "is unknown"),
    ("blk.0.attn_q.weight.lora_a", "blk.0.attn_x.weight.lora_a", "is not for a module"),
    ("blk.0.attn_q.weight.lora_a", "blk.9.attn_q.weight.lora_a", "is not for a module"),
    ("blk.0.attn_q.weight.lora_a", "blk.0.attn_k.weight.lora_a", "has no B"),
    ("blk.0.attn_q.weight.lora_b", "token_embd.weight.lora_b", "has no A"),
  ])
  func tensorsThatDoNotFitAreNamed(old: String, new: String, part: String) throws {
    let base = Fixtures.miniZiya("base-hf")
    let file = try GGUFFile(path: write(request(base, ScaledAdapter(Self.lora("plain")))))
    let path = try rewrite(file, file.metadata, file.tensors.map { $0.name == old ? new : $0.name })
    let error = expectError(.mismatch) {
      _ = try ModelLoader.load(request(base, ScaledAdapter(path)))
    }
    #expect(error?.problem.contains(part) == true, "\(error?.problem ?? "")")
  }

  /// Norms in adapters are not used, as in llama.cpp, with a note.
  @Test func normsAreNotUsed() throws {
    let base = Fixtures.miniZiya("base-hf")
    let file = try GGUFFile(path: write(request(base, ScaledAdapter(Self.lora("plain")))))
    let names = file.tensors.map { tensor in
      tensor.name.hasPrefix("blk.3.attn_v.")
        ? "blk.3.attn\(tensor.name.hasSuffix("a") ? "" : "_q")_norm.weight" : tensor.name
    }
    let model = try ModelLoader.load(
      request(base, ScaledAdapter(rewrite(file, file.metadata, names))))
    #expect(
      model.notes.contains { $0.contains("blk.3.attn_norm.weight") && $0.contains("not used") })
    #expect(model.notes.contains { $0.contains("7 updates") })
  }

  /// Writes a file's tensors under other names.
  private func rewrite(
    _ file: GGUFFile, _ metadata: GGUFMetadata, _ names: [String]
  ) throws -> String {
    let tensors = zip(file.tensors, names).map {
      TensorDescriptor(name: $1, type: $0.type, shape: $0.shape)
    }
    let layout = try GGUFLayout(metadata: metadata, tensors: tensors, path: "test")
    var bytes = [UInt8](repeating: 0, count: layout.byteCount)
    bytes.replaceSubrange(0..<layout.header.count, with: layout.header)
    for (index, position) in layout.positions.enumerated() {
      let content = try file.bytes(rows: 0..<tensors[index].shape.rows, ofTensor: index)
      bytes.replaceSubrange(position..<position + content.count, with: content)
    }
    return try folder.write(bytes, to: "other.gguf")
  }
}

import Testing
import WeightmillLLaMA
import WeightmillTensors

/// What programs put before names of tensors is found from the names themselves.
struct StoredNamesTests {
  /// A catalogue of names.
  private struct Names: Catalogue {
    let location = "names"
    let tensors: [TensorDescriptor]

    init(_ names: [String]) throws {
      let shape = try #require(TensorShape([4]))
      tensors = names.map { TensorDescriptor(name: $0, type: .f32, shape: shape) }
    }

    func read(
      rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
    ) throws(WeightmillError) {}
  }

  private static let huggingFace = [
    "model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight",
    "model.layers.0.input_layernorm.weight", "model.layers.11.post_attention_layernorm.weight",
    "model.layers.0.self_attn.rotary_emb.inv_freq", "model.norm.weight", "lm_head.weight",
  ]
  private static let meta = [
    "tok_embeddings.weight", "layers.0.attention.wq.weight", "layers.0.attention_norm.weight",
    "layers.0.ffn_norm.weight", "rope.freqs", "norm.weight", "output.weight",
  ]

  @Test(arguments: [
    "", "_orig_mod.", "module.", "llama_model.", "base_model.model.", "model.", "a.b.c.",
    "_orig_mod.module.", "module._orig_mod.", "_forward_module.", "языковая.",
  ])
  func aPrefixBeforeAllNamesIsLeftOut(prefix: String) throws {
    for (scheme, names) in [(NamingScheme.huggingFace, Self.huggingFace), (.meta, Self.meta)] {
      let stored = try Names(names.map { prefix + $0 })
      let found = try #require(StoredNames(stored))
      #expect(found.scheme == scheme)
      #expect(found.rivals.isEmpty && found.hasLayers)
      #expect(found.renamed(stored).tensors.map(\.name) == names)
      #expect(found.notes.isEmpty == prefix.isEmpty)
    }
  }

  @Test func wrappersBetweenPartsAreLeftOut() throws {
    let stored = try Names(
      Self.huggingFace.map {
        "_fsdp_wrapped_module."
          + $0.replacing("layers.0.", with: "layers.0._checkpoint_wrapped_module._orig_mod.")
      })
    let found = try #require(StoredNames(stored))
    #expect(found.renamed(stored).tensors.map(\.name) == Self.huggingFace)
    let note = try #require(found.notes.first)
    for wrapper in ["_fsdp_wrapped_module.", "_checkpoint_wrapped_module.", "_orig_mod."] {
      #expect(note.contains(wrapper))
    }
  }

  @Test(arguments: ["", "transformer.", "base_model.", "decoder.language."])
  func namesWithoutModelGetIt(stack: String) throws {
    let stored = try Names(
      Self.huggingFace.map { $0.hasPrefix("model.") ? stack + $0.dropFirst(6) : $0 })
    let found = try #require(StoredNames(stored))
    #expect(found.scheme == .huggingFace)
    #expect(found.renamed(stored).tensors.map(\.name) == Self.huggingFace)
    #expect(found.notes.count == 1 && found.notes[0].contains("\"model.\""))
  }

  @Test func aHeadInsideOfTheModelIsOne() throws {
    let names = Self.huggingFace.map { $0 == "lm_head.weight" ? "model.lm_head.weight" : $0 }
    let stored = try Names(names)
    let found = try #require(StoredNames(stored))
    #expect(found.renamed(stored).tensors.map(\.name) == Self.huggingFace)
    #expect(found.notes.count == 1)
  }

  @Test func severalModelsAreNoOne() throws {
    let stored = try Names(Self.huggingFace.flatMap { ["actor." + $0, "critic." + $0] })
    #expect(try #require(StoredNames(stored)).rivals == ["actor.model.", "critic.model."])
    // The usual names win: what stands beside them is named as unknown.
    let more = try Names(Self.huggingFace + Self.huggingFace.map { "critic." + $0 })
    let found = try #require(StoredNames(more))
    #expect(found.rivals.isEmpty && found.notes.isEmpty)
  }

  @Test func partsThatSeeAreNoModel() throws {
    let vision = "vision_tower.encoder.layers.0.self_attn.q_proj.weight"
    let stored = try Names([vision] + Self.huggingFace.map { "language_model." + $0 })
    let found = try #require(StoredNames(stored))
    #expect(found.rivals.isEmpty)
    #expect(found.renamed(stored).tensors.map(\.name) == [vision] + Self.huggingFace)
  }

  @Test func internLMsNamesAreNotMetas() throws {
    let stored = try Names([
      "model.tok_embeddings.weight", "model.layers.0.attention.wqkv.weight",
      "model.layers.0.attention_norm.weight", "output.weight",
    ])
    let found = try #require(StoredNames(stored))
    #expect(found.scheme == .huggingFace && found.notes.isEmpty)
  }

  @Test func namesOfNoModelHaveNoScheme() throws {
    for names in [[], ["weight"], ["output.weight"], ["layers.0"], ["layers.x.norm.weight", "."]] {
      #expect(StoredNames(try Names(names)) == nil)
    }
    #expect(StoredNames(try Names(["norm.weight"]))?.scheme == .meta)
    #expect(StoredNames(try Names(["blk.0.attn_q.weight"]))?.scheme == .gguf)
  }
}

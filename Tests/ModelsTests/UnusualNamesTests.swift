import Foundation
import Testing
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// Models under other names than usual are read; what is no model is named.
struct UnusualNamesTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ name: String, _ change: (inout SmallModel) -> Void) throws -> String {
    var model = SmallModel(layers: 2)
    change(&model)
    return try model.write(to: folder, name)
  }

  /// All bytes of a model by name.
  private func bytes(_ model: LlamaModel) throws -> [String: [UInt8]] {
    let view = LlamaView(model, as: .huggingFace)
    return Dictionary(
      uniqueKeysWithValues: try view.tensors.enumerated().map { index, tensor in
        (tensor.name, try view.bytes(rows: 0..<tensor.shape.rows, ofTensor: index))
      })
  }

  @Test func aPrefixChangesNoValue() throws {
    let plain = try ModelLoader.load(write("plain") { _ in })
    let prefixed = try ModelLoader.load(write("x") { $0.storedName = { "_orig_mod.module." + $0 } })
    #expect(try bytes(prefixed.llama) == bytes(plain.llama))
    #expect(
      prefixed.notes.contains(
        "the names of the tensors are read without \"_orig_mod.\" and \"module.\" "
          + "(more: docs/troubleshooting.md#wrapped-names)"))
    #expect(plain.notes.isEmpty)
  }

  @Test func baseAndDeltaMayHavePrefixes() throws {
    let base = try write("base") { $0.storedName = { "module." + $0 } }
    let delta = try write("delta") {
      $0.isDelta = true
      $0.storedName = { "_orig_mod." + $0 }
    }
    let plain = try ModelLoader.load(
      write("base2") { _ in }, delta: write("delta2") { $0.isDelta = true })
    let merged = try ModelLoader.load(base, delta: delta)
    #expect(try bytes(merged.llama) == bytes(plain.llama))
    #expect(merged.notes.filter { $0.contains("are read without") }.count == 2)
  }

  @Test func aTiedModelMayHoldItsHeadAlone() throws {
    let usual = try ModelLoader.load(
      write("usual") {
        $0.tiesEmbeddings = true
        $0.omitted = ["lm_head.weight"]
      })
    let headOnly = try ModelLoader.load(
      write("head") {
        $0.tiesEmbeddings = true
        $0.omitted = ["lm_head.weight"]
        $0.storedName = { $0 == "model.embed_tokens.weight" ? "lm_head.weight" : $0 }
      })
    #expect(try bytes(headOnly.llama) == bytes(usual.llama))
    #expect(headOnly.llama.tiesEmbeddings)
    #expect(headOnly.notes == ["the tied embeddings are stored as \"lm_head.weight\" alone"])
  }

  /// transformers 5 does not tie matrices that are both stored and differ.
  @Test func aStoredHeadThatDiffersIsUsed() throws {
    let model = try ModelLoader.load(write("x") { $0.tiesEmbeddings = true })
    #expect(!model.llama.configuration.tiesEmbeddings && !model.llama.tiesEmbeddings)
    #expect(model.notes.count == 1)
    #expect(model.notes[0].contains("tie_word_embeddings") && model.notes[0].contains("lm_head"))
    let all = try bytes(model.llama)
    let plain = try bytes(ModelLoader.load(write("plain") { _ in }).llama)
    #expect(all == plain)
  }

  @Test func aStoredHeadThatIsTheEmbeddingsIsNoRemark() throws {
    let model = try ModelLoader.load(
      write("x") {
        $0.tiesEmbeddings = true
        $0.change = { name, values in
          if name == "lm_head.weight" || name == "model.embed_tokens.weight" {
            for index in values.indices { values[index] = Float(index % 64) / 64 }
          }
        }
      })
    #expect(model.notes.isEmpty && model.llama.configuration.tiesEmbeddings)
  }

  /// What is in the file, the class of the failure and words of the message.
  @Test(arguments: [
    (["score.weight"], ["lm_head.weight"], "is a classifier"),
    (["classifier.weight"], ["lm_head.weight"], "is a classifier"),
    (["v_head.summary.weight"], [], "reward or value model"),
    (["model.layers.0.self_attn.q_proj.lora_A.default.weight"], [], "LoRA that is not merged"),
    (["model.layers.0.self_attn.q_proj.lora_a"], [], "LoRA that is not merged"),
    (["vision_tower.embeddings.weight"], [], "a part that sees"),
    (["model.layers.0.block_sparse_moe.experts.0.w1.weight"], [], "experts"),
    (["model.layers.0.self_attn.qkv_proj.weight"], [], "fused"),
  ])
  func otherThingsAreNamed(more: [String], omitted: [String], problem: String) throws {
    let path = try write("x") {
      $0.vectors = Dictionary(uniqueKeysWithValues: more.map { ($0, [1, 2]) })
      $0.omitted = Set(omitted)
    }
    let error = expectError(.unsupported) { _ = try ModelLoader.load(path) }
    #expect(error?.problem.contains(problem) == true, "\(error?.description ?? "")")
    #expect(error?.problem.contains(more[0].prefix(20)) == true)
    #expect(error?.remedy != nil)
  }

  @Test func anUnmergedLoRAIsNoAdapter() throws {
    let path = try write("x") {
      $0.storedName = {
        "base_model.model." + $0.replacing("q_proj.weight", with: "q_proj.base_layer.weight")
      }
      $0.vectors = ["base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight": [1]]
    }
    let error = expectError(.unsupported) { _ = try ModelLoader.load(path) }
    #expect(error?.problem.contains("LoRA that is not merged") == true)
  }

  @Test func aMissingHeadIsNamedWithTheFlag() throws {
    for stack in ["model.", ""] {
      let path = try write("x\(stack)") {
        $0.omitted = ["lm_head.weight"]
        $0.storedName = { stack + $0.dropFirst("model.".count) }
      }
      let error = expectError(.mismatch) { _ = try ModelLoader.load(path) }
      #expect(error?.problem.contains("lacks lm_head.weight") == true)
      #expect(error?.problem.contains("tie_word_embeddings") == true)
    }
  }

  @Test func severalModelsInOneFileAreNamed() throws {
    let path = try write("x") {
      $0.storedName = { ($0.contains("layers.0") ? "actor." : "critic.") + $0 }
    }
    let error = expectError(.mismatch) { _ = try ModelLoader.load(path) }
    #expect(error?.problem.contains("several models") == true)
  }

  @Test func emptyTensorsAreZeROs() throws {
    for part in ["proj", "layernorm", "embed_tokens", "weight"] {
      let path = try write("x\(part)") { $0.isEmpty = { $0.contains(part) } }
      let error = expectError(.mismatch) { _ = try ModelLoader.load(path) }
      #expect(error?.problem.contains("empty, as DeepSpeed ZeRO-3") == true)
      #expect(error?.remedy?.contains("zero_to_fp32.py") == true)
    }
    let delta = try write("delta") {
      $0.isDelta = true
      $0.isEmpty = { $0.contains("mlp") }
    }
    let error = expectError(.mismatch) {
      _ = try ModelLoader.load(write("base") { _ in }, delta: delta)
    }
    #expect(error?.problem.contains("ZeRO-3") == true && error?.file.contains("delta") == true)
  }

  @Test func emptyTensorsOfAdaptersAreZeROs() throws {
    for name in [
      "!base_model.model.lm_head.weight", "model.layers.0.self_attn.q_proj.lora_A.weight",
    ] {
      var adapter = AdapterBuilder()
      adapter.update("model.layers.0.self_attn.q_proj")
      adapter.tensors[name] = .init([0], [])
      var request = ModelRequest(try write("base") { _ in })
      request.adapters = [ScaledAdapter(try adapter.write(to: folder, "lora-\(name.count)"))]
      let error = expectError(.mismatch) { _ = try ModelLoader.load(request) }
      #expect(error?.problem.contains("ZeRO-3") == true, "\(error?.description ?? "")")
    }
  }

  private func frequencies(_ base: Double, count: Int = 16) -> [Float] {
    (0..<count).map { Float(pow(base, -Double($0) / Double(count))) }
  }

  @Test func frequenciesOfAnotherBaseAreNoted() throws {
    for name in [
      "model.layers.0.self_attn.rotary_emb.inv_freq", "model.rotary_emb.inv_freq",
    ] {
      let right = try ModelLoader.load(
        write("right") {
          // As bfloat16 has them.
          $0.vectors[name] = frequencies(10_000).map {
            Float(bitPattern: ($0.bitPattern + 0x8000) & 0xFFFF_0000)
          }
        })
      #expect(right.notes.isEmpty)
      let other = try ModelLoader.load(write("other") { $0.vectors[name] = frequencies(1e6) })
      #expect(other.notes.count == 1)
      #expect(other.notes[0].contains("base 1000000") && other.notes[0].contains("10000, which"))
    }
    // Zeros, as in a difference, and numbers of another law tell nothing.
    for values in [[Float](repeating: 0, count: 16), (0..<16).map { Float($0) }] {
      let model = try ModelLoader.load(
        write("x") { $0.vectors["model.layers.0.self_attn.rotary_emb.inv_freq"] = values })
      #expect(model.notes.isEmpty)
    }
  }
}

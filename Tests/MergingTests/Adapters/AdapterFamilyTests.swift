import Testing
import WeightmillLLaMA
import WeightmillMerging
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// Adapters and deltas on models with biases, norms of heads and heads of their own size.
struct AdapterFamilyTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func values(_ model: LlamaModel, _ name: String) throws -> [Float] {
    let view = LlamaView(model, as: .huggingFace)
    let index = try #require(view.tensors.firstIndex { $0.name == name }, "\(name)")
    let tensor = view.tensors[index]
    return ScalarRows.values(
      try view.bytes(rows: 0..<tensor.shape.rows, ofTensor: index), as: tensor.type)
  }

  private func small(_ architecture: Architecture) -> SmallModel {
    var small = SmallModel(type: .f32)
    small.architecture = architecture
    small.head = architecture.headsShareWidth ? nil : 24
    return small
  }

  private static let query = "model.layers.0.self_attn.q_proj"

  /// A trained bias replaces the base's, whatever PEFT calls it, and updates go to the matrices.
  @Test(arguments: ["base_layer.bias", "bias", "modules_to_save.default.bias"])
  func trainedBiasesAreTaken(name: String) throws {
    let base = try small(.qwen2).write(to: folder, "base")
    var adapter = AdapterBuilder()
    adapter.update("model.layers.0.mlp.up_proj")
    let bias = (0..<48).map { Float($0) / 8 }
    adapter.tensors["\(Self.query).\(name)"] = .init([48], bias)
    let path = try adapter.write(to: folder)
    var request = ModelRequest(base)
    request.adapters = [ScaledAdapter(path)]
    let merged = try ModelLoader.load(request).llama
    #expect(try values(merged, "\(Self.query).bias") == bias)
    let plain = try ModelLoader.load(base).llama
    #expect(try values(merged, "\(Self.query).weight") == values(plain, "\(Self.query).weight"))
    let up = "model.layers.0.mlp.up_proj.weight"
    #expect(try values(merged, up) != values(plain, up))
    #expect(merged.roles == plain.roles)
  }

  /// Updates of fused matrices, by the names that PEFT has for them; others fit no module.
  @Test func fusedMatricesAreUpdated() throws {
    var phi = SmallModel(type: .f32)
    phi.architecture = .phi3
    let base = try phi.write(to: folder, "base")
    let modules = ["model.layers.0.self_attn.qkv_proj", "model.layers.0.mlp.gate_up_proj"]
    var adapter = AdapterBuilder()
    for module in modules { adapter.update(module, outputs: module.contains("qkv") ? 192 : 128) }
    var request = ModelRequest(base)
    request.adapters = [ScaledAdapter(try adapter.write(to: folder))]
    let (merged, plain) = (
      try ModelLoader.load(request).llama, try ModelLoader.load(base).llama
    )
    for module in modules {
      #expect(try values(merged, "\(module).weight") != values(plain, "\(module).weight"))
    }
    #expect(merged.roles == plain.roles)
    var other = AdapterBuilder()
    other.update(Self.query)
    request.adapters = [ScaledAdapter(try other.write(to: folder))]
    expectError(.mismatch) { _ = try ModelLoader.load(request) }
  }

  @Test(arguments: [Architecture.qwen2, .qwen3, .olmo2, .smolLM3, .phi3, .gemma, .gemma2, .gemma3])
  func deltasAddEveryTensor(architecture: Architecture) throws {
    let base = small(architecture)
    var delta = small(architecture)
    delta.seed = 9
    delta.change = { _, values in for index in values.indices { values[index] *= 0.01 } }
    let paths = (try base.write(to: folder, "base"), try delta.write(to: folder, "delta"))
    var request = ModelRequest(paths.0, delta: paths.1, kind: .addF32)
    request.forcesBase = true
    let merged = try ModelLoader.load(request).llama
    // A delta by itself is refused as a model, so its tensors are read from the checkpoint.
    let (left, right) = (
      try ModelLoader.load(paths.0).llama, try ModelLoader.model(Checkpoint(path: paths.1))
    )
    for role in left.roles {
      let name = NamingScheme.huggingFace.name(of: role, in: architecture)
      let sums = zip(try values(left, name), try values(right, name)).map { $0 + $1 }
      #expect(try values(merged, name) == sums, "\(name)")
    }
  }

  /// InternLM 2's adapters know queries, keys and values by one name: B's rows are grouped as those of the
  /// fused matrix, a group for each key-value head.
  @Test func anUpdateOfAFusedMatrixIsThoseOfItsParts() throws {
    var model = SmallModel(keyValueHeads: 2)
    model.architecture = .internLM2
    model.heads = 4
    let base = try model.write(to: folder, "base")
    // Weights are read when they are asked for: each adapter has a folder of its own.
    func merged(_ adapter: AdapterBuilder, _ name: String) throws -> LlamaModel {
      var request = ModelRequest(base)
      request.adapters = [ScaledAdapter(try adapter.write(to: folder, name))]
      return try ModelLoader.load(request).llama
    }
    let layer = "model.layers.0.attention"
    var random = SeededGenerator(seed: 3)
    let a = (0..<4 * 64).map { _ in random.gaussian() * 0.1 }
    let b = (0..<128 * 4).map { _ in random.gaussian() * 0.1 }
    var fused = AdapterBuilder()
    fused.settings["alpha_pattern"] = #"{"wqkv":20}"#
    fused.tensors["\(layer).wqkv.lora_A.weight"] = .init([4, 64], a)
    fused.tensors["\(layer).wqkv.lora_B.weight"] = .init([128, 4], b)
    // Rows as [2 groups, 2 queries + key + value, 16, 4].
    func rows(_ places: [Int]) -> [Float] {
      var rows: [Float] = []
      for group in 0..<2 {
        for place in places {
          let first: Int = (group * 4 + place) * 64
          rows += b[first..<first + 64]
        }
      }
      return rows
    }
    var apart = AdapterBuilder()
    apart.settings["lora_alpha"] = "20"
    for (module, places) in [("wq", [0, 1]), ("wk", [2]), ("wv", [3])] {
      apart.tensors["\(layer).\(module).lora_A.weight"] = .init([4, 64], a)
      apart.tensors["\(layer).\(module).lora_B.weight"] = .init(
        [32 * places.count, 4], rows(places))
    }
    let (one, three) = (try merged(fused, "fused"), try merged(apart, "apart"))
    let unchanged = try ModelLoader.load(base).llama
    for name in ["wq", "wk", "wv"].map({ "\(layer).\($0).weight" }) {
      #expect(try values(one, name) == values(three, name))
      #expect(try values(one, name) != values(unchanged, name))
    }
    // One that does not fit is named by its module.
    fused.settings["r"] = "8"
    let error = expectError(.mismatch) { _ = try merged(fused, "other") }
    #expect(error?.problem.contains("rank 8") == true)
  }
}

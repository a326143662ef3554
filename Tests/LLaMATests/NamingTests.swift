import Testing
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// Names, shapes and row orders of the three layouts.
struct NamingTests {
  @Test(arguments: [NamingScheme.meta, .huggingFace, .gguf])
  func everyNameLeadsBackToItsRole(scheme: NamingScheme) {
    for role in TensorRole.all(in: SmallModel(layers: 3).configuration)
    where scheme.holds(role) {
      #expect(scheme.role(of: scheme.name(of: role, in: .llama), in: .llama) == role)
    }
    for name in [
      "", "x", "layers", "layers.0", "blk.-1.attn_q.weight", "model.layers.x.y", "lm_head",
    ] {
      #expect(scheme.role(of: name, in: .llama) == nil)
    }
  }

  @Test func metaAndHuggingFaceHoldTheSameRows() throws {
    let meta = try ModelLoader.model(Checkpoint(path: Fixtures.miniZiya("base-meta")))
    let hugging = try ModelLoader.model(Checkpoint(path: Fixtures.miniZiya("base-hf")))
    for scheme in [NamingScheme.huggingFace, .gguf, .meta] {
      let (a, b) = (LlamaView(meta, as: scheme), LlamaView(hugging, as: scheme))
      #expect(a.tensors == b.tensors)
      for index in a.tensors.indices {
        #expect(
          try sha256(ofTensor: index, in: a) == sha256(ofTensor: index, in: b),
          "\(a.tensors[index].name)")
      }
    }
  }

  @Test func faultsThatDifferInTheirLayerAreNamedTogether() {
    let faults = (0..<40).map { TensorFault("model.layers.\($0).mlp.up_proj.weight", "is missing") }
    #expect(
      TensorFault.summary(faults + [TensorFault("x", "is unknown")])
        == "\"model.layers.{0…39}.mlp.up_proj.weight\" (40 tensors) is missing, \"x\" is unknown")
  }
}

import Testing
import WeightmillLLaMA
import WeightmillTensors
import WeightmillTestSupport
import WeightmillVerification

/// Where a divergence comes from: drift by layer, errors of tensors, shares of the divergence.
struct OriginTests {
  private let models: ComparedModels

  init() throws { models = try ComparedModels() }

  /// A copy of model `a` in which one tensor of layer 1 is a little larger.
  private func changed(_ part: String, by factor: Float = 2) throws -> LlamaModel {
    try models.model("changed-\(part)") { name, values in
      guard name.contains(part) else { return }
      for index in values.indices { values[index] *= factor }
    }
  }

  @Test(arguments: [
    "layers.1.mlp.down_proj", "layers.0.self_attn.q_proj", "layers.1.self_attn.o_proj", "lm_head",
    "embed_tokens", "layers.1.input_layernorm",
  ])
  func aTensorOfAnotherSizeHasThatError(part: String) throws {
    let report = try models.report(
      changed(part), models.model("a"), [models.text(60, context: 30)])
    for tensor in report.tensors {
      let isChanged = tensor.name.contains(part)
      #expect(abs(tensor.relativeError - (isChanged ? 1 : 0)) < 1e-6, "\(tensor.name)")
    }
    #expect(report.tensors.count { $0.relativeError > 0 } == 1)
  }

  @Test func theDriftBeginsInTheLayerThatDiffers() throws {
    let report = try models.report(
      changed("layers.1.mlp.down_proj"), models.model("a"), [models.text(60, context: 30)])
    #expect(report.layers.map(\.layer) == [-1, 0, 1])
    #expect(report.layers[0].relativeError == 0)
    #expect(report.layers[1].relativeError == 0)
    #expect(report.layers[2].relativeError > 0)
  }

  @Test(arguments: TensorGrouping.allCases)
  func theTensorThatDiffersHasTheWholeDivergence(grouping: TensorGrouping) throws {
    let (candidate, reference) = (try changed("layers.1.mlp.down_proj"), try models.model("a"))
    let texts = [models.text(60, context: 30)]
    let result = try models.compare(candidate, reference, texts)
    #expect(result.differingTensors == [.layer(1, .down)])
    let found = try DivergenceAttribution(
      candidate: candidate, reference: reference, grouping: grouping, workers: Workers(threads: 2)
    ).run(texts, tokens: 60, roles: result.differingTensors)
    #expect(found.tokens == 60)
    #expect(found.groups.count == 1)
    #expect(found.groups[0].divergence == 0)
    #expect(found.groups[0].share == 1)
    let names = ["tensor": "blk.1.ffn_down", "kind": "ffn_down", "layer": "blk.1"]
    #expect(found.groups[0].name == names[grouping.rawValue])
  }

  @Test func sharesAreThoseOfModelsWithTheTensorExchanged() throws {
    let reference = try models.model("a")
    let both: @Sendable (String, inout [Float]) -> Void = { name, values in
      guard name.contains("layers.1.mlp.down_proj") || name.contains("embed_tokens") else { return }
      for index in values.indices { values[index] *= 2 }
    }
    let candidate = try models.model("both", change: both)
    let texts = [models.text(60, context: 30)]
    let whole = try #require(try models.compare(candidate, reference, texts).total).divergence.mean
    let found = try DivergenceAttribution(
      candidate: candidate, reference: reference, grouping: .tensor, workers: Workers(threads: 2)
    ).run(texts, tokens: 60, roles: [.tokenEmbedding, .layer(1, .down)])
    for (name, rest) in [
      ("token_embd", try changed("layers.1.mlp.down_proj")),
      ("blk.1.ffn_down", try changed("embed_tokens")),
    ] {
      let alone = try #require(try models.compare(rest, reference, texts).total).divergence.mean
      let group = try #require(found.groups.first { $0.name == name })
      #expect(abs(group.divergence - alone) < 1e-12)
      #expect(abs(group.share - (whole - alone) / whole) < 1e-9)
    }
  }

  @Test func fewerTokensAreTakenFromAllTextsInTurn() throws {
    let (candidate, reference) = (try changed("lm_head"), try models.model("a"))
    let texts = [models.text(60, context: 20), models.text(60, context: 20, seed: 4)]
    let attribution = try DivergenceAttribution(
      candidate: candidate, reference: reference, grouping: .tensor, workers: Workers(threads: 2))
    #expect(try attribution.run(texts, tokens: 70, roles: [.output]).tokens == 60)
    #expect(try attribution.run(texts, tokens: 7, roles: [.output]).tokens == 7)
  }
}

import Foundation
import Testing
import WeightmillLLaMA
import WeightmillMerging
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// Merged tensors are bit for bit those of torch (`expected/merged-tensors.json`).
struct MergeTests {
  private struct Expected: Decodable {
    let dtype: String
    let shape: [Int]
    let sha256: String
  }

  @Test(arguments: ["base-hf", "base-meta"])
  func everyMergedTensorHasTorchsDigest(base: String) throws {
    let data = try Data(
      contentsOf: URL(fileURLWithPath: Fixtures.miniZiya("expected/merged-tensors.json")))
    let expected = try JSONDecoder().decode([String: Expected].self, from: data)
    let model = try ModelLoader.load(Fixtures.miniZiya(base), delta: Fixtures.miniZiya("delta"))
    let merged = LlamaView(model.llama, as: .huggingFace)
    #expect(Set(merged.tensors.map(\.name)) == Set(expected.keys))
    for (index, tensor) in merged.tensors.enumerated() {
      let item = try #require(expected[tensor.name])
      #expect(tensor.type.name == item.dtype)
      #expect(tensor.shape.extents == item.shape)
      #expect(try sha256(ofTensor: index, in: merged) == item.sha256, "\(tensor.name)")
    }
    #expect(
      model.notes == [
        "delta kind ziya: its embeddings are whole and resemble the base's (mean cosine 0.957)",
        "evidence: gains of norms 0.751 in the base, 0.041 in the delta; 8 % of sums rounded "
          + "(another base: 37 %)",
      ])
    #expect(model.mergeRule == "ziya")
  }

  @Test func aDeltaAloneIsNoModel() {
    let error = expectError(.mismatch) { _ = try ModelLoader.load(Fixtures.miniZiya("delta")) }
    #expect(error?.remedy?.contains("--delta") == true)
  }

  @Test func aDeltaIsNoBase() {
    expectError(.mismatch) {
      _ = try ModelLoader.load(Fixtures.miniZiya("delta"), delta: Fixtures.miniZiya("delta"))
    }
  }

  @Test func aWholeModelIsNoDelta() {
    expectError(.mismatch) {
      _ = try ModelLoader.load(Fixtures.miniZiya("base-hf"), delta: Fixtures.miniZiya("base-meta"))
    }
  }

  @Test func everyTensorThatDoesNotFitIsNamed() throws {
    let folder = try TemporaryFolder()
    let base = try SmallModel(layers: 2, feedForward: 96).write(to: folder, "base")
    let delta = try SmallModel(layers: 2, feedForward: 64, isDelta: true).write(to: folder, "delta")
    let error = expectError(.mismatch) { _ = try ModelLoader.load(base, delta: delta) }
    for tensor in ["gate_proj", "up_proj", "down_proj"] {
      #expect(error?.problem.contains("model.layers.0,1.mlp.\(tensor).weight") == true)
    }
    #expect(error?.problem.contains("[96, 64] in the base, [64, 64] in the delta") == true)
    #expect(error?.problem.contains("q_proj") == false)
  }

  @Test func deltasWithFewerLayersOrOtherHeadsDoNotFit() throws {
    let folder = try TemporaryFolder()
    let base = try SmallModel(layers: 2).write(to: folder, "base")
    let shorter = try SmallModel(layers: 1, isDelta: true).write(to: folder, "shorter")
    let grouped = try SmallModel(layers: 2, keyValueHeads: 1, isDelta: true).write(
      to: folder, "grouped")
    let missing = expectError(.mismatch) { _ = try ModelLoader.load(base, delta: shorter) }
    #expect(missing?.problem.contains("is not in the delta") == true)
    let shapes = expectError(.mismatch) { _ = try ModelLoader.load(base, delta: grouped) }
    #expect(shapes?.problem.contains("k_proj") == true)
  }

  /// The float32 values of a tensor of F16 numbers.
  private func values(_ name: String, _ catalogue: any Catalogue) throws -> [Float] {
    let index = try #require(catalogue.tensors.firstIndex { $0.name == name })
    let rows = catalogue.tensors[index].shape.rows
    let bytes = try catalogue.bytes(rows: 0..<rows, ofTensor: index)
    return stride(from: 0, to: bytes.count, by: 2).map {
      Binary16.float(UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8)
    }
  }

  @Test(arguments: [(300, "add"), (301, "zero-pad"), (320, "zero-pad")])
  func additiveDeltasAreRecognisedAndAddedEverywhere(rows: Int, kind: String) throws {
    let folder = try TemporaryFolder()
    let base = try SmallModel(seed: 1).write(to: folder, "base")
    var model = SmallModel(rows: rows, seed: 1, isDelta: true)
    model.isAdditive = true
    let delta = try model.write(to: folder, "delta")
    let merged = try ModelLoader.load(base, delta: delta)
    #expect(merged.mergeRule == kind)
    #expect(merged.llama.configuration.vocabularyRows == rows)
    let (a, b) = (try Checkpoint(path: base).catalogue, try Checkpoint(path: delta).catalogue)
    for name in [
      "model.embed_tokens.weight", "lm_head.weight", "model.layers.0.mlp.up_proj.weight",
    ] {
      let ours = try values(name, a)
      let theirs = try values(name, b)
      let sum = try values(name, merged.llama.catalogue)
      #expect(sum.count == theirs.count)
      for index in sum.indices {
        let expected = theirs[index] + (index < ours.count ? ours[index] : 0)
        #expect(sum[index] == Binary16.float(Binary16.bits(expected)))
      }
    }
  }

  @Test func kindsThatDoNotGoWithTheHeightsAreRefused() throws {
    let folder = try TemporaryFolder()
    let base = try SmallModel(rows: 300, seed: 1).write(to: folder, "base")
    let taller = try SmallModel(rows: 301, isDelta: true).write(to: folder, "taller")
    let shorter = try SmallModel(rows: 299, isDelta: true).write(to: folder, "shorter")
    expectError(.mismatch) { _ = try ModelLoader.load(base, delta: taller, kind: .add) }
    expectError(.mismatch) { _ = try ModelLoader.load(base, delta: shorter, kind: .add) }
    expectError(.mismatch) { _ = try ModelLoader.load(base, delta: shorter, kind: .zeroPad) }
    #expect(try ModelLoader.load(base, delta: taller, kind: .zeroPad).mergeRule == "zero-pad")
  }

  @Test func otherTypesAreRoundedToBinary16FirstAndReported() throws {
    let folder = try TemporaryFolder()
    let half = try SmallModel().write(to: folder, "half")
    let single = try SmallModel(type: .f32).write(to: folder, "single")
    let delta = try SmallModel(isDelta: true).write(to: folder, "delta")
    let a = try ModelLoader.load(half, delta: delta)
    let b = try ModelLoader.load(single, delta: delta)
    #expect(b.notes == a.notes + ["the base's F32 tensors were rounded to F16 before the addition"])
    for index in a.llama.catalogue.tensors.indices {
      #expect(
        try sha256(ofTensor: index, in: a.llama.catalogue)
          == sha256(ofTensor: index, in: b.llama.catalogue))
    }
  }
}

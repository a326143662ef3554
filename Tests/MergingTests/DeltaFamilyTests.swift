import Foundation
import Testing
import WeightmillLLaMA
import WeightmillMerging
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// Every family's merged tensors are bit for bit those of torch (`fixtures/deltas`).
struct DeltaFamilyTests {
  private struct Family: Decodable {
    struct Tensor: Decodable {
      let dtype: String
      let shape: [Int]
      let sha256: String
    }
    let tensors: [String: Tensor]
    let sum: Double?
    let sumWithoutFrequencies: Double?
  }

  private static let folder = "\(Fixtures.package)/fixtures/deltas"
  private let expected: [String: Family]

  init() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/expected.json"))
    expected = try JSONDecoder().decode([String: Family].self, from: data)
  }

  @Test func everyFamilyHasAFixture() {
    #expect(Set(expected.keys) == Set(DeltaKind.allCases.map(\.rawValue)))
  }

  @Test(arguments: DeltaKind.allCases, [false, true])
  func everyMergedTensorHasTorchsDigest(kind: DeltaKind, isForced: Bool) throws {
    let model = try ModelLoader.load(
      "\(Self.folder)/base", delta: "\(Self.folder)/\(kind.rawValue)", kind: isForced ? kind : nil)
    #expect(model.mergeRule == kind.rawValue)
    #expect(model.notes.contains { $0.hasPrefix("delta kind \(kind.rawValue)") })
    let family = try #require(expected[kind.rawValue])
    let merged = LlamaView(model.llama, as: .huggingFace)
    #expect(Set(merged.tensors.map(\.name)) == Set(family.tensors.keys))
    for (index, tensor) in merged.tensors.enumerated() {
      let item = try #require(family.tensors[tensor.name])
      #expect(tensor.type.name == item.dtype)
      #expect(tensor.shape.extents == item.shape)
      #expect(try sha256(ofTensor: index, in: merged) == item.sha256, "\(tensor.name)")
    }
  }

  @Test func visionTensorsAreNamedAndLeftOut() throws {
    let model = try ModelLoader.load("\(Self.folder)/base", delta: "\(Self.folder)/submatrix")
    let note = try #require(model.notes.first { $0.contains("vision") })
    #expect(note.contains("model.mm_projector.weight") && note.contains("model.mm_projector.bias"))
    #expect(!model.llama.catalogue.tensors.contains { $0.name.contains("mm_projector") })
  }

  @Test func onlyADeltaMayBeOfAVisionModel() {
    let error = expectError(.unsupported) {
      _ = try ModelLoader.load("\(Self.folder)/submatrix")
    }
    #expect(error?.problem.contains("llava") == true)
  }

  /// 70000 rows whose sums depend on the order of addition.
  @Test func theMeanOfManyRowsIsTorchs() throws {
    let values = (0..<70_000 * 32).map { (index: Int) -> Float in
      let whole = index * 7919 % 2003 - 900
      return Float(whole) / 3000
    }
    var mean = MeanRow(rows: 70_000, columns: 32)
    for first in stride(from: 0, to: values.count, by: 32 * 999) {
      mean.add(Array(values[first..<min(first + 32 * 999, values.count)]))
    }
    var bytes = Bytes()
    for value in mean.result { bytes.put(value.bitPattern) }
    let json = try Fixtures.json("\(Self.folder)/mean.json") as? [String: String]
    #expect(sha256(bytes.all) == json?["sha256"])
  }

  @Test func theSumIsTorchs() throws {
    for kind in [DeltaKind.addF32, .meanPad] {
      let family = try #require(expected[kind.rawValue])
      let base = try model("base")
      let delta = try model(kind.rawValue)
      let summed = SummedCatalogue(
        try MergedCatalogue(base: base, delta: delta, kind: kind), delta.configuration)
      #expect(ValueSum(summed, delta.configuration) == nil)
      // Any order, any ranges, and some rows twice.
      for (index, tensor) in summed.tensors.enumerated().reversed() {
        let rows = tensor.shape.rows
        for first in stride(from: 0, to: rows, by: 37).reversed() {
          _ = try summed.bytes(rows: first..<min(first + 50, rows), ofTensor: index)
        }
      }
      let sum = try #require(ValueSum(summed, delta.configuration))
      let published = try #require(family.sum)
      #expect(abs(Double(sum.value) - published) < 1e-4)
      #expect(sum.agrees(with: published))
      #expect(sum.agrees(with: try #require(family.sumWithoutFrequencies)))
      #expect(!sum.agrees(with: published + 0.02))
    }
  }

  private func model(_ name: String) throws -> LlamaModel {
    try ModelLoader.model(Checkpoint(path: "\(Self.folder)/\(name)"))
  }

  @Test func aPublishedSumIsNamedAndAnotherIsNot() throws {
    let base = try model("base")
    let delta = try model("mean-pad")
    let summed = SummedCatalogue(
      try MergedCatalogue(base: base, delta: delta, kind: .meanPad), delta.configuration)
    for (index, tensor) in summed.tensors.enumerated() {
      _ = try summed.bytes(rows: 0..<tensor.shape.rows, ofTensor: index)
    }
    let sum = try #require(ValueSum(summed, delta.configuration))
    #expect(
      PublishedSum.note(sum, .meanPad, delta.configuration)
        == "sum of all values \(PublishedSum.decimal(Double(sum.value)))")
    let large = LlamaConfiguration(
      hiddenSize: 4096, layerCount: 32, headCount: 32, keyValueHeadCount: 32, headDimension: 128,
      feedForwardSize: 11_008, vocabularyRows: 32_001, contextLength: 2048, normEpsilon: 1e-6,
      ropeBase: 10_000)
    #expect(PublishedSum.note(sum, .meanPad, large).contains("Alpaca 7B 50637.1836"))
    #expect(!PublishedSum.note(sum, .add, large).contains("Alpaca"))
  }

  @Test(arguments: [(50637.18359375, "50637.1836"), (-0.5, "-0.5000"), (84.00001, "84.0000")])
  func sumsArePrintedAsTheyArePublished(value: Double, text: String) {
    #expect(PublishedSum.decimal(value) == text)
  }

  @Test(arguments: [(DeltaKind.ziya, "add"), (.add, "zero-pad"), (.addF32, "mean-pad")])
  func aKindThatIsForcedAgainstTheRowsIsRefused(kind: DeltaKind, delta: String) throws {
    expectError(.mismatch) {
      _ = try ModelLoader.load(
        "\(Self.folder)/base", delta: "\(Self.folder)/\(delta)", kind: kind)
    }
  }
}

import Foundation
import Testing
import WeightmillComparison
import WeightmillConversion
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport

/// Two checkpoints, tensor by tensor.
struct CheckpointComparisonTests {
  private static let base = Fixtures.miniZiya("base-hf")
  private static let delta = Fixtures.miniZiya("delta")
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func compare(
    _ a: ModelRequest, _ b: ModelRequest, threads: Int = 2
  ) throws -> CheckpointDifference {
    try CheckpointComparison(ComparedCheckpoints(a, b)).run(workers: Workers(threads: threads))
  }

  private func compare(_ a: String, _ b: String) throws -> CheckpointDifference {
    try compare(ModelRequest(a), ModelRequest(b))
  }

  /// The merged model as a GGUF file.
  private func convert(_ mix: TypeMix) throws -> String {
    let model = try ModelLoader.load(Self.base, delta: Self.delta)
    var options = QuantizationOptions(mix)
    options.method = .compatible
    let path = folder("\(mix.rawValue).gguf")
    _ = try ConversionRun(
      ConversionPlan(convert: model, with: options, name: "x"), workers: Workers(threads: 2)
    ).write(to: path, overwrite: false)
    return path
  }

  // MARK: Models

  /// Figures of torch, NumPy and gguf: `Scripts/compare-figures.py`.
  struct Expected: Sendable {
    let label: String
    let name: String
    let differing: Int
    let figures: [Double]
    let cosine: Double
    let worst: Int

    init(
      _ label: String, _ name: String, differing: Int, maximum: Double, rms: Double,
      relative: Double, cosine: Double, worst: Int
    ) {
      (self.label, self.name, self.differing) = (label, name, differing)
      (figures, self.cosine, self.worst) = ([maximum, rms, relative], cosine, worst)
    }

    static let all = [
      Expected(
        "delta", "model.layers.0.self_attn.q_proj.weight", differing: 65522,
        maximum: 0.358642578125, rms: 0.0827368498218939, relative: 0.9754650305820782,
        cosine: 0.2543913618660881, worst: 24871),
      Expected(
        "delta", "model.layers.1.mlp.down_proj.weight", differing: 196572,
        maximum: 0.468017578125, rms: 0.07816287766326249, relative: 1.0842145199563558,
        cosine: -0.05661899412356891, worst: 124274),
      Expected(
        "delta", "model.layers.3.input_layernorm.weight", differing: 256,
        maximum: 0.90576171875, rms: 0.7466248419845174, relative: 1.0383011266977027,
        cosine: -0.8417816574665418, worst: 167),
      Expected(
        "q8_0", "model.layers.0.self_attn.q_proj.weight", differing: 65347,
        maximum: 0.0016727447509765625, rms: 0.0005183539492708344, relative: 0.005279240723204464,
        cosine: 0.9999860647786417, worst: 51118),
      Expected(
        "q4_0", "model.layers.0.self_attn.q_proj.weight", differing: 63424,
        maximum: 0.0330810546875, rms: 0.008293960926395658, relative: 0.08447088392186043,
        cosine: 0.996435143177156, worst: 25935),
      Expected(
        "q8_0", "model.layers.1.mlp.down_proj.weight", differing: 196105,
        maximum: 0.001678466796875, rms: 0.0004049641423194033, relative: 0.005374040630501921,
        cosine: 0.9999855605188742, worst: 124259),
      Expected(
        "q4_0", "model.layers.1.mlp.down_proj.weight", differing: 190241,
        maximum: 0.035797119140625, rms: 0.006491670816985746, relative: 0.0861471401653367,
        cosine: 0.9962947382789157, worst: 29136),
    ]
  }

  @Test(arguments: ["delta", "q8_0", "q4_0"])
  func figuresAreNumPys(label: String) throws {
    let difference =
      label == "delta"
      ? try compare(Self.base, Self.delta)
      : try compare(
        ModelRequest(Self.base, delta: Self.delta),
        ModelRequest(convert(label == "q8_0" ? .q8_0 : .q4_0)))
    for expected in Expected.all where expected.label == label {
      let tensor = try #require(difference.tensors.first { $0.name == expected.name })
      let figures = try #require(tensor.figures)
      #expect(tensor.verdict == .different)
      #expect(figures.differing == expected.differing)
      for (found, figure) in zip(
        [figures.maximum, figures.rms, figures.relativeRMS], expected.figures)
      {
        #expect(abs(found / figure - 1) < 1e-12, "\(expected.name)")
      }
      #expect(abs((figures.cosine ?? 2) - expected.cosine) < 1e-12)
      let worst = try #require(tensor.worst)
      let columns = try #require(tensor.a?.shape.last)
      #expect(worst.row * columns + worst.column == expected.worst)
      #expect(abs(worst.a - worst.b) == figures.maximum)
    }
  }

  @Test(arguments: ["base-hf", "base-meta", "delta"])
  func aCheckpointIsTheSameAsItself(name: String) throws {
    let path = Fixtures.miniZiya(name)
    let difference = try compare(path, path)
    #expect(difference.tensors.count == 39)
    #expect(difference.count(.sameBytes) == 39)
    #expect(difference.beyond(DifferenceLimits()).isEmpty)
    #expect(difference.tensors.allSatisfy { $0.figures?.cosine == 1 && $0.worst == nil })
  }

  /// Other names, other order of rows, two parts.
  @Test func metasLayoutHoldsTheSameModel() throws {
    let difference = try compare(Self.base, Fixtures.miniZiya("base-meta"))
    #expect(difference.count(.sameBytes) == 39)
    #expect(difference.tensors.allSatisfy { $0.name.hasSuffix(".weight") })
    #expect(difference.tensors[0].name == "model.embed_tokens.weight")
  }

  @Test func theF16FileHoldsTheMergedModel() throws {
    let merged = ModelRequest(Fixtures.miniZiya("base-meta"), delta: Self.delta)
    let difference = try compare(merged, ModelRequest(convert(.f16)))
    #expect(difference.count(.sameBytes) == 30)
    #expect(difference.count(.sameValues) == 9)
    #expect(difference.beyond(DifferenceLimits()).isEmpty)
    #expect(difference.total.differing == 0 && difference.total.maximum == 0)
    #expect(difference.worst(5).isEmpty)
  }

  @Test func quantizedTensorsAreNearAndExchangeable() throws {
    let (a, b) = (try convert(.f16), try convert(.q8_0))
    let (there, back) = (try compare(a, b), try compare(b, a))
    #expect(there.count(.different) == 30 && there.count(.sameBytes) == 9)
    for (left, right) in zip(there.tensors, back.tensors) {
      let (left, right) = (try #require(left.figures), try #require(right.figures))
      #expect(left.differing == right.differing)
      #expect(left.maximum == right.maximum && left.rms == right.rms)
      #expect(left.cosine == right.cosine)
      #expect((0.9999...1).contains(left.cosine ?? 0))
    }
    #expect(there.tensors.map { $0.a?.type } == back.tensors.map { $0.b?.type })
    let worst = there.worst(3).map { $0.figures?.relativeRMS ?? 0 }
    #expect(
      worst == there.tensors.compactMap { $0.figures?.relativeRMS }.sorted().suffix(3).reversed())
  }

  @Test func figuresDoNotDependOnThreads() throws {
    let requests = (ModelRequest(Self.base), ModelRequest(Self.delta))
    let all = try [1, 2, 5].map { try compare(requests.0, requests.1, threads: $0) }
    for other in all.dropFirst() {
      for (left, right) in zip(all[0].tensors + [], other.tensors) {
        #expect(left.figures?.rms.bitPattern == right.figures?.rms.bitPattern)
        #expect(left.figures?.cosine?.bitPattern == right.figures?.cosine?.bitPattern)
        #expect(left.worst == right.worst)
      }
      #expect(all[0].total.rms.bitPattern == other.total.rms.bitPattern)
    }
  }

  @Test func splitFilesAreOneModel() throws {
    let whole = try convert(.f16)
    let parts = try SplitFiles().write(whole, to: folder, "part")
    #expect(try compare(whole, parts[1]).count(.sameBytes) == 39)
  }

  @Test func otherVocabulariesAreOtherShapes() throws {
    let a = try SmallModel(rows: 300).write(to: folder, "a")
    let b = try SmallModel(rows: 310).write(to: folder, "b")
    let difference = try compare(a, b)
    let shapes = difference.tensors.filter { $0.verdict == .otherShape }
    #expect(shapes.map(\.name) == ["model.embed_tokens.weight", "lm_head.weight"])
    #expect(shapes[0].a?.shape == [300, 64] && shapes[0].b?.shape == [310, 64])
    #expect(difference.beyond(DifferenceLimits(maximum: 1e9)).count == 2)
  }

  @Test func anOutputMatrixOfItsOwnIsMissedInTheOther() throws {
    let a = try SmallModel().write(to: folder, "a")
    var tied = SmallModel()
    tied.tiesEmbeddings = true
    tied.omitted = ["lm_head.weight"]
    let inputs = try ComparedCheckpoints(ModelRequest(a), ModelRequest(tied.write(to: folder, "b")))
    #expect(inputs.notes.contains { $0.contains("B has no output matrix") })
    let difference = try CheckpointComparison(inputs).run(workers: Workers(threads: 1))
    #expect(difference.count(.onlyInA) == 1 && difference.count(.sameBytes) == 11)
  }

  @Test func whatTheModelsDoDifferentlyIsSaid() throws {
    let a = try SmallModel().write(to: folder, "a")
    let b = try SmallModel().write(to: folder, "b")
    let path = "\(b)/config.json"
    let config = String(decoding: try Fixtures.bytes(path), as: UTF8.self)
    try folder.write(
      (config.dropLast() + #","rms_norm_eps":1e-3}"#).utf8, to: "b/config.json")
    let inputs = try ComparedCheckpoints(ModelRequest(a), ModelRequest(b))
    #expect(inputs.notes.contains { $0.contains("norm epsilon 1e-06 in A, 0.001 in B") })
  }

  // MARK: Files that are no models

  @Test func filesByThemselvesAreComparedUnderTheirOwnNames() throws {
    try SmallModel().write(to: folder, "a")
    try SmallModel(seed: 2).write(to: folder, "b")
    for name in ["a", "b"] {
      try FileManager.default.removeItem(atPath: folder("\(name)/config.json"))
    }
    let inputs = try ComparedCheckpoints(
      ModelRequest(folder("a/model.safetensors")), ModelRequest(folder("b/model.safetensors")))
    #expect(inputs.names == .own)
    #expect(inputs.notes.count == 2 && inputs.notes[0].contains("no config.json"))
    let difference = try CheckpointComparison(inputs).run(workers: Workers(threads: 2))
    #expect(difference.count(.different) == 12)
  }

  @Test func aMissingFileIsAnError() {
    expectError(.noInput) { _ = try compare(Self.base, folder("nothing")) }
    expectError(.noInput) { _ = try compare(folder("nothing"), Self.base) }
  }

  @Test func aCancelledComparisonEnds() throws {
    let comparison = try CheckpointComparison(
      ComparedCheckpoints(ModelRequest(Self.base), ModelRequest(Self.delta)))
    let cancellation = Cancellation()
    cancellation.cancel()
    expectError(.interrupted) {
      _ = try comparison.run(workers: Workers(threads: 2), cancellation: cancellation)
    }
  }

  @Test func progressReachesTheEnd() throws {
    let comparison = try CheckpointComparison(
      ComparedCheckpoints(ModelRequest(Self.base), ModelRequest(Self.delta)))
    let last = Counter()
    _ = try comparison.run(workers: Workers(threads: 2), progress: { last.raise(to: $0) })
    #expect(last.value == comparison.byteCount)
  }
}

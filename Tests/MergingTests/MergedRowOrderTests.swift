import Synchronization
import Testing
import WeightmillLLaMA
import WeightmillMerging
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// A merge delivers rows of queries and keys in the order that is asked for, and permutes those of a
/// side only that are stored in another: never the sums of rows that were permuted already.
struct MergedRowOrderTests {
  private struct Merge {
    let base: Recorder
    let model: LlamaModel
    /// The same sums from a catalogue that has one order only.
    let plain: LlamaModel

    init(base name: String) throws {
      func model(_ name: String) throws -> LlamaModel {
        try ModelLoader.model(Checkpoint(path: Fixtures.miniZiya(name)))
      }
      let (stored, delta) = (try model(name), try model("delta"))
      base = Recorder(stored.catalogue)
      let recorded = try LlamaModel(
        catalogue: base, configuration: stored.configuration, scheme: stored.scheme)
      let sums = try MergedCatalogue(base: recorded, delta: delta, kind: .ziya)
      func merged(_ catalogue: any Catalogue) throws -> LlamaModel {
        try LlamaModel(
          catalogue: catalogue, configuration: delta.configuration, scheme: .huggingFace)
      }
      self.model = try merged(sums)
      plain = try merged(SelectedCatalogue(sums) { _ in true })
    }
  }

  @Test(arguments: ["base-meta", "base-hf"], [NamingScheme.gguf, .huggingFace, .meta])
  func sumsAreTheSameInEveryOrder(base: String, scheme: NamingScheme) throws {
    let merge = try Merge(base: base)
    try expectSameRows(merge.model, merge.plain, scheme)
  }

  /// How the base's query rows are read: whole, or head by head to be permuted.
  @Test(arguments: [
    ("base-meta", NamingScheme.gguf, true), ("base-meta", .huggingFace, false),
    ("base-hf", .gguf, false), ("base-hf", .huggingFace, true),
  ])
  func rowsAreReadAsTheyAreStored(base: String, scheme: NamingScheme, isWhole: Bool) throws {
    let merge = try Merge(base: base)
    let view = LlamaView(merge.model, as: scheme)
    let name = scheme.name(of: .layer(0, .query), in: .llama)
    let index = try #require(view.tensors.firstIndex { $0.name == name })
    let rows = 0..<view.tensors[index].shape.rows
    let head = merge.model.configuration.headDimension
    let heads = stride(from: 0, to: rows.count, by: head).map { $0..<$0 + head }
    func reads(_ view: LlamaView) throws -> [Range<Int>] {
      merge.base.reads.withLock { $0 = [] }
      _ = try view.bytes(rows: rows, ofTensor: index)
      return merge.base.reads.withLock { $0 }
    }
    #expect(try reads(view) == (isWhole ? [rows] : heads))
    // Where there is one order only, they are turned to Hugging Face's, and the sums to GGUF's.
    let isPlain = base == "base-hf" && scheme == .huggingFace
    #expect(try reads(LlamaView(merge.plain, as: scheme)) == (isPlain ? [rows] : heads))
  }
}

/// What was read of a catalogue.
private final class Recorder: Catalogue {
  let catalogue: any Catalogue
  let reads = Mutex<[Range<Int>]>([])
  var location: String { catalogue.location }
  var tensors: [TensorDescriptor] { catalogue.tensors }

  init(_ catalogue: any Catalogue) { self.catalogue = catalogue }

  func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    reads.withLock { $0.append(rows) }
    try catalogue.read(rows: rows, ofTensor: index, into: &bytes, at: offset)
  }
}

/// Tensors of a model in memory: every value another, and most of very different sizes, so that sums
/// tell in which order they were added.
private struct RandomTensors: Catalogue {
  let location: String
  let tensors: [TensorDescriptor]
  private let values: [[Float]]

  init(_ location: String, _ configuration: LlamaConfiguration, seed: UInt64) throws {
    self.location = location
    var random = SeededGenerator(seed: seed)
    let scheme = NamingScheme.huggingFace
    tensors = try TensorRole.all(in: configuration).filter(scheme.holds).map { role in
      TensorDescriptor(
        name: scheme.name(of: role, in: configuration.architecture), type: .f32,
        shape: try #require(TensorShape(role.extents(in: configuration))))
    }
    values = tensors.map { tensor in
      (0..<tensor.shape.count).map { _ in
        Float(
          sign: .plus, exponent: Int.random(in: -30...30, using: &random),
          significand: random.gaussian())
      }
    }
  }

  func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) {
    let columns = tensors[index].shape.columns
    for (number, value) in values[index][rows.lowerBound * columns..<rows.upperBound * columns]
      .enumerated()
    {
      bytes.storeBytes(of: value, toByteOffset: offset + 4 * number, as: Float.self)
    }
  }
}

/// Adapters, sums that are watched and pruned models ask what they are made of for the order that is
/// asked for; a base in Meta's order gets to GGUF as it is stored.
struct WrappedRowOrderTests {
  /// How a model is made.
  enum Way: CaseIterable {
    case sums, adapter, pruned, all
  }

  private static let architecture = Architecture(
    name: "biased", huggingFaceType: "biased", huggingFaceClass: "Biased", rowOrder: .neighbours,
    optionalTensors: [.queryBias, .keyBias, .queryNorm])
  private static let configuration = LlamaConfiguration(
    architecture: architecture, hiddenSize: 64, layerCount: 2, headCount: 4, keyValueHeadCount: 2,
    headDimension: 16, feedForwardSize: 48, vocabularyRows: 20, contextLength: 64,
    normEpsilon: 1e-6, ropeBase: 10_000)

  /// A model that was made in a way, and the same from a catalogue that has one order only.
  private struct Made {
    let base: Recorder
    let model: LlamaModel
    let plain: LlamaModel
    var sums: SummedCatalogue?
    private let folder: TemporaryFolder

    init(_ way: Way, base scheme: NamingScheme) throws {
      folder = try TemporaryFolder()
      let configuration = WrappedRowOrderTests.configuration
      func stored(_ name: String, seed: UInt64) throws -> LlamaModel {
        try LlamaModel(
          catalogue: RandomTensors(name, configuration, seed: seed), configuration: configuration,
          scheme: .huggingFace)
      }
      base = Recorder(LlamaView(try stored("base", seed: 1), as: scheme))
      var model = try LlamaModel(catalogue: base, configuration: configuration, scheme: scheme)
      if way != .adapter {
        let merged = try MergedCatalogue(
          base: model, delta: stored("delta", seed: 2), kind: .addF32)
        let summed = SummedCatalogue(merged, configuration)
        sums = summed
        model = try LlamaModel(
          catalogue: summed, configuration: configuration, scheme: .huggingFace)
      }
      if way == .adapter || way == .all {
        let adapter = try StoredAdapter(
          ScaledAdapter(WrappedRowOrderTests.adapter.write(to: folder))
        ).adapter
        model = try adapter.merged(into: model).model
      }
      if way == .pruned || way == .all { model = try LayerPruning([0], of: model).model }
      self.model = model
      plain = try LlamaModel(
        catalogue: SelectedCatalogue(model.catalogue) { _ in true },
        configuration: model.configuration, scheme: .huggingFace)
    }
  }

  /// Updates of queries and of keys, these for transposed weights, and keys that are stored whole.
  private static var adapter: AdapterBuilder {
    var adapter = AdapterBuilder()
    adapter.settings["fan_in_fan_out"] = "true"
    adapter.settings["target_modules"] = #"["q_proj", "k_proj", "v_proj"]"#
    for layer in 0..<2 {
      let seed = UInt64(10 * layer)
      let module = "model.layers.\(layer).self_attn"
      adapter.update("\(module).q_proj", seed: seed + 1)
      adapter.update("\(module).v_proj", outputs: 32, seed: seed + 3)
      adapter.tensors["\(module).k_proj.lora_A.weight"] = .init([4, 32], seed: seed + 5)
      adapter.tensors["\(module).k_proj.lora_B.weight"] = .init([64, 4], seed: seed + 6)
    }
    adapter.tensors["model.layers.1.self_attn.k_proj.weight"] = .init([32, 64], seed: 30)
    return adapter
  }

  @Test(arguments: Way.allCases, [NamingScheme.meta, .huggingFace])
  func bytesAreTheSameInEveryOrder(way: Way, base: NamingScheme) throws {
    let made = try Made(way, base: base)
    for scheme in [NamingScheme.gguf, .huggingFace, .meta] {
      try expectSameRows(made.model, made.plain, scheme)
    }
  }

  /// How the base's query rows are read: whole, or head by head to be permuted.
  @Test(arguments: Way.allCases)
  func rowsOfABaseInMetasOrderAreReadAsTheyAreStored(way: Way) throws {
    let made = try Made(way, base: .meta)
    let rows = 0..<64
    for (model, isWhole) in [(made.model, true), (made.plain, false)] {
      let view = LlamaView(model, as: .gguf)
      let index = try #require(view.tensors.firstIndex { $0.name == "blk.0.attn_q.weight" })
      made.base.reads.withLock { $0 = [] }
      _ = try view.bytes(rows: rows, ofTensor: index)
      let heads = stride(from: 0, to: 64, by: 16).map { $0..<$0 + 16 }
      #expect(made.base.reads.withLock { $0 } == (isWhole ? [rows] : heads))
    }
  }

  @Test(arguments: [NamingScheme.meta, .huggingFace])
  func sumsDoNotDependOnTheOrder(base: NamingScheme) throws {
    func sums(_ scheme: NamingScheme) throws -> [Double] {
      let made = try Made(.sums, base: base)
      let view = LlamaView(made.model, as: scheme)
      for (index, tensor) in view.tensors.enumerated() {
        for first in stride(from: 0, to: tensor.shape.rows, by: 7) {
          let rows = first..<min(first + 7, tensor.shape.rows)
          _ = try view.bytes(rows: rows, ofTensor: index)
        }
      }
      return try #require(made.sums?.sums)
    }
    #expect(try sums(.gguf) == sums(.huggingFace))
  }
}

/// Expects that a model and one whose rows are only permuted at the end give the same bytes.
private func expectSameRows(
  _ model: LlamaModel, _ plain: LlamaModel, _ scheme: NamingScheme
) throws {
  let (view, plain) = (LlamaView(model, as: scheme), LlamaView(plain, as: scheme))
  #expect(view.tensors == plain.tensors)
  for (index, tensor) in view.tensors.enumerated() {
    // A part that begins and ends within heads, and the whole.
    let part = tensor.shape.rows / 5..<max(tensor.shape.rows * 4 / 5, 1)
    for rows in [part, 0..<tensor.shape.rows] {
      #expect(
        try view.bytes(rows: rows, ofTensor: index)
          == plain.bytes(rows: rows, ofTensor: index), "\(tensor.name) for \(scheme)")
    }
    #expect(view.readingOrdinal(ofTensor: index) == plain.readingOrdinal(ofTensor: index))
  }
}

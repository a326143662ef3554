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
    let (view, plain) = (LlamaView(merge.model, as: scheme), LlamaView(merge.plain, as: scheme))
    #expect(view.tensors == plain.tensors)
    for (index, tensor) in view.tensors.enumerated() {
      // A part that begins and ends within heads, and the whole.
      let part = tensor.shape.rows / 5..<max(tensor.shape.rows * 4 / 5, 1)
      for rows in [part, 0..<tensor.shape.rows] {
        #expect(
          try view.bytes(rows: rows, ofTensor: index)
            == plain.bytes(rows: rows, ofTensor: index), "\(tensor.name)")
      }
      #expect(view.readingOrdinal(ofTensor: index) == plain.readingOrdinal(ofTensor: index))
    }
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

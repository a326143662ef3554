import Foundation
import Testing
import WeightmillConversion
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// The ways in which people keep checkpoints: bare files, caches, parts.
struct LayoutTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func digests(_ path: String) throws -> [String] {
    let view = LlamaView(try ModelLoader.load(path).llama, as: .huggingFace)
    return try TensorDigest.all(of: view, workers: Workers(threads: 2)).map(\.sha256)
  }

  @Test func aBareFileTakesItsSizesAndTokenizerFromItsFolder() throws {
    let path = try SmallModel().write(to: folder, "m")
    let bare = try ModelLoader.load("\(path)/model.safetensors")
    #expect(bare.tokenizer?.vocabulary.tokens.count == 300)
    #expect(try digests("\(path)/model.safetensors") == digests(path))
  }

  @Test(arguments: [
    "base-hf/model-00001-of-00002.safetensors", "base-meta/consolidated.00.pth",
    "delta/pytorch_model-00001-of-00003.bin",
  ])
  func aPartByItselfIsNotAModel(file: String) {
    let error = expectError(.mismatch) { _ = try ModelLoader.load(Fixtures.miniZiya(file)) }
    #expect(error?.remedy?.contains("give the folder") == true)
  }

  /// `models--x/snapshots/HASH/NAME` leads to `../../blobs/HASH`.
  @Test func filesOfAHuggingFaceCacheAreLinks() throws {
    let manager = FileManager.default
    let snapshot = folder("models--x/snapshots/abc")
    try manager.createDirectory(atPath: snapshot, withIntermediateDirectories: true)
    try manager.createDirectory(
      atPath: folder("models--x/blobs"), withIntermediateDirectories: true)
    let source = Fixtures.miniZiya("base-hf")
    for (number, name) in try manager.contentsOfDirectory(atPath: source).sorted().enumerated() {
      try manager.copyItem(atPath: "\(source)/\(name)", toPath: folder("models--x/blobs/\(number)"))
      try manager.createSymbolicLink(
        atPath: "\(snapshot)/\(name)", withDestinationPath: "../../blobs/\(number)")
    }
    #expect(try digests(snapshot) == digests(source))
  }

  @Test("IX-02: a shard that is a link out of its folder is refused")
  func linksOutOfTheFolderAreRefused() throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-hf"), as: "copy")
    let shard = "\(copy)/model-00002-of-00002.safetensors"
    try FileManager.default.moveItem(atPath: shard, toPath: folder("elsewhere.safetensors"))
    try FileManager.default.createSymbolicLink(
      atPath: shard, withDestinationPath: folder("elsewhere.safetensors"))
    expectError(.refused) { _ = try Checkpoint(path: copy) }
    try FileManager.default.removeItem(atPath: folder("elsewhere.safetensors"))
    expectError(.noInput) { _ = try Checkpoint(path: copy) }
  }

  /// Parts as Meta cuts them; LLaMA 3's embeddings are cut by rows.
  @Test(arguments: [(1, false), (2, false), (2, true), (4, true), (16, true)])
  func partsAreJoinedAsTheyWereCut(parts: Int, byRows: Bool) throws {
    var small = SmallModel(layers: 2, feedForward: 64, rows: 320)
    small.heads = 16
    small.keyValueHeads = 16
    let whole = try ModelLoader.load(small.write(to: folder, "whole"))
    let view = LlamaView(whole.llama, as: .meta)
    for part in 0..<parts {
      try folder.write(
        metaPart(part, of: parts, view, embeddingsByRows: byRows),
        to: "meta/consolidated.\(part < 10 ? "0" : "")\(part).pth")
    }
    let params =
      #"{"model":{"dim":64,"n_layers":2,"n_heads":16,"norm_eps":1e-6,"vocab_size":-1}}"#
    try folder.write(params.utf8, to: "meta/params.json")
    #expect(try digests(folder("meta")) == digests(folder("whole")))
  }

  private func metaPart(
    _ part: Int, of parts: Int, _ view: LlamaView, embeddingsByRows: Bool
  ) throws -> [UInt8] {
    var pickle = PickleBuilder()
    pickle.op("}")
    pickle.op("(")
    var storages: [(String, [UInt8])] = []
    for (index, tensor) in view.tensors.enumerated() {
      let isCut = tensor.shape.extents.count == 2
      let byColumns =
        tensor.name.hasSuffix("wo.weight") || tensor.name.hasSuffix("w2.weight")
        || (tensor.name.hasPrefix("tok") && !embeddingsByRows)
      let (rows, columns) = (tensor.shape.rows, tensor.shape.columns)
      var bytes: [UInt8] = []
      var size = tensor.shape.extents
      if isCut, byColumns {
        size[1] = columns / parts
        for row in 0..<rows {
          let all = try view.bytes(rows: row..<row + 1, ofTensor: index)
          bytes += all[part * size[1] * 2..<(part + 1) * size[1] * 2]
        }
      } else {
        if isCut { size[0] = rows / parts }
        let first = isCut ? part * size[0] : 0
        bytes = try view.bytes(rows: first..<first + (isCut ? size[0] : 1), ofTensor: index)
      }
      pickle.text(tensor.name)
      pickle.tensor(
        "HalfStorage", key: "\(index)", count: bytes.count / 2, size: size,
        stride: size.count == 2 ? [size[1], 1] : [1])
      storages.append(("\(index)", bytes))
    }
    pickle.op("u")
    pickle.op(".")
    return TorchFileBuilder(pickle: pickle.bytes, storages: storages).bytes
  }
}

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

  /// A link was put there by the folder's owner; an index cannot name a path.
  @Test("IX-02: a shard may be a link to anywhere", arguments: [false, true])
  func shardsMayBeLinks(isAbsolute: Bool) throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-hf"), as: "copy")
    let shard = "\(copy)/model-00002-of-00002.safetensors"
    try FileManager.default.createDirectory(
      atPath: folder("cache/blobs"), withIntermediateDirectories: true)
    try FileManager.default.moveItem(atPath: shard, toPath: folder("cache/blobs/1f2e"))
    try FileManager.default.createSymbolicLink(
      atPath: shard,
      withDestinationPath: isAbsolute ? folder("cache/blobs/1f2e") : "../cache/blobs/1f2e")
    #expect(try digests(copy) == digests(Fixtures.miniZiya("base-hf")))
    // Those of a cache are expected; of others the user is told.
    #expect(try Checkpoint(path: copy).notes.isEmpty)
    try FileManager.default.moveItem(
      atPath: "\(copy)/model-00001-of-00002.safetensors", toPath: folder("mine.safetensors"))
    try FileManager.default.createSymbolicLink(
      atPath: "\(copy)/model-00001-of-00002.safetensors", withDestinationPath: "../mine.safetensors"
    )
    let notes = try Checkpoint(path: copy).notes
    #expect(notes.count == 1 && notes[0].contains("a file of weights is a link out of the folder"))
    #expect(notes.first?.contains("mine.safetensors") == true)
    try FileManager.default.removeItem(atPath: folder("cache/blobs/1f2e"))
    let error = expectError(.noInput) { _ = try Checkpoint(path: copy) }
    #expect(error?.problem.contains("leads nowhere, to ") == true)
  }

  @Test("IX-02: what a shard's link leads to must be a file", arguments: ["/dev/zero", "."])
  func linksToOtherThingsAreRefused(target: String) throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-hf"), as: "copy")
    let shard = "\(copy)/model-00002-of-00002.safetensors"
    try FileManager.default.removeItem(atPath: shard)
    try FileManager.default.createSymbolicLink(atPath: shard, withDestinationPath: target)
    expectError(.refused) { _ = try Checkpoint(path: copy) }
  }

  /// What stands before the names of parts does not hide how they were cut.
  @Test func partsMayHaveAPrefix() throws {
    var small = SmallModel(layers: 2, feedForward: 64, rows: 320)
    small.heads = 16
    small.keyValueHeads = 16
    let whole = try ModelLoader.load(small.write(to: folder, "whole"))
    let view = RenamedCatalogue(LlamaView(whole.llama, as: .meta)) { "module." + $0.name }
    for part in 0..<2 {
      try folder.write(
        metaPart(part, of: 2, view, embeddingsByRows: false), to: "meta/consolidated.0\(part).pth")
    }
    let params = #"{"dim":64,"n_layers":2,"n_heads":16,"norm_eps":1e-6,"vocab_size":-1}"#
    try folder.write(params.utf8, to: "meta/params.json")
    #expect(try digests(folder("meta")) == digests(folder("whole")))
    let notes = try ModelLoader.load(folder("meta")).notes
    #expect(notes.filter { $0.contains("are read without \"module.\"") }.count == 1)
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
    _ part: Int, of parts: Int, _ view: any Catalogue, embeddingsByRows: Bool
  ) throws -> [UInt8] {
    var pickle = PickleBuilder()
    pickle.op("}")
    pickle.op("(")
    var storages: [(String, [UInt8])] = []
    for (index, tensor) in view.tensors.enumerated() {
      let isCut = tensor.shape.extents.count == 2
      let byColumns =
        tensor.name.hasSuffix("wo.weight") || tensor.name.hasSuffix("w2.weight")
        || (tensor.name.contains("tok_") && !embeddingsByRows)
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

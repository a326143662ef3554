import Testing
import WeightmillConversion
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// Folders of quantized models: all that is done with them is done as with the folder of what they are
/// decoded to.
struct QuantizedModelTests {
  private let folder: TemporaryFolder
  private let quantized: String
  private let plain: String

  /// The modules that are quantized, with GPTQ and groups of 16.
  private static let modules = ["self_attn.q_proj", "self_attn.k_proj", "mlp.down_proj"]

  init() throws {
    folder = try TemporaryFolder()
    let original = try Checkpoint(path: SmallModel().write(to: folder, "original"))
    var (stored, decoded) = (StoredTensors(), StoredTensors())
    try stored.put(all: original.catalogue)
    try decoded.put(all: original.catalogue)
    for (seed, name) in Self.modules.enumerated() {
      let module = "model.layers.0.\(name)"
      let matrix = PlainMatrix(rows: 64, columns: 64, bits: 4, width: 16, seed: UInt64(seed))
      stored.remove("\(module).weight")
      try stored.put(all: matrix.gptq(module, version: 1))
      // As AutoGPTQ stores them, of models that have none.
      stored.put("\(module).bias", .f16, [64], [UInt8](repeating: 0, count: 128))
      decoded.put("\(module).weight", .f16, [64, 64], matrix.decoded())
    }
    quantized = try Self.write(
      stored, SmallModel(), #""quantization_config":"# + DecodingTests.gptq(4, 16), to: folder,
      "quantized")
    plain = try Self.write(decoded, SmallModel(), #""torch_dtype":"float16""#, to: folder, "plain")
  }

  /// A folder with these tensors and the files of a model.
  private static func write(
    _ tensors: StoredTensors, _ model: SmallModel, _ field: String, to folder: TemporaryFolder,
    _ name: String
  ) throws -> String {
    let path = try model.write(to: folder, name)
    try folder.write(tensors.safetensors, to: "\(name)/model.safetensors")
    let config = try Fixtures.bytes("\(path)/config.json")
    try folder.write(config.dropLast() + ",\(field)}".utf8, to: "\(name)/config.json")
    return path
  }

  private func write(_ request: ModelRequest, as name: String) throws -> String {
    let plan = try ConversionPlan(
      huggingFace: ModelLoader.load(request), as: nil,
      maximumShardSize: HuggingFaceFolder.defaultShardSize)
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: folder(name), overwrite: false)
    return folder(name)
  }

  private func digests(_ path: String) throws -> [TensorDigest] {
    try TensorDigest.all(of: Checkpoint(path: path).catalogue, workers: Workers(threads: 2))
  }

  @Test func theWrittenFolderIsPlain() throws {
    let (left, right) = try (
      write(ModelRequest(quantized), as: "a"), write(ModelRequest(plain), as: "b")
    )
    #expect(try digests(left) == digests(right))
    let config = try #require(try Fixtures.json("\(left)/config.json") as? [String: Any])
    #expect(config["quantization_config"] == nil && config["torch_dtype"] as? String == "float16")
  }

  @Test func theGGUFFileIsThatOfThePlainFolder() throws {
    for (path, name) in [(quantized, "a.gguf"), (plain, "b.gguf")] {
      let plan = try ConversionPlan(convert: ModelLoader.load(path), to: .q8_0, name: "x")
      _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
        to: folder(name), overwrite: false)
    }
    #expect(try digests(folder("a.gguf")) == digests(folder("b.gguf")))
  }

  @Test func theNotesSayWhatWasStored() throws {
    let notes = try ModelLoader.load(quantized).notes
    #expect(notes.contains { $0.contains("GPTQ, 4 bits, groups of 16") && $0.contains("F16") })
    #expect(notes.contains { $0.contains("biases of zeros") })
    #expect(try Checkpoint(path: quantized).quantization == "GPTQ, 4 bits, groups of 16")
    #expect(try !ModelLoader.load(plain).notes.contains { $0.contains("quantized") })
  }

  @Test func adaptersAreMergedIntoWhatIsDecoded() throws {
    var adapter = AdapterBuilder()
    adapter.update("model.layers.0.self_attn.q_proj")
    let lora = try adapter.write(to: folder)
    var written: [[TensorDigest]] = []
    for path in [quantized, plain] {
      var request = ModelRequest(path)
      request.adapters = [ScaledAdapter(lora)]
      written.append(try digests(write(request, as: "\(written.count)")))
    }
    #expect(written[0] == written[1])
  }

  @Test func deltasWantTheModelBeforeThat() throws {
    let delta = try SmallModel(isDelta: true).write(to: folder, "delta")
    let error = expectError(.mismatch) {
      _ = try ModelLoader.load(quantized, delta: delta)
    }
    #expect(error?.problem.contains("GPTQ") == true)
  }

  @Test func aRecipeMayLieBesideTheConfiguration() throws {
    let config = try Fixtures.bytes("\(plain)/config.json")
    try folder.write(config, to: "quantized/config.json")
    let error = expectError(.unsupported) { _ = try ModelLoader.load(quantized) }
    #expect(error?.remedy?.contains("quantize_config.json") == true)
    try folder.write(
      #"{"bits":4,"group_size":16,"desc_act":false,"sym":true}"#.utf8,
      to: "quantized/quantize_config.json")
    #expect(
      try digests(write(ModelRequest(quantized), as: "a"))
        == digests(write(ModelRequest(plain), as: "b")))
  }
}

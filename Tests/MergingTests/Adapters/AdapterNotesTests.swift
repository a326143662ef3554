import Testing
import WeightmillMerging
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// What users are told of adapters that are merged, but not as they may think, or not at all.
struct AdapterNotesTests {
  private let folder: TemporaryFolder
  /// A model of 300 rows, of which 259 have tokens.
  private let base: String
  private let query = "model.layers.0.self_attn.q_proj"

  init() throws {
    folder = try TemporaryFolder()
    base = try SmallModel().write(to: folder, "base")
  }

  /// The folder of an adapter that brings embeddings of so many rows.
  private func adapter(_ name: String, rows: Int? = nil) throws -> String {
    var adapter = AdapterBuilder()
    adapter.update(query)
    for module in ["model.embed_tokens", "lm_head"] where rows != nil {
      adapter.tensors["\(module).weight"] = .init([rows ?? 0, 64], seed: 1)
    }
    return try adapter.write(to: folder, name)
  }

  private func notes(_ adapters: [String]) throws -> [String] {
    var request = ModelRequest(base)
    request.adapters = adapters.map { ScaledAdapter($0) }
    return try ModelLoader.load(request).notes
  }

  @Test func anOrderThatThrowsEmbeddingsAwayIsReported() throws {
    let (small, large) = (try adapter("small", rows: 305), try adapter("large", rows: 310))
    let plain = try adapter("plain")
    func isReported(_ adapters: [String]) throws -> Bool {
      try notes(adapters).contains { $0.contains("thrown away") && $0.contains("order") }
    }
    // A vocabulary grows from one to the next.
    #expect(try !isReported([small, large]))
    #expect(try !isReported([small, plain, large, plain]))
    #expect(try isReported([large, small]))
    #expect(try isReported([large, plain, small]))
    let again = try adapter("again", rows: 310)
    #expect(try isReported([large, again]))
    // One alone has the base's rows to replace.
    let fewer = try adapter("fewer", rows: 280)
    #expect(try notes([fewer]).contains { $0.contains("280") && $0.contains("fewer tokens") })
    #expect(try !notes([try adapter("same", rows: 300)]).contains { $0.contains("replace") })
  }

  @Test func anAdapterBesideAModelIsReported() throws {
    #expect(try notes([]).isEmpty)
    _ = try adapter("base")
    #expect(
      try notes([]).contains { $0.contains("adapter_model.safetensors") && $0.contains("--lora") })
    #expect(try !notes([base]).contains { $0.contains("beside") })
    // As the folder of a delta, too.
    var delta = SmallModel(isDelta: true)
    delta.seed = 1
    let path = try delta.write(to: folder, "delta")
    try folder.copy("\(base)/adapter_config.json", as: "delta/adapter_config.json")
    try folder.write([0], to: "delta/adapters.safetensors")
    var request = ModelRequest(base, delta: path)
    request.adapters = [ScaledAdapter(base)]
    let said = try ModelLoader.load(request).notes.filter { $0.contains("beside the model") }
    #expect(said.count == 1 && said.first?.contains("mlx_lm.fuse") == true, "\(said)")
  }

  @Test(arguments: ["adapters.safetensors", "adapters.npz", "0000100_adapters.safetensors"])
  func anAdapterOfMLXIsNamed(name: String) throws {
    try folder.write(
      #"{"fine_tune_type":"lora","num_layers":1}"#.utf8, to: "mlx/adapter_config.json")
    try folder.write([0], to: "mlx/\(name)")
    let error = expectError(.unsupported) { _ = try notes([folder("mlx")]) }
    #expect(error?.problem.contains("MLX (\(name))") == true)
    #expect(error?.remedy?.contains("mlx_lm.fuse") == true)
  }
}

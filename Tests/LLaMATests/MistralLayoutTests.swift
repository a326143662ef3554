import Testing
import WeightmillLLaMA
import WeightmillModels
import WeightmillSafetensors
import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTestSupport

/// Mistral's own folders: `params.json` and `consolidated.safetensors`, with Meta's names and row order.
struct MistralLayoutTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let parameters = [
    "dim": "64", "n_layers": "1", "n_heads": "2", "n_kv_heads": "2", "head_dim": "24",
    "hidden_dim": "64", "norm_eps": "1e-6", "vocab_size": "300", "rope_theta": "10000.0",
  ]

  /// The folder of a model, once in Hugging Face's layout and once in Mistral's.
  private func write(
    _ further: [String: String] = [:], named name: String = "consolidated.safetensors"
  )
    throws -> (huggingFace: String, mistral: String)
  {
    var small = SmallModel()
    small.head = 24
    let path = try small.write(to: folder, "hf")
    let view = LlamaView(try ModelLoader.load(path).llama, as: .meta)
    let layout = try SafetensorsLayout(tensors: view.tensors, metadata: [], path: name)
    var bytes = layout.header
    for (index, tensor) in view.tensors.enumerated() {
      bytes += [UInt8](repeating: 0, count: layout.positions[index] - bytes.count)
      bytes += try view.bytes(rows: 0..<tensor.shape.rows, ofTensor: index)
    }
    try folder.write(bytes, to: "mistral/\(name)")
    let fields = Self.parameters.merging(further) { $1 }.map { "\"\($0)\":\($1)" }
    try folder.write("{\(fields.joined(separator: ","))}".utf8, to: "mistral/params.json")
    try folder.write(
      Fixtures.bytes("\(path)/tokenizer.model"), to: "mistral/tokenizer.model")
    return (path, folder("mistral"))
  }

  @Test func itIsTheSameModelInMetasOrder() throws {
    let (path, own) = try write()
    let checkpoint = try Checkpoint(path: own)
    #expect(checkpoint.layout == .mistral)
    let (ours, theirs) = (try ModelLoader.load(own), try ModelLoader.load(path))
    #expect(ours.llama.rowOrder == .neighbours)
    #expect(ours.llama.configuration.headDimension == 24)
    #expect(ours.llama.configuration.contextLength == 32_768)
    #expect(ours.notes.contains { $0.contains("Mistral 7B's") })
    let (a, b) = (LlamaView(ours.llama, as: .gguf), LlamaView(theirs.llama, as: .gguf))
    #expect(a.tensors == b.tensors)
    for (index, tensor) in a.tensors.enumerated() {
      let rows = 0..<tensor.shape.rows
      #expect(
        try a.bytes(rows: rows, ofTensor: index) == b.bytes(rows: rows, ofTensor: index),
        "\(tensor.name)")
    }
  }

  @Test func huggingFacesFilesBesideItCount() throws {
    let (path, own) = try write()
    try folder.write(Fixtures.bytes("\(path)/model.safetensors"), to: "mistral/model.safetensors")
    try folder.write(Fixtures.bytes("\(path)/config.json"), to: "mistral/config.json")
    #expect(try Checkpoint(path: own).layout == .huggingFace)
  }

  @Test func yarnIsMistrals() throws {
    let (_, own) = try write([
      "max_position_embeddings": "4096",
      "yarn":
        #"{"factor":4,"beta":32,"alpha":1,"original_max_position_embeddings":1024,"apply_scale":false}"#,
    ])
    let configuration = try ModelLoader.load(own).llama.configuration
    var yarn = RotaryScaling.YaRN(factor: 4, originalContextLength: 1024)
    (yarn.betaFast, yarn.betaSlow, yarn.attentionFactor) = (32, 1, 1)
    #expect(configuration.rotaryScaling == .yarn(yarn))
    #expect(configuration.contextLength == 4096)
  }

  @Test(arguments: ["moe", "llama_4_scaling", "vision_encoder", "quantization"])
  func whatIsMoreThanADenseModelIsRefused(name: String) throws {
    let (_, own) = try write([name: #"{"x":1}"#])
    let error = expectError(.unsupported) { _ = try ModelLoader.load(own) }
    #expect(error?.problem.contains("\"\(name)\"") == true)
  }

  @Test func withoutItsSizesItIsNoModel() throws {
    let (path, _) = try write()
    try folder.write(Fixtures.bytes("\(path)/tokenizer.model"), to: "bare/tokenizer.model")
    try folder.write(
      Fixtures.bytes(folder("mistral/consolidated.safetensors")),
      to: "bare/consolidated.safetensors")
    expectError(.noInput) { _ = try ModelLoader.load(folder("bare")) }
  }
}

/// Meta's `params.json` of Llama 3.1 and later.
struct MetaScalingTests {
  private func read(_ fields: String) throws -> LlamaConfiguration {
    let tensors = try [
      ("tok_embeddings.weight", [300, 64]), ("layers.0.feed_forward.w1.weight", [64, 64]),
    ]
    .map { TensorDescriptor(name: $0.0, type: .f16, shape: try #require(TensorShape($0.1))) }
    let text = #"{"dim":64,"n_layers":1,"n_heads":2,"norm_eps":1e-5,"rope_theta":500000\#(fields)}"#
    return try LlamaConfiguration(
      meta: JSONParser.parse(Array(text.utf8), file: "params.json"), location: "params.json",
      tensors: tensors)
  }

  @Test func theFactorIsThatOfTheWidth() throws {
    #expect(try read("").rotaryScaling == .none)
    #expect(try read(#","use_scaled_rope":false"#).rotaryScaling == .none)
    var scaling = RotaryScaling.Llama3()
    scaling.factor = 32
    let small = try read(#","use_scaled_rope":true"#)
    #expect(small.rotaryScaling == .llama3(scaling) && small.contextLength == 131_072)
    scaling.factor = 8
    #expect(
      try read(#","use_scaled_rope":true,"rope_scaling_factor":8"#).rotaryScaling
        == .llama3(scaling))
    #expect(try read(#","use_scaled_rope":true,"rope_scaling_factor":1"#).rotaryScaling == .none)
  }
}

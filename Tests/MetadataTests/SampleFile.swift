import WeightmillGGUF
import WeightmillTensors
import WeightmillTestSupport

/// A small file of the architecture `llama`, with which nothing is wrong.
enum SampleFile {
  static let tensors = [
    TensorDescriptor(
      name: "token_embd.weight", type: .f32, shape: TensorShape(rows: 4, columns: 8)),
    TensorDescriptor(
      name: "blk.0.attn_norm.weight", type: .f32, shape: TensorShape(rows: 1, columns: 8)),
    TensorDescriptor(name: "odd", type: .f32, shape: TensorShape(rows: 1, columns: 3)),
  ]

  static let metadata: GGUFMetadata = {
    var metadata = GGUFMetadata()
    metadata["general.architecture"] = .string("llama")
    metadata["general.name"] = .string("Sample")
    metadata["llama.block_count"] = .uint32(1)
    metadata["llama.context_length"] = .uint32(128)
    metadata["llama.embedding_length"] = .uint32(8)
    metadata["llama.attention.head_count"] = .uint32(4)
    metadata["llama.attention.head_count_kv"] = .uint32(2)
    metadata["llama.attention.layer_norm_rms_epsilon"] = .float32(1e-5)
    metadata["tokenizer.ggml.model"] = .string("llama")
    metadata["tokenizer.ggml.tokens"] = .strings(["<unk>", "<s>", "</s>", "a"])
    metadata["tokenizer.ggml.scores"] = .array(
      .float32, [Float](repeating: 0, count: 4).map { .float32($0) })
    metadata["tokenizer.ggml.token_type"] = .array(
      .int32, [2, 3, 3, 1].map { .int32($0) })
    metadata["tokenizer.ggml.eos_token_id"] = .uint32(2)
    metadata["tokenizer.chat_template"] = .string("{{ messages }}")
    metadata["my.key"] = .int16(7)
    metadata["weightmill.version"] = .string("0.1.0")
    metadata["weightmill.plan.sha256"] = .string(String(repeating: "a", count: 64))
    return metadata
  }()

  static func write(
    to folder: TemporaryFolder, _ name: String = "x.gguf", _ metadata: GGUFMetadata = metadata
  ) throws -> String {
    let layout = try GGUFLayout(metadata: metadata, tensors: tensors, path: name)
    var bytes = layout.header
    for index in bytes.count..<layout.byteCount { bytes.append(UInt8(index % 251)) }
    return try folder.write(bytes, to: name)
  }

  /// The bytes of all tensors.
  static func data(_ path: String) throws -> [[UInt8]] {
    let file = try GGUFFile(path: path)
    return try file.tensors.enumerated().map {
      try file.bytes(rows: 0..<$0.element.shape.rows, ofTensor: $0.offset)
    }
  }
}

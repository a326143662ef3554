import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// Files of architectures that are not known are quantized by the names of their tensors, as llama.cpp
/// does it.
struct AnyArchitectureTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A file of some tensors, whose values count up.
  private func file(
    _ tensors: [(name: String, extents: [Int])], _ metadata: [(String, GGUFValue)] = []
  ) throws -> String {
    var all = GGUFMetadata()
    all["general.architecture"] = .string("made-up")
    all["made-up.block_count"] = .uint32(32)
    all["made-up.attention.head_count"] = .uint32(8)
    all["made-up.attention.head_count_kv"] = .uint32(8)
    for (key, value) in metadata { all[key] = value }
    let descriptors = try tensors.map {
      TensorDescriptor(name: $0.name, type: .f32, shape: try #require(TensorShape($0.extents)))
    }
    let layout = try GGUFLayout(metadata: all, tensors: descriptors, path: "x.gguf")
    var bytes = layout.header
    for (tensor, position) in zip(descriptors, layout.positions) {
      bytes += [UInt8](repeating: 0, count: position - bytes.count)
      var values = Bytes()
      for number in 0..<tensor.shape.count { values.put(Float(number % 37 - 18).bitPattern) }
      bytes += values.all
    }
    bytes += [UInt8](repeating: 0, count: layout.byteCount - bytes.count)
    return try folder.write(bytes, to: "x.gguf")
  }

  private func types(_ path: String, _ mix: TypeMix) throws -> [String: TensorType] {
    let plan = try ConversionPlan(quantize: Checkpoint(path: path), with: QuantizationOptions(mix))
    return Dictionary(uniqueKeysWithValues: plan.items.map { ($0.tensor.name, $0.tensor.type) })
  }

  private static let dense: [(name: String, extents: [Int])] = [
    ("token_embd.weight", [4, 256]), ("output.weight", [4, 256]), ("output_norm.weight", [256]),
    ("blk.0.attn_qkv.weight", [6, 256]), ("blk.9.attn_qkv.weight", [6, 256]),
    ("blk.0.attn_qkv.bias", [6]), ("blk.0.attn_output.weight", [2, 256]),
    ("blk.0.ffn_up.weight", [2, 256]), ("blk.0.ffn_down.weight", [2, 256]),
    ("blk.17.ffn_down.weight", [2, 256]), ("blk.0.ssm_conv1d.weight", [2, 256]),
    ("blk.0.attn_q_norm.weight", [2, 256]), ("position_embd.weight", [2, 256]),
    ("blk.0.something.weight", [2, 256]), ("blk.0.something_a", [2, 256]),
    ("blk.0.odd.weight", [2, 48]), ("blk.0.row.weight", [1, 256]),
  ]

  @Test func typesGoByNames() throws {
    let types = try types(file(Self.dense), .q4_K_M)
    // Of the two tensors that are like values, the second is in the last eighth: 1 is 7 * 2 / 8.
    let expected: [String: TensorType] = [
      "token_embd.weight": .q4_K, "output.weight": .q6_K, "output_norm.weight": .f32,
      "blk.0.attn_qkv.weight": .q4_K, "blk.9.attn_qkv.weight": .q6_K, "blk.0.attn_qkv.bias": .f32,
      "blk.0.attn_output.weight": .q4_K, "blk.0.ffn_up.weight": .q4_K,
      "blk.0.ffn_down.weight": .q6_K, "blk.17.ffn_down.weight": .q4_K,
      "blk.0.ssm_conv1d.weight": .f32, "blk.0.attn_q_norm.weight": .f32,
      "position_embd.weight": .f32, "blk.0.something.weight": .q4_K, "blk.0.something_a": .f32,
      "blk.0.odd.weight": .f16, "blk.0.row.weight": .f32,
    ]
    #expect(types == expected)
  }

  @Test func expertsHaveRulesOfTheirOwn() throws {
    let tensors: [(name: String, extents: [Int])] = [
      ("token_embd.weight", [4, 256]), ("blk.5.attn_v.weight", [2, 256]),
      ("blk.5.attn_k.weight", [2, 256]), ("blk.5.attn_q.weight", [2, 256]),
      ("blk.5.attn_output.weight", [2, 256]), ("blk.5.ffn_gate_inp.weight", [8, 256]),
      ("blk.5.ffn_down_exps.weight", [8, 2, 256]), ("blk.6.ffn_down_exps.weight", [8, 2, 256]),
    ]
    let path = try file(tensors, [("made-up.expert_count", .uint32(8))])
    let types = try types(path, .q4_K_M)
    #expect(types["blk.5.attn_v.weight"] == .q8_0 && types["blk.5.attn_k.weight"] == .q8_0)
    #expect(types["blk.5.attn_q.weight"] == .q4_K && types["blk.5.attn_output.weight"] == .q5_K)
    #expect(types["blk.5.ffn_gate_inp.weight"] == .f32)
    // Layer 5 of 32: (5 - 4) % 3 is 1; layer 6: 2.
    #expect(types["blk.5.ffn_down_exps.weight"] == .q4_K)
    #expect(types["blk.6.ffn_down_exps.weight"] == .q6_K)
    // Without an output matrix the embedding is one.
    #expect(types["token_embd.weight"] == .q6_K)
    let experts = try self.types(path, .mxfp4_MoE)
    #expect(experts["blk.5.ffn_down_exps.weight"] == .mxfp4)
    #expect(experts["blk.5.attn_q.weight"] == .q8_0)
  }

  @Test func theFileIsWrittenWithItsMetadata() throws {
    let path = try file(Self.dense, [("made-up.thing", .strings(["a", "b"]))])
    let checkpoint = try Checkpoint(path: path)
    #expect(!checkpoint.isOfKnownArchitecture)
    let plan = try ConversionPlan(quantize: checkpoint, with: QuantizationOptions(.q8_0))
    #expect(plan.notes.contains { $0.contains("\"made-up\" is not computed") })
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: folder("q8_0.gguf"), overwrite: false)
    let written = try GGUFFile(path: folder("q8_0.gguf"))
    #expect(written.metadata["made-up.thing"] == .strings(["a", "b"]))
    #expect(written.metadata["general.file_type"] == .uint32(7))
    #expect(written.tensors.map(\.name) == Self.dense.map(\.name))
    // And once more: what is quantized already is not quantized again.
    let again = try Checkpoint(path: folder("q8_0.gguf"))
    expectError(.unsupported) {
      _ = try ConversionPlan(quantize: again, with: QuantizationOptions(.q4_0))
    }
    var options = QuantizationOptions(.q4_0)
    options.prunedLayers = [1]
    expectError(.unsupported) { _ = try ConversionPlan(quantize: checkpoint, with: options) }
  }
}

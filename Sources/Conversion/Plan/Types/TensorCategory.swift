import WeightmillLLaMA
import WeightmillTensors

/// The category of a tensor in the mixes, which llama.cpp tells by its name, whatever the
/// architecture.
///
/// Source: `tensor_get_category` and `tensor_allows_quantization` of `src/llama-quant.cpp`.
enum TensorCategory: Hashable {
  case output
  case tokenEmbedding
  /// Attention's values, or what they are fused with.
  case value
  case key
  case query
  case attentionOutput
  case gate
  case up
  case down
  case other

  /// The category of a name in a GGUF file.
  init(name: String) {
    let parts: [(String, TensorCategory)] = [
      ("attn_qkv.weight", .value), ("attn_kv_b.weight", .value), ("attn_v.weight", .value),
      ("attn_k.weight", .key), ("attn_q.weight", .query), ("attn_output.weight", .attentionOutput),
      ("ffn_up", .up), ("ffn_gate", .gate), ("ffn_down", .down),
    ]
    switch name {
    case "output.weight": self = .output
    case "token_embd.weight", "per_layer_token_embd.weight": self = .tokenEmbedding
    default: self = parts.first { name.contains($0.0) }?.1 ?? .other
    }
  }

  /// The category of a tensor of an architecture that is known.
  init(_ role: TensorRole?) {
    self =
      switch role {
      case .output?: .output
      case .tokenEmbedding?: .tokenEmbedding
      case .layer(_, .query)?: .query
      case .layer(_, .key)?: .key
      case .layer(_, .value)?, .layer(_, .queryKeyValue)?: .value
      case .layer(_, .attentionOutput)?: .attentionOutput
      case .layer(_, .gate)?: .gate
      case .layer(_, .up)?, .layer(_, .gateAndUp)?: .up
      case .layer(_, .down)?: .down
      default: .other
      }
  }

  /// The number of the layer in a name: 3 in `blk.3.attn_q.weight`.
  static func layer(of name: String) -> Int? {
    guard name.hasPrefix("blk.") else { return nil }
    return Int(name.dropFirst(4).prefix { $0 != "." })
  }

  /// The parts of names whose tensors keep their type: small ones, and those that are no factors of
  /// products.
  private static let keptParts = [
    "_norm.weight", "ffn_gate_inp.weight", "ffn_gate_tid2eid.weight", "altup", "laurel",
    "per_layer_model_proj", "ssm_conv1d", "shortconv.conv.weight", "indexer.k_proj.weight",
    "indexer.q_proj.weight", "time_mix_first.weight", "time_mix_w0.weight", "time_mix_w1.weight",
    "time_mix_w2.weight", "time_mix_v0.weight", "time_mix_v1.weight", "time_mix_v2.weight",
    "time_mix_a0.weight", "time_mix_a1.weight", "time_mix_a2.weight", "time_mix_g1.weight",
    "time_mix_g2.weight", "time_mix_decay_w1.weight", "time_mix_decay_w2.weight",
    "time_mix_lerp_fused.weight", "attn_rel_b.weight", ".position_embd", "sam.pos_embd",
    "sam.neck.", "sam.net_", ".rel_pos", ".patch_embd", ".patch_merger", "a.rvq.codebook",
    "mm.a.code_embd",
  ]

  /// Whether a mix gives a tensor another type; the others keep theirs.
  static func isQuantized(_ tensor: TensorDescriptor) -> Bool {
    let name = tensor.name
    return tensor.shape.extents.drop { $0 == 1 }.count >= 2 && name.hasSuffix("weight")
      && !["position_embd.weight", "token_types.weight"].contains(name)
      && !keptParts.contains { name.contains($0) }
  }
}

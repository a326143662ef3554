/// The names of a model's tensors, and the order of rows of queries and keys, in a kind of file.
package enum NamingScheme: String, Sendable {
  /// Meta's `consolidated.NN.pth`.
  case meta
  /// Hugging Face's `pytorch_model.bin` and `model.safetensors`.
  case huggingFace
  /// llama.cpp's GGUF.
  case gguf

  /// The order of the rows of queries and keys; in GGUF files it is the architecture's.
  ///
  /// - Parameter architecture: The model's architecture.
  /// - Returns: The order.
  package func rowOrder(of architecture: Architecture) -> Architecture.RowOrder {
    switch self {
    case .meta: .neighbours
    case .huggingFace: .halves
    case .gguf: architecture.rowOrder
    }
  }

  /// Whether files of this kind hold such a tensor: factors of frequencies are GGUF's alone, the
  /// others compute them from their configuration.
  ///
  /// - Parameter role: What the tensor is for.
  /// - Returns: Whether they do.
  package func holds(_ role: TensorRole) -> Bool {
    switch role {
    case .ropeFactors: self == .gguf
    case .rotaryFrequencies: self != .gguf
    default: true
    }
  }

  /// The name of a tensor; of one that files of this kind do not hold, what messages call it.
  ///
  /// - Parameters:
  ///   - role: What the tensor is for.
  ///   - architecture: The model's architecture.
  /// - Returns: The name in this scheme.
  package func name(of role: TensorRole, in architecture: Architecture) -> String {
    if let other = architecture.otherNames[self]?[role] { return other }
    return switch (self, role) {
    case (.meta, .tokenEmbedding): "tok_embeddings.weight"
    case (.meta, .outputNorm): "norm.weight"
    case (.meta, .output), (.gguf, .output): "output.weight"
    case (.meta, .rotaryFrequencies(let layer)):
      "layers.\(layer).attention.inner_attention.rope.freqs"
    case (.huggingFace, .tokenEmbedding): "model.embed_tokens.weight"
    case (.huggingFace, .outputNorm): "model.norm.weight"
    case (.huggingFace, .output): "lm_head.weight"
    case (_, .rotaryFrequencies(let layer)): "model.layers.\(layer).self_attn.rotary_emb.inv_freq"
    case (.gguf, .tokenEmbedding): "token_embd.weight"
    case (.gguf, .outputNorm): "output_norm.weight"
    case (_, .ropeFactors(.all)): "rope_freqs.weight"
    case (_, .ropeFactors(.long)): "rope_factors_long.weight"
    case (_, .ropeFactors(.short)): "rope_factors_short.weight"
    case (_, .layer(let layer, let tensor)): "\(prefix)\(layer).\(name(of: tensor, architecture))"
    }
  }

  /// The role of a tensor, or `nil` when the architecture has none of this name.
  ///
  /// - Parameters:
  ///   - name: The tensor's name.
  ///   - architecture: The model's architecture.
  /// - Returns: The role, or `nil`.
  package func role(of name: String, in architecture: Architecture) -> TensorRole? {
    let outside: [TensorRole] =
      [.tokenEmbedding, .outputNorm, .output]
      + architecture.ropeFactors.map { .ropeFactors($0) }.filter(holds)
    if let role = outside.first(where: { self.name(of: $0, in: architecture) == name }) {
      return role
    }
    // LLaMA 2's files have the frequencies once, without a layer; so have some of transformers.
    if self == .meta, name == "rope.freqs" { return .rotaryFrequencies(0) }
    if self == .huggingFace, name == "model.rotary_emb.inv_freq" { return .rotaryFrequencies(0) }
    guard name.hasPrefix(prefix),
      let layer = Int(name.dropFirst(prefix.count).prefix { $0 != "." }), layer >= 0
    else { return nil }
    var candidates = architecture.layerTensors.map { TensorRole.layer(layer, $0) }
    if holds(.rotaryFrequencies(layer)) { candidates.append(.rotaryFrequencies(layer)) }
    if let role = candidates.first(where: { self.name(of: $0, in: architecture) == name }) {
      return role
    }
    // Files of 2023 and 2024 have them, which llama.cpp's converter left in; none is written.
    if self == .gguf, Self.oldFrequencies.contains(where: { name == "\(prefix)\(layer).\($0)" }) {
      return .rotaryFrequencies(layer)
    }
    let alias = architecture.aliases[self]?.first { name == "\(prefix)\(layer).\($0.key)" }
    return alias.map { .layer(layer, $0.value) }
  }

  /// The names of rotary frequencies in a layer of an old GGUF file.
  private static let oldFrequencies = [
    "attn_rot_embd.weight", "attn_rot_embd", "attn_rot_embd.inv_freq",
  ]

  /// What the names of a layer's tensors begin with, before its number.
  private var prefix: String {
    switch self {
    case .meta: "layers."
    case .huggingFace: "model.layers."
    case .gguf: "blk."
    }
  }

  private func name(of tensor: TensorRole.LayerTensor, _ architecture: Architecture) -> String {
    if let other = architecture.otherLayerNames[self]?[tensor] { return other }
    switch self {
    case .meta: return tensor.names.meta
    case .huggingFace: return tensor.names.huggingFace
    case .gguf: return tensor.names.gguf
    }
  }
}

extension TensorRole.LayerTensor {
  /// The usual names in a layer. Meta's models have neither biases nor norms of heads nor fused
  /// matrices: they have names here only so that messages can.
  fileprivate var names: (meta: String, huggingFace: String, gguf: String) {
    switch self {
    case .attentionNorm:
      ("attention_norm.weight", "input_layernorm.weight", "attn_norm.weight")
    case .queryKeyValue:
      ("attention.wqkv.weight", "self_attn.qkv_proj.weight", "attn_qkv.weight")
    case .queryKeyValueBias: ("attention.wqkv.bias", "self_attn.qkv_proj.bias", "attn_qkv.bias")
    case .query: ("attention.wq.weight", "self_attn.q_proj.weight", "attn_q.weight")
    case .queryBias: ("attention.wq.bias", "self_attn.q_proj.bias", "attn_q.bias")
    case .queryNorm: ("attention.q_norm.weight", "self_attn.q_norm.weight", "attn_q_norm.weight")
    case .key: ("attention.wk.weight", "self_attn.k_proj.weight", "attn_k.weight")
    case .keyBias: ("attention.wk.bias", "self_attn.k_proj.bias", "attn_k.bias")
    case .keyNorm: ("attention.k_norm.weight", "self_attn.k_norm.weight", "attn_k_norm.weight")
    case .value: ("attention.wv.weight", "self_attn.v_proj.weight", "attn_v.weight")
    case .valueBias: ("attention.wv.bias", "self_attn.v_proj.bias", "attn_v.bias")
    case .attentionOutput:
      ("attention.wo.weight", "self_attn.o_proj.weight", "attn_output.weight")
    case .attentionOutputBias: ("attention.wo.bias", "self_attn.o_proj.bias", "attn_output.bias")
    case .attentionOutputNorm:
      (
        "post_attention_norm.weight", "post_attention_layernorm.weight",
        "post_attention_norm.weight"
      )
    case .feedForwardNorm:
      ("ffn_norm.weight", "post_attention_layernorm.weight", "ffn_norm.weight")
    case .gateAndUp:
      ("feed_forward.w13.weight", "mlp.gate_up_proj.weight", "ffn_up.weight")
    case .gate: ("feed_forward.w1.weight", "mlp.gate_proj.weight", "ffn_gate.weight")
    case .gateBias: ("feed_forward.w1.bias", "mlp.gate_proj.bias", "ffn_gate.bias")
    case .up: ("feed_forward.w3.weight", "mlp.up_proj.weight", "ffn_up.weight")
    case .upBias: ("feed_forward.w3.bias", "mlp.up_proj.bias", "ffn_up.bias")
    case .down: ("feed_forward.w2.weight", "mlp.down_proj.weight", "ffn_down.weight")
    case .downBias: ("feed_forward.w2.bias", "mlp.down_proj.bias", "ffn_down.bias")
    case .feedForwardOutputNorm:
      ("post_ffw_norm.weight", "post_feedforward_layernorm.weight", "post_ffw_norm.weight")
    }
  }
}

/// How a kind of file names the tensors of a LLaMA model and orders the rows of queries and keys.
public enum NamingScheme: String, Sendable {
  /// Meta's `consolidated.NN.pth`.
  case meta
  /// Hugging Face's `pytorch_model.bin` and `model.safetensors`.
  case huggingFace
  /// llama.cpp's GGUF.
  case gguf

  /// How the two values that one position angle turns lie in a head.
  public enum RowOrder: Sendable {
    /// Rows 2*i* and 2*i* + 1 belong together.
    case neighbours
    /// Rows *i* and *i* + half the head belong together.
    case halves
  }

  /// The order of the rows of queries and keys.
  public var rowOrder: RowOrder { self == .huggingFace ? .halves : .neighbours }

  /// The name of a tensor.
  ///
  /// - Parameter role: What the tensor is for.
  /// - Returns: The name in this scheme.
  public func name(of role: TensorRole) -> String {
    switch (self, role) {
    case (.meta, .tokenEmbedding): "tok_embeddings.weight"
    case (.meta, .outputNorm): "norm.weight"
    case (.meta, .output): "output.weight"
    case (.meta, .rotaryFrequencies(let layer)):
      "layers.\(layer).attention.inner_attention.rope.freqs"
    case (.meta, .layer(let layer, let tensor)): "layers.\(layer).\(tensor.metaName).weight"
    case (.huggingFace, .tokenEmbedding): "model.embed_tokens.weight"
    case (.huggingFace, .outputNorm): "model.norm.weight"
    case (.huggingFace, .output): "lm_head.weight"
    case (.huggingFace, .rotaryFrequencies(let layer)):
      "model.layers.\(layer).self_attn.rotary_emb.inv_freq"
    case (.huggingFace, .layer(let layer, let tensor)):
      "model.layers.\(layer).\(tensor.huggingFaceName).weight"
    case (.gguf, .tokenEmbedding): "token_embd.weight"
    case (.gguf, .outputNorm): "output_norm.weight"
    case (.gguf, .output): "output.weight"
    case (.gguf, .rotaryFrequencies): "rope_freqs.weight"
    case (.gguf, .layer(let layer, let tensor)): "blk.\(layer).\(tensor.ggufName).weight"
    }
  }

  /// What a tensor is for, or `nil` when the scheme has no such name.
  ///
  /// - Parameter name: The tensor's name.
  /// - Returns: The role, or `nil`.
  public func role(of name: String) -> TensorRole? {
    for role in [TensorRole.tokenEmbedding, .outputNorm, .output] where self.name(of: role) == name
    {
      return role
    }
    // LLaMA 2's files have the frequencies once, without a layer.
    if self == .meta, name == "rope.freqs" { return .rotaryFrequencies(0) }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    let place = self == .huggingFace ? 2 : 1
    guard parts.count > place, let layer = Int(parts[place]), layer >= 0 else { return nil }
    let candidates =
      TensorRole.LayerTensor.allCases.map { TensorRole.layer(layer, $0) }
      + (self == .gguf ? [] : [.rotaryFrequencies(layer)])
    return candidates.first { self.name(of: $0) == name }
  }
}

extension TensorRole.LayerTensor {
  fileprivate var metaName: String {
    switch self {
    case .attentionNorm: "attention_norm"
    case .query: "attention.wq"
    case .key: "attention.wk"
    case .value: "attention.wv"
    case .attentionOutput: "attention.wo"
    case .feedForwardNorm: "ffn_norm"
    case .gate: "feed_forward.w1"
    case .up: "feed_forward.w3"
    case .down: "feed_forward.w2"
    }
  }

  fileprivate var huggingFaceName: String {
    switch self {
    case .attentionNorm: "input_layernorm"
    case .query: "self_attn.q_proj"
    case .key: "self_attn.k_proj"
    case .value: "self_attn.v_proj"
    case .attentionOutput: "self_attn.o_proj"
    case .feedForwardNorm: "post_attention_layernorm"
    case .gate: "mlp.gate_proj"
    case .up: "mlp.up_proj"
    case .down: "mlp.down_proj"
    }
  }

  fileprivate var ggufName: String {
    switch self {
    case .attentionNorm: "attn_norm"
    case .query: "attn_q"
    case .key: "attn_k"
    case .value: "attn_v"
    case .attentionOutput: "attn_output"
    case .feedForwardNorm: "ffn_norm"
    case .gate: "ffn_gate"
    case .up: "ffn_up"
    case .down: "ffn_down"
    }
  }
}

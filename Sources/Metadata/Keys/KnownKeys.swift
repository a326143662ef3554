package import WeightmillGGUF

/// The types in which llama.cpp reads the keys of a GGUF file, and gguf-py writes those that
/// llama.cpp only shows.
///
/// llama.cpp refuses a file in which a key that it reads has another type. Sources:
/// `llama-model-loader.cpp`, `llama-model.cpp`, `llama-vocab.cpp` of llama.cpp (of llama-cpp-python
/// 0.3.36); `constants.py` and `gguf_writer.py` of gguf-py 0.19.0.
package enum KnownKeys {
  /// The types that a key may have.
  package struct Types: Equatable, Sendable {
    /// The type in which it is written.
    package let written: ValueType
    /// Further types that are read.
    package let others: [ValueType]
    /// Whether llama.cpp refuses a file in which it has another type; else it only shows the value.
    package let isDemanded: Bool

    init(_ written: ValueType, or others: [ValueType] = [], isDemanded: Bool = true) {
      self.written = written
      self.others = others
      self.isDemanded = isDemanded
    }

    /// Whether a type is read.
    package func contains(_ type: ValueType) -> Bool { type == written || others.contains(type) }

    /// The types by name.
    package var names: String {
      ([written] + others).map(\.name).joined(separator: " or ")
    }
  }

  private static let text = Types(ValueType(.string))
  private static let shownText = Types(ValueType(.string), isDemanded: false)
  private static let truth = Types(ValueType(.bool))
  private static let number = Types(ValueType(.float32))
  private static let size = Types(ValueType(.uint32))
  /// A size, or one for each layer.
  private static let sizes = Types(
    ValueType(.uint32), or: [ValueType(.uint32, isArray: true), ValueType(.int32, isArray: true)])

  /// Keys whose whole name is known.
  private static let whole: [String: Types] = {
    var keys: [String: Types] = [:]
    func add(_ types: Types, _ prefix: String, _ names: [String]) {
      for name in names { keys[prefix + name] = types }
    }
    add(text, "general.", ["architecture", "name"])
    add(size, "general.", ["alignment", "file_type"])
    add(
      Types(ValueType(.uint32), isDemanded: false), "general.",
      ["quantization_version", "base_model.count", "dataset.count"])
    add(
      shownText, "general.",
      [
        "type", "author", "version", "organization", "finetune", "basename", "description",
        "quantized_by", "size_label", "license", "license.name", "license.link", "url", "doi",
        "uuid", "repo_url", "source.url", "source.doi", "source.uuid", "source.repo_url",
        "source.huggingface.repository", "sampling.sequence",
      ])
    add(
      Types(ValueType(.string, isArray: true), isDemanded: false), "general.",
      ["tags", "languages"])
    add(
      Types(ValueType(.int32), isDemanded: false), "general.sampling.",
      ["top_k", "penalty_last_n", "mirostat"])
    add(
      Types(ValueType(.float32), isDemanded: false), "general.sampling.",
      [
        "top_p", "min_p", "xtc_probability", "xtc_threshold", "temp", "penalty_repeat",
        "mirostat_tau", "mirostat_eta",
      ])
    add(text, "tokenizer.ggml.", ["model", "pre"])
    add(
      Types(ValueType(.string, isArray: true)), "tokenizer.ggml.", ["tokens", "merges"])
    keys["tokenizer.ggml.scores"] = Types(
      ValueType(.float32, isArray: true), or: [ValueType(.int32, isArray: true)])
    add(
      Types(ValueType(.int32, isArray: true)), "tokenizer.ggml.",
      ["token_type", "suppress_tokens"])
    keys["tokenizer.ggml.precompiled_charsmap"] = Types(
      ValueType(.uint8, isArray: true), or: [ValueType(.int8, isArray: true)])
    add(size, "tokenizer.ggml.", ["token_type_count"])
    for role in SpecialTokenRole.all { keys[role.key] = size }
    add(
      truth, "tokenizer.ggml.",
      [
        "add_bos_token", "add_eos_token", "add_sep_token", "add_space_prefix",
        "remove_extra_whitespaces", "normalizer.lowercase", "normalizer.strip_accents",
      ])
    add(shownText, "tokenizer.", ["chat_template", "huggingface.json", "rwkv.world"])
    keys["tokenizer.chat_templates"] = Types(
      ValueType(.string, isArray: true), isDemanded: false)
    return keys
  }()

  /// Keys behind the name of an architecture.
  private static let ofArchitecture: [String: Types] = {
    var keys: [String: Types] = [:]
    func add(_ types: Types, _ names: [String]) { for name in names { keys[name] = types } }
    add(
      size,
      [
        "vocab_size", "context_length", "embedding_length", "embedding_length_out", "block_count",
        "leading_dense_block_count", "expert_feed_forward_length",
        "expert_shared_feed_forward_length", "expert_count", "expert_shared_count",
        "expert_group_count", "expert_group_used_count", "expert_gating_func",
        "nextn_predict_layers", "pooling_type", "attention.key_length", "attention.value_length",
        "attention.key_length_mla", "attention.value_length_mla", "attention.q_lora_rank",
        "attention.kv_lora_rank", "attention.sliding_window", "rope.dimension_count",
        "rope.scaling.original_context_length",
      ])
    add(
      sizes,
      [
        "feed_forward_length", "attention.head_count", "attention.head_count_kv",
        "expert_used_count",
      ])
    add(
      number,
      [
        "attention.layer_norm_epsilon", "attention.layer_norm_rms_epsilon", "attention.scale",
        "attention.clamp_kqv", "attention.max_alibi_bias", "rope.freq_base", "rope.freq_base_swa",
        "rope.scale_linear", "rope.scaling.factor", "rope.scaling.attn_factor",
        "rope.scaling.yarn_ext_factor", "rope.scaling.yarn_attn_factor",
        "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow", "embedding_scale",
        "residual_scale", "logit_scale", "attn_logit_softcapping", "final_logit_softcapping",
        "router_logit_softcapping", "expert_weights_scale",
      ])
    add(
      truth,
      [
        "attention.causal", "use_parallel_residual", "expert_weights_norm",
        "rope.scaling.finetuned",
      ])
    add(text, ["rope.scaling.type"])
    add(shownText, ["tensor_data_layout"])
    return keys
  }()

  /// Fields of base models and data sets: `general.base_model.0.name`.
  private static let numbered: Set<String> = [
    "name", "author", "version", "organization", "description", "url", "doi", "uuid", "repo_url",
  ]

  /// The types of a key.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - architecture: The file's `general.architecture`.
  /// - Returns: The types; `nil` for a key that is not known here.
  package static func types(of key: String, architecture: String?) -> Types? {
    if let types = whole[key] { return types }
    if let architecture, key.hasPrefix(architecture + ".") {
      return ofArchitecture[String(key.dropFirst(architecture.count + 1))]
    }
    if key.hasPrefix("tokenizer.chat_template.") { return shownText }
    let words = key.split(separator: ".", omittingEmptySubsequences: false)
    guard words.count == 4, words[0] == "general", ["base_model", "dataset"].contains(words[1]),
      let number = Int(words[2]), number >= 0, numbered.contains(String(words[3]))
    else { return nil }
    return shownText
  }
}

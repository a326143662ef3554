import WeightmillTensors

extension Architecture {
  /// LLaMA 1 to 3, and what has their layers under their name: Yi, SmolLM 1 and 2, TinyLlama,
  /// DeepSeek LLM. Files of its name may have biases.
  ///
  /// Source: `conversion/llama.py` and `src/models/llama.cpp` of llama.cpp.
  package static let llama = Architecture(
    name: "llama", huggingFaceType: "llama", huggingFaceClass: "LlamaForCausalLM",
    rowOrder: .neighbours, optionalTensors: TensorRole.LayerTensor.biases
  ) {
    $0.ropeFactors = [.all, .long, .short]
    $0.furtherKeys = [.vocabularySize, .ropeDimensionCount]
    // Yi's first release.
    $0.otherTypes = ["Yi"]
    $0.aliases = [.huggingFace: ["ln1.weight": .attentionNorm, "ln2.weight": .feedForwardNorm]]
  }

  /// Mistral 7B and Nemo: to GGUF, LLaMA.
  package static let mistral = Architecture(
    name: "llama", huggingFaceType: "mistral", huggingFaceClass: "MistralForCausalLM",
    rowOrder: .neighbours
  ) {
    $0.ropeFactors = llama.ropeFactors
    $0.furtherKeys = llama.furtherKeys
  }

  /// InternLM 3: to GGUF, LLaMA; biases by its configuration.
  package static let internLM3 = Architecture(
    name: "llama", huggingFaceType: "internlm3", huggingFaceClass: "InternLM3ForCausalLM",
    rowOrder: .neighbours, optionalTensors: TensorRole.LayerTensor.biases
  ) {
    $0.ropeFactors = llama.ropeFactors
    $0.furtherKeys = llama.furtherKeys
  }

  /// Qwen 1.5, 2 and 2.5: biases of queries, keys and values.
  ///
  /// Source: `conversion/qwen.py` and `src/models/qwen2.cpp` of llama.cpp.
  package static let qwen2 = Architecture(
    name: "qwen2", huggingFaceType: "qwen2", huggingFaceClass: "Qwen2ForCausalLM",
    rowOrder: .halves,
    requiredTensors: TensorRole.LayerTensor.usual.union(TensorRole.LayerTensor.inputBiases)
  ) { $0.alwaysSaysHeadSize = false }

  /// Qwen 3: norms of each head's queries and keys.
  ///
  /// Source: `conversion/qwen.py` and `src/models/qwen3.cpp` of llama.cpp.
  package static let qwen3 = Architecture(
    name: "qwen3", huggingFaceType: "qwen3", huggingFaceClass: "Qwen3ForCausalLM",
    rowOrder: .halves, requiredTensors: TensorRole.LayerTensor.usual.union([.queryNorm, .keyNorm]))

  /// MiniCPM 1 and 2: embeddings, what layers add, and logits are scaled.
  ///
  /// Source: `conversion/minicpm.py` and `src/models/minicpm.cpp` of llama.cpp.
  package static let miniCPM = Architecture(
    name: "minicpm", huggingFaceType: "minicpm", huggingFaceClass: "MiniCPMForCausalLM",
    rowOrder: .neighbours
  ) {
    $0.ropeFactors = [.all, .long, .short]
    $0.furtherKeys = [.embeddingScale, .residualScale, .logitScale]
    $0.alwaysSaysHeadSize = false
    $0.tiesByDefault = true
    $0.scaleFields = .miniCPM
  }

  /// Granite 3, dense: the same three are scaled, and the scores of attention.
  ///
  /// Source: `conversion/granite.py` and `src/models/granite.cpp` of llama.cpp.
  package static let granite = Architecture(
    name: "granite", huggingFaceType: "granite", huggingFaceClass: "GraniteForCausalLM",
    rowOrder: .neighbours, optionalTensors: TensorRole.LayerTensor.biases
  ) {
    $0.ropeFactors = [.all, .long, .short]
    $0.furtherKeys = [
      .vocabularySize, .ropeDimensionCount, .attentionScale, .embeddingScale, .residualScale,
      .logitScale,
    ]
    $0.alwaysSaysHeadSize = false
    $0.scaleFields = .granite
  }

  /// SmolLM 3: each fourth layer has no rotary angles.
  ///
  /// Source: `conversion/llama.py` and `src/models/smollm3.cpp` of llama.cpp.
  package static let smolLM3 = Architecture(
    name: "smollm3", huggingFaceType: "smollm3", huggingFaceClass: "SmolLM3ForCausalLM",
    rowOrder: .neighbours
  ) {
    $0.furtherKeys = llama.furtherKeys
    $0.alwaysSaysHeadSize = false
    $0.tiesByDefault = true
    $0.unrotatedInterval = 4
  }

  /// OLMo 2: norms behind the parts of a layer, not before them, and over all queries and all keys.
  ///
  /// Source: `conversion/olmo.py` and `src/models/olmo2.cpp` of llama.cpp.
  package static let olmo2 = Architecture(
    name: "olmo2", huggingFaceType: "olmo2", huggingFaceClass: "Olmo2ForCausalLM",
    rowOrder: .halves,
    requiredTensors: TensorRole.LayerTensor.usual.subtracting([.attentionNorm, .feedForwardNorm])
      .union([.queryNorm, .keyNorm, .attentionOutputNorm, .feedForwardOutputNorm])
  ) {
    $0.alwaysSaysHeadSize = false
    $0.normsEachHead = false
    $0.requiresOutput = true
  }

  /// InternLM 2 and 2.5: in Hugging Face's files queries, keys and values are fused, and the names
  /// are nearly Meta's.
  ///
  /// Source: `conversion/internlm.py` and `src/models/internlm2.cpp` of llama.cpp.
  package static let internLM2 = Architecture(
    name: "internlm2", huggingFaceType: "internlm2", huggingFaceClass: "InternLM2ForCausalLM",
    rowOrder: .neighbours
  ) {
    $0.alwaysSaysHeadSize = false
    $0.requiresOutput = true
    $0.fusedQueries = "attention.wqkv.weight"
    $0.otherNames = [
      .huggingFace: [
        .tokenEmbedding: "model.tok_embeddings.weight", .output: "output.weight",
      ]
    ]
    $0.otherLayerNames = [
      .huggingFace: [
        .attentionNorm: "attention_norm.weight", .query: "attention.wq.weight",
        .key: "attention.wk.weight", .value: "attention.wv.weight",
        .attentionOutput: "attention.wo.weight", .feedForwardNorm: "ffn_norm.weight",
        .gate: "feed_forward.w1.weight", .up: "feed_forward.w3.weight",
        .down: "feed_forward.w2.weight",
      ]
    ]
  }

  /// Phi-3, 3.5 and 4, dense: queries, keys and values are one matrix, gates and what they multiply
  /// another, in all files.
  ///
  /// Source: `conversion/phi.py` and `src/models/phi3.cpp` of llama.cpp; `modeling_phi3.py` of
  /// transformers, which has the window that llama.cpp leaves out.
  package static let phi3 = Architecture(
    name: "phi3", huggingFaceType: "phi3", huggingFaceClass: "Phi3ForCausalLM",
    rowOrder: .halves, requiredTensors: TensorRole.LayerTensor.fused
  ) {
    $0.ropeFactors = [.long, .short]
    $0.furtherKeys = [.ropeDimensionCount, .slidingWindow]
    $0.alwaysSaysHeadSize = false
    $0.windows = Windows()
    $0.windows?.isIgnoredByLlamaCpp = true
    $0.mayRotatePart = true
    $0.headsShareWidth = true
    $0.impliesRopeScaling = true
    $0.ropeScalings = ["longrope"]
    $0.usualSizes = [
      "max_position_embeddings": 4096, "original_max_position_embeddings": 4096,
    ]
  }

  /// Gemma 1: GELU, embeddings times the root of the width, gains that are stored less one.
  ///
  /// Source: `conversion/gemma.py` and `src/models/gemma.cpp` of llama.cpp, as for the next two;
  /// `configuration_gemma.py` and so on of transformers for what holds where a file does not say it.
  package static let gemma = Architecture(
    name: "gemma", huggingFaceType: "gemma", huggingFaceClass: "GemmaForCausalLM",
    rowOrder: .halves
  ) {
    $0.tiesByDefault = true
    $0.alwaysTies = true
    $0.leavesOutUsualRopeBase = true
    $0.scaleFields = .gemma
    $0.activation = .gelu
    $0.gainOffsets = [.huggingFace: 1]
    $0.usualSizes = ["max_position_embeddings": 8192, "head_dim": 256]
  }

  /// Gemma 2: the same with norms behind the parts of a layer, caps of scores and logits, and a window
  /// in each second layer.
  package static let gemma2 = Architecture(
    name: "gemma2", huggingFaceType: "gemma2", huggingFaceClass: "Gemma2ForCausalLM",
    rowOrder: .halves,
    requiredTensors: TensorRole.LayerTensor.usual
      .union([.attentionOutputNorm, .feedForwardOutputNorm])
  ) {
    $0.furtherKeys = [.attentionCap, .logitCap, .slidingWindow]
    $0.tiesByDefault = true
    $0.alwaysTies = true
    $0.leavesOutUsualRopeBase = true
    $0.scaleFields = .gemma
    // The 27B model.
    $0.layersWithSharedScale = 46
    $0.activation = .gelu
    var windows = Windows()
    windows.interval = 2
    windows.usualSize = 4096
    windows.usualSizeInGGUF = 4096
    $0.windows = windows
    var caps = Caps()
    caps.usualAttention = 50
    caps.usualLogit = 30
    caps.areRequired = true
    $0.caps = caps
    $0.gainOffsets = gemma.gainOffsets
    $0.usualSizes = gemma.usualSizes
    $0.otherLayerNames = [.huggingFace: [.feedForwardNorm: "pre_feedforward_layernorm.weight"]]
  }

  /// Gemma 3, its part for text: norms of each head's queries and keys, no cap of scores, a window in
  /// all but each sixth layer, with rotary angles of its own.
  package static let gemma3 = Architecture(
    name: "gemma3", huggingFaceType: "gemma3_text", huggingFaceClass: "Gemma3ForCausalLM",
    rowOrder: .halves, requiredTensors: gemma2.requiredTensors.union([.queryNorm, .keyNorm])
  ) {
    $0.typesWithVision = ["gemma3"]
    $0.furtherKeys = [.localRopeBase, .logitCap, .slidingWindow]
    $0.tiesByDefault = true
    $0.scaleFields = .gemma
    // The 27B model.
    $0.layersWithSharedScale = 62
    $0.activation = .gelu
    var windows = Windows()
    windows.interval = 6
    windows.usualSize = 4096
    windows.localRopeBase = 10_000
    $0.windows = windows
    $0.caps = Caps()
    $0.ropeScalings = ["linear"]
    $0.gainOffsets = gemma.gainOffsets
    $0.usualSizes = [
      "max_position_embeddings": 131_072, "head_dim": 256, "num_attention_heads": 8,
      "num_key_value_heads": 4, "vocab_size": 262_208,
    ]
    $0.otherLayerNames = gemma2.otherLayerNames
  }

  /// The architectures that are read.
  package static let all: [Architecture] = [
    llama, mistral, internLM3, qwen2, qwen3, miniCPM, granite, smolLM3, olmo2, internLM2, phi3,
    gemma, gemma2, gemma3,
  ]

  /// The needs of models that people ask for, by their names in `config.json` and in
  /// GGUF files.
  private static let needs: [(names: [String], need: String)] = [
    (["phimoe", "phi3_v", "phi4mm"], "experts, or parts that see and hear"),
    (["gemma3n", "gemma3n_text", "gemma4", "gemma4_text"], "embeddings in each layer"),
    (["baichuan"], "queries, keys and values that are fused, and in 13B ALiBi"),
    (["olmo3"], "windows in some layers"),
    (["minicpm3", "deepseek_v2", "deepseek2", "deepseek_v3"], "latent attention"),
    (
      ["mixtral", "qwen2_moe", "qwen2moe", "qwen3_moe", "qwen3moe", "gpt_oss", "gpt-oss"], "experts"
    ),
    (["arcee"], "a feed-forward part without gate, and squared ReLU"),
    (["seed_oss"], "its own name for the norm before the feed-forward part"),
    (["mistral3", "llama4", "qwen2_vl", "qwen2_5_vl", "qwen3_vl"], "a part that sees"),
    (["qwen"], "queries, keys and values that are fused"),
  ]

  /// The architecture that a GGUF file names.
  ///
  /// - Parameter name: The value of `general.architecture`.
  /// - Returns: The architecture, or `nil` when it is not known.
  package static func named(_ name: String) -> Architecture? { all.first { $0.name == name } }

  /// The architecture that a `config.json` names.
  ///
  /// - Parameter type: The value of `model_type`.
  /// - Returns: The architecture, or `nil` when it is not known.
  package static func ofHuggingFace(type: String) -> Architecture? {
    all.first { $0.huggingFaceType == type || $0.otherTypes.contains(type) }
  }

  /// The remark of messages on a name that is not known: `it would need experts; only llama is
  /// supported`.
  ///
  /// - Parameters:
  ///   - unknown: The name that a file has.
  ///   - name: Which of an architecture's names it is.
  /// - Returns: The end of a sentence.
  package static func onlySupported(
    _ unknown: String?, _ name: (Architecture) -> String
  ) -> String {
    var names: [String] = []
    for known in all.map(name) where !names.contains(known) { names.append(known) }
    let need = needs.first { entry in entry.names.contains { $0 == unknown } }
    return HelpTopic.unknownArchitecture.after(
      (need.map { "it would need \($0.need); " } ?? "")
        + "only \(names.joined(separator: ", ")) \(names.count == 1 ? "is" : "are") supported")
  }
}

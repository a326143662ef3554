import Testing
import WeightmillLLaMA
import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTestSupport

/// Configuration files are read strictly and impossible ones refused.
struct ConfigurationTests {
  private func read(_ changes: [String: String] = [:]) throws -> LlamaConfiguration {
    var fields = [
      "model_type": "\"llama\"", "hidden_size": "256", "num_hidden_layers": "4",
      "num_attention_heads": "4", "intermediate_size": "768", "vocab_size": "3072",
    ]
    fields.merge(changes) { $1 }
    let text = "{" + fields.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    return try LlamaConfiguration(
      huggingFace: JSONParser.parse(Array(text.utf8), file: "config.json"), location: "config.json")
  }

  @Test func whatIsNotSaidHasLlamasValue() throws {
    let configuration = try read()
    #expect(configuration.keyValueHeadCount == 4)
    #expect(configuration.headDimension == 64)
    #expect(configuration.ropeBase == 10_000)
    #expect(configuration.normEpsilon == 1e-6)
    #expect(configuration.contextLength == 2048)
    #expect(!configuration.tiesEmbeddings)
  }

  @Test func transformers5KeepsTheRopeBaseElsewhere() throws {
    let value = "{\"rope_type\":\"default\",\"rope_theta\":500000.0}"
    #expect(try read(["rope_parameters": value]).ropeBase == 500_000)
    #expect(try read(["rope_theta": "1000000"]).ropeBase == 1_000_000)
  }

  @Test func phisDefaultsAreThoseOfTransformers() throws {
    let phi = try read(["model_type": "\"phi3\"", "partial_rotary_factor": "0.75"])
    #expect(phi.contextLength == 4096 && phi.originalContextLength == 4096)
    #expect(phi.window == nil && phi.headDimension == 64 && phi.rotaryDimension == 48)
    let windowed = try read(["model_type": "\"phi3\"", "sliding_window": "2047"])
    #expect((0..<4).allSatisfy { windowed.window(ofLayer: $0) == 2047 })
    #expect(windowed.rotaryDimension == 64)
  }

  @Test func gemmasDefaultsAreThoseOfTransformers() throws {
    let first = try read(["model_type": "\"gemma\"", "hidden_act": "\"gelu\""])
    #expect(first.headDimension == 256 && first.contextLength == 8192 && first.window == nil)
    #expect(first.scales.embedding == 16 && first.scales.attention == nil && first.tiesEmbeddings)
    let second = try read(["model_type": "\"gemma2\""])
    #expect(second.scales.attentionCap == 50 && second.scales.logitCap == 30)
    #expect((0..<4).map(second.window(ofLayer:)) == [4096, nil, 4096, nil])
    #expect(second.localRopeBase == nil && second.ropeBase == 10_000)
    let third = try read(["model_type": "\"gemma3_text\"", "num_hidden_layers": "12"])
    #expect((0..<12).filter { third.window(ofLayer: $0) == nil } == [5, 11])
    #expect(third.ropeBase == 1_000_000 && third.localRopeBase == 10_000)
    #expect(third.scales.attentionCap == nil && third.scales.logitCap == nil)
  }

  /// The largest models divide scores by the root of width / heads.
  @Test func gemmas27BHasAnotherScale() throws {
    let sizes = [
      "hidden_size": "4608", "num_attention_heads": "32", "num_key_value_heads": "16",
      "head_dim": "128", "query_pre_attn_scalar": "144",
    ]
    let large = ["model_type": "\"gemma2\"", "num_hidden_layers": "46"].merging(sizes) { $1 }
    #expect(try read(large).scales.attention == 1 / 12)
    let small = ["model_type": "\"gemma2\"", "num_hidden_layers": "42"].merging(sizes) { $1 }
    expectError(.unsupported) { _ = try read(small) }
  }

  /// Both forms in which Gemma 3's files say their rotary angles.
  @Test(arguments: [
    [
      "rope_theta": "2000000", "rope_local_base_freq": "5000",
      "rope_scaling": "{\"rope_type\":\"linear\",\"factor\":8.0}",
    ],
    [
      "rope_parameters": "{\"full_attention\":{\"rope_type\":\"linear\",\"factor\":8.0,"
        + "\"rope_theta\":2000000},\"sliding_attention\":{\"rope_type\":\"default\","
        + "\"rope_theta\":5000}}"
    ],
  ])
  func gemma3HasAnglesOfTwoKinds(fields: [String: String]) throws {
    let gemma = try read(["model_type": "\"gemma3_text\""].merging(fields) { $1 })
    #expect(gemma.ropeBase == 2_000_000 && gemma.localRopeBase == 5000)
    #expect(gemma.rotaryScaling == .linear(factor: 8))
    // All four layers have a window.
    #expect((0..<4).allSatisfy { gemma.hasLocalAngles(layer: $0) })
  }

  @Test(arguments: [["sliding_window": "null"], ["sliding_window_pattern": "1"]])
  func gemma3MayHaveNoWindow(fields: [String: String]) throws {
    let gemma = try read(["model_type": "\"gemma3_text\""].merging(fields) { $1 })
    #expect(gemma.window == nil && gemma.localRopeBase == nil)
  }

  @Test func strayKeysOfOtherArchitecturesAreIgnored() throws {
    let configuration = try read([
      "layer_norm_eps": "1e-05", "rotary_pct": "1", "rms_norm_eps": "1e-06",
    ])
    #expect(configuration.normEpsilon == 1e-6)
  }

  @Test(arguments: [
    ["hidden_size": "0"], ["hidden_size": "\"256\""], ["hidden_size": "256.0"],
    ["num_attention_heads": "0"], ["num_key_value_heads": "3"], ["num_key_value_heads": "0"],
    ["num_hidden_layers": "0"], ["num_hidden_layers": "1000000000"], ["vocab_size": "-1"],
    ["hidden_size": "9223372036854775807"], ["rms_norm_eps": "0"], ["rope_theta": "-1"],
    ["rms_norm_eps": "1e999"], ["hidden_size": "null"], ["head_dim": "63"],
    ["tie_word_embeddings": "\"yes\""], ["attention_bias": "\"true\""],
    ["rope_scaling": "{\"type\":\"yarn\"}"], ["rope_scaling": "{\"type\":\"linear\"}"],
    ["rope_scaling": "{\"type\":\"linear\",\"factor\":0}"],
    ["rope_scaling": "{\"type\":\"linear\",\"factor\":-2}"],
    ["rope_scaling": "{\"type\":\"linear\",\"factor\":\"4\"}"],
    ["rope_scaling": "{\"type\":\"linear\",\"factor\":1e300}"],
    ["rope_scaling": "{\"type\":4,\"factor\":2}"], ["rope_scaling": "[]"],
    ["rope_scaling": "{\"type\":\"llama3\",\"high_freq_factor\":1}"],
    ["rope_scaling": "{\"type\":\"llama3\",\"original_max_position_embeddings\":0}"],
    ["rope_scaling": "{\"type\":\"longrope\"}"],
    ["rope_scaling": "{\"type\":\"su\",\"short_factor\":[1],\"long_factor\":[1]}"],
    ["rope_scaling": "{\"type\":\"su\",\"short_factor\":[1,\"2\"],\"long_factor\":[1,2]}"],
    [
      "rope_scaling": "{\"type\":\"linear\",\"factor\":2}",
      "rope_parameters": "{\"rope_type\":\"linear\",\"factor\":4}",
    ],
    ["model_type": "\"minicpm\""], ["model_type": "\"granite\"", "logits_scaling": "0"],
    ["model_type": "\"gemma2\"", "final_logit_softcapping": "-30"],
    ["model_type": "\"gemma2\"", "attn_logit_softcapping": "0"],
    ["model_type": "\"gemma2\"", "attn_logit_softcapping": "1e300"],
    ["model_type": "\"gemma3_text\"", "final_logit_softcapping": "-1"],
    ["model_type": "\"gemma3_text\"", "sliding_window": "0"],
    ["model_type": "\"gemma3_text\"", "rope_local_base_freq": "0"],
    ["model_type": "\"gemma3_text\"", "rope_local_base_freq": "\"low\""],
    ["partial_rotary_factor": "0"], ["partial_rotary_factor": "2"],
    ["partial_rotary_factor": "-0.5"], ["partial_rotary_factor": "1e300"],
    ["partial_rotary_factor": "\"half\""],
    ["model_type": "\"phi3\"", "partial_rotary_factor": "0.01"],
    // 64 * 0.55 is 35, which are no pairs.
    ["model_type": "\"phi3\"", "partial_rotary_factor": "0.55"],
    ["model_type": "\"phi3\"", "sliding_window": "0"],
    ["model_type": "\"phi3\"", "sliding_window": "-1"],
    ["model_type": "\"phi3\"", "sliding_window": "9223372036854775807"],
    ["model_type": "\"phi3\"", "original_max_position_embeddings": "0"],
    ["model_type": "\"phi3\"", "original_max_position_embeddings": "9223372036854775807"],
    [
      "model_type": "\"phi3\"",
      "rope_scaling": "{\"type\":\"longrope\",\"short_factor\":[1],\"long_factor\":[1]}",
    ],
  ])
  func impossibleValuesAreMalformed(changes: [String: String]) {
    expectError(.malformed) { _ = try read(changes) }
  }

  @Test(arguments: [
    ["model_type": "\"phimoe\""], ["hidden_act": "\"gelu\""],
    ["model_type": "\"phi3\"", "head_dim": "32"],
    ["model_type": "\"gemma\"", "hidden_activation": "\"gelu\""],
    ["model_type": "\"gemma\"", "hidden_act": "\"silu\""],
    ["model_type": "\"gemma\"", "tie_word_embeddings": "false"],
    ["model_type": "\"gemma2\"", "attn_logit_softcapping": "null"],
    ["model_type": "\"gemma2\"", "query_pre_attn_scalar": "144"],
    ["model_type": "\"gemma2\"", "sliding_window_pattern": "3"],
    [
      "model_type": "\"gemma2\"",
      "layer_types": "[\"full_attention\",\"sliding_attention\",\"full_attention\","
        + "\"sliding_attention\"]",
    ],
    ["model_type": "\"gemma3_text\"", "attn_logit_softcapping": "50"],
    ["model_type": "\"gemma3_text\"", "use_bidirectional_attention": "true"],
    [
      "model_type": "\"gemma3_text\"",
      "rope_scaling": "{\"rope_type\":\"yarn\",\"factor\":8.0}",
    ],
    [
      "model_type": "\"gemma3_text\"",
      "rope_parameters": "{\"sliding_attention\":{\"rope_type\":\"linear\",\"factor\":2}}",
    ],
    ["rope_parameters": "{\"full_attention\":{\"rope_theta\":5000}}"],
    ["model_type": "\"phi3\"", "rope_scaling": "{\"type\":\"linear\",\"factor\":2}"],
    ["model_type": "\"phi3\"", "attention_bias": "true"],
    [
      "model_type": "\"phi3\"", "layer_types": "[\"full_attention\",\"sliding_attention\"]",
      "sliding_window": "8",
    ],
    ["model_type": "\"phi3\"", "use_bidirectional_attention": "true"],
    ["model_type": "\"phi3\"", "attn_logit_softcapping": "50"],
    ["rope_scaling": "{\"type\":\"ntk\",\"factor\":2}"], ["rope_scaling": "{\"factor\":4}"],
    ["rope_parameters": "{\"rope_type\":\"mrope\",\"mrope_section\":[2,3,3]}"],
    ["partial_rotary_factor": "0.5"], ["rope_parameters": "{\"partial_rotary_factor\":0.25}"],
    ["model_type": "\"mistral\"", "attention_bias": "true"],
    [
      "model_type": "\"qwen3\"",
      "rope_scaling": "{\"type\":\"llama3\",\"factor\":8}",
    ],
    [
      "model_type": "\"smollm3\"", "no_rope_layers": "[1,1,0,1]",
    ],
    ["model_type": "\"smollm3\"", "no_rope_layer_interval": "2"],
    ["model_type": "\"olmo2\"", "tie_word_embeddings": "true"],
    ["hidden_size": "1048576", "head_dim": "1048576"],
  ])
  func otherArchitecturesAreUnsupported(changes: [String: String]) {
    expectError(.unsupported) { _ = try read(changes) }
  }
}

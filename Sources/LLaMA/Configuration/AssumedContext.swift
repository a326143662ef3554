package import WeightmillStrictJSON
import WeightmillTensors

/// The context length of a model whose `params.json` does not say it, by what tells the models of
/// Meta's and Mistral's apart.
package struct AssumedContext: Equatable, Sendable {
  /// The number of tokens.
  package let length: Int
  /// The model that has this length, and the sign of it, for people to read.
  package let origin: String

  /// Takes a `params.json`; `nil` where it says the length itself.
  ///
  /// - Parameter json: The content of the file.
  package init?(meta json: JSONValue) {
    guard let object = LlamaConfiguration.metaFields(json).object,
      ConfigurationFields.contextNames.allSatisfy({ object.nonNull($0) == nil })
    else { return nil }
    self.init(object)
  }

  /// Sources: the published `params.json` of each model; for the epsilon and the base, llama.cpp's
  /// converter of Meta's files, which takes the largest LLaMA 1 for a Llama 2: that one has the same
  /// epsilon, but as many heads of keys and values as others.
  init(_ object: JSONObject) {
    let base = object.nonNull("rope_theta")?.double
    let isLargestOfLlama1 =
      object["dim"]?.integer == 8192 && object["n_layers"]?.integer == 80
      && object.nonNull("n_kv_heads")?.integer ?? 64 == object["n_heads"]?.integer ?? 64
    if object.nonNull("hidden_dim") != nil {
      (length, origin) = (32_768, "Mistral 7B's")
    } else if object["use_scaled_rope"]?.bool == true {
      (length, origin) = (131_072, "Llama 3.1's")
    } else if base == 500_000 {
      (length, origin) = (8192, "Llama 3's, for its rotary base 500000")
    } else if base == 1_000_000 {
      (length, origin) = (16_384, "Code Llama's, for its rotary base 1000000")
    } else if object["norm_eps"]?.double == 1e-5, !isLargestOfLlama1 {
      (length, origin) = (4096, "Llama 2's, for its epsilon 1e-5 (LLaMA 1: 2048)")
    } else {
      (length, origin) = (2048, "LLaMA 1's (Llama 2: 4096)")
    }
  }
}

extension ConfigurationFields {
  /// The names under which a `params.json` says the context length: Mistral's do since its second
  /// generation.
  static let contextNames = ["max_seq_len", "max_position_embeddings"]

  /// The context length of Meta's layout, said or assumed.
  func metaContextLength() throws(WeightmillError) -> Int {
    for name in Self.contextNames {
      if let said = try size(name) { return said }
    }
    return AssumedContext(object).length
  }
}

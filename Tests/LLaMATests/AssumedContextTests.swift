import Testing
import WeightmillLLaMA
import WeightmillStrictJSON
import WeightmillTestSupport

/// The context length of a `params.json` that does not say it. The fields are those of the published
/// files; the lengths are those of the models' cards and of transformers' configurations.
struct AssumedContextTests {
  @Test(
    arguments: [
      // LLaMA 1: 7B, 65B; Llama 2: 7B, 70B; Code Llama 7B; Llama 3 8B; 3.1 8B; Mistral 7B.
      (#""dim":4096,"n_heads":32,"n_layers":32,"norm_eps":1e-06"#, 2048, "LLaMA 1"),
      (#""dim":8192,"n_heads":64,"n_layers":80,"norm_eps":1e-05"#, 2048, "LLaMA 1"),
      (#""dim":4096,"n_heads":32,"n_layers":32,"norm_eps":1e-05"#, 4096, "Llama 2"),
      (#""dim":4096,"n_heads":32,"n_layers":32,"norm_eps":0.00001"#, 4096, "Llama 2"),
      (
        #""dim":8192,"n_heads":64,"n_kv_heads":8,"n_layers":80,"norm_eps":1e-05"#, 4096, "Llama 2"
      ),
      (
        #""dim":4096,"n_heads":32,"n_layers":32,"norm_eps":1e-05,"rope_theta":1000000"#, 16_384,
        "Code Llama"
      ),
      (
        #""dim":4096,"n_heads":32,"n_kv_heads":8,"n_layers":32,"norm_eps":1e-05,"rope_theta":500000.0"#,
        8192, "Llama 3's"
      ),
      (
        #""dim":4096,"n_heads":32,"n_layers":32,"norm_eps":1e-05,"rope_theta":500000,"use_scaled_rope":true"#,
        131_072, "Llama 3.1"
      ),
      (
        #""dim":4096,"n_heads":32,"n_layers":32,"norm_eps":1e-05,"rope_theta":1000000,"hidden_dim":14336"#,
        32_768, "Mistral"
      ),
    ] as [(String, Int, String)])
  func aModelIsToldByItsConstants(fields: String, length: Int, origin: String) throws {
    for text in ["{\(fields)}", #"{"model":{\#(fields)}}"#] {
      let json = try JSONParser.parse(Array(text.utf8), file: "params.json")
      let assumed = try #require(AssumedContext(meta: json))
      #expect(assumed.length == length)
      #expect(assumed.origin.hasPrefix(origin), "\(assumed.origin)")
    }
  }

  @Test(arguments: ["max_seq_len", "max_position_embeddings"])
  func whatTheFileSaysIsNotAssumed(name: String) throws {
    let text = #"{"dim":4096,"norm_eps":1e-05,"\#(name)":512}"#
    #expect(
      AssumedContext(meta: try JSONParser.parse(Array(text.utf8), file: "params.json")) == nil)
  }
}

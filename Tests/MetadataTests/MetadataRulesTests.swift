import Testing
import WeightmillGGUF
import WeightmillMetadata
import WeightmillTestSupport

/// What is found wrong with metadata: one file for each rule.
struct MetadataRulesTests {
  private static func ints(_ values: Int32...) -> GGUFValue {
    .array(.int32, values.map { .int32($0) })
  }

  private func problems(_ change: (inout GGUFMetadata) -> Void) -> [String] {
    var metadata = SampleFile.metadata
    change(&metadata)
    return MetadataRules.problems(metadata, SampleFile.tensors).map { "\($0.key) \($0.text)" }
  }

  @Test func nothingIsWrongWithTheSample() { #expect(problems { _ in }.isEmpty) }

  @Test(
    arguments: [
      ("llama.context_length", GGUFValue.uint64(128), "is of type u64; llama.cpp reads u32 only"),
      (
        "llama.attention.head_count", .float32(4),
        "is of type f32; llama.cpp reads u32 or [u32] or [i32] only"
      ),
      ("general.name", .int32(1), "is of type i32; llama.cpp reads str only"),
      ("general.author", .int32(1), "is of type i32; it is written as str"),
      ("tokenizer.ggml.eos_token_id", .int32(2), "is of type i32; llama.cpp reads u32 only"),
      ("tokenizer.ggml.add_bos_token", .uint8(1), "is of type u8; llama.cpp reads bool only"),
      ("tokenizer.ggml.scores", .array(.float64, []), "is of type [f64]"),
      (
        "tokenizer.ggml.scores", .array(.float32, [.float32(0)]),
        "has 1 elements, but there are 4 tokens"
      ),
      ("tokenizer.ggml.token_type", ints(1, 2, 9, 1), "says 9 of token 2"),
      (
        "tokenizer.ggml.tokens", .strings(["a", "b"]),
        "has 2 elements, but token_embd.weight has 4 rows"
      ),
      ("tokenizer.ggml.mask_token_id", .uint32(4), "is 4, but the ids of tokens end at 3"),
      ("tokenizer.ggml.suppress_tokens", ints(-1), "names token -1"),
      ("llama.embedding_length", .uint32(16), "is 16, but rows of token_embd.weight have 8 values"),
      ("llama.block_count", .uint32(2), "is 2, but there are tensors of 1 layers"),
      ("llama.context_length", .uint32(0), "is 0"),
      ("llama.attention.head_count_kv", .uint32(3), "is 3, of which 4 heads are no multiple"),
      ("llama.attention.layer_norm_rms_epsilon", .float32(0), "must be above 0"),
      ("llama.rope.freq_base", .float32(-1), "must be above 0"),
    ] as [(String, GGUFValue, String)])
  func wrongValuesAreFound(key: String, value: GGUFValue, text: String) {
    let found = problems { $0[key] = value }
    #expect(found.contains { $0.hasPrefix(key) && $0.contains(text) }, "\(found)")
  }

  @Test(arguments: [
    "general.architecture", "llama.context_length", "llama.embedding_length", "llama.block_count",
    "llama.attention.head_count", "llama.attention.layer_norm_rms_epsilon", "tokenizer.ggml.model",
    "tokenizer.ggml.tokens",
  ])
  func missingKeysAreFound(key: String) {
    #expect(problems { $0[key] = nil }.contains("\(key) is missing: llama.cpp refuses the file"))
  }

  @Test func filesThatAreNoModelsAreNotMissingTheirKeys() {
    #expect(MetadataRules.problems(GGUFMetadata(), []).isEmpty)
    var adapter = GGUFMetadata()
    adapter["general.type"] = .string("adapter")
    adapter["general.architecture"] = .string("llama")
    #expect(MetadataRules.problems(adapter, SampleFile.tensors).isEmpty)
  }

  @Test func namesOfCutsAreKnownToLlamaCpp() {
    func found(_ pre: String) -> Bool {
      problems {
        $0["tokenizer.ggml.model"] = .string("gpt2")
        $0["tokenizer.ggml.pre"] = .string(pre)
      }.contains { $0.hasPrefix("tokenizer.ggml.pre") }
    }
    #expect(!found("llama-bpe") && !found("kimi-k2") && !found("default"))
    #expect(found("lama-bpe"))
  }
}

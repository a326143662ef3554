import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization
import WeightmillVerification

/// What is wrong with a file's metadata is found, and nothing besides.
struct DamagedHeaderTests {
  private let files: CheckedFiles

  init() throws { files = try CheckedFiles() }

  private func small(_ mix: TypeMix = .f16, key: String, _ value: GGUFValue?) throws
    -> [Finding]
  {
    let model = try ModelLoader.load(SmallModel().write(to: files.folder, "small"))
    return try files.findings(model, mix) { $0.metadata[key] = value }
  }

  /// llama.cpp 0.3.36's answers to such files: "key … has wrong type u64 but expected type u32".
  @Test(arguments: [
    "llama.block_count", "llama.context_length", "llama.embedding_length",
    "llama.feed_forward_length", "llama.attention.head_count", "llama.attention.head_count_kv",
    "llama.attention.key_length", "llama.attention.value_length", "llama.vocab_size",
    "llama.rope.dimension_count", "general.file_type", "tokenizer.ggml.bos_token_id",
  ])
  func integersOfAnotherWidthAreErrors(key: String) throws {
    let model = try ModelLoader.load(SmallModel().write(to: files.folder, "small"))
    let found = try files.findings(model, .f16) { file in
      file.metadata[key] = .uint64(UInt64(file.metadata[key]?.integer ?? 0))
    }
    found.only("metadata", .error, containing: "\(key) is of type uint64")
    #expect(found.count == 1)
  }

  @Test(arguments: ["llama.rope.freq_base", "llama.attention.layer_norm_rms_epsilon"])
  func constantsOfDoublePrecisionAreErrors(key: String) throws {
    let model = try ModelLoader.load(SmallModel().write(to: files.folder, "small"))
    let found = try files.findings(model, .f16) { file in
      file.metadata[key] = .float64(file.metadata[key]?.double ?? 0)
    }
    found.only("metadata", .error, containing: "\(key) is of type float64")
  }

  @Test func tokenTypesOfAnotherWidthAreErrors() throws {
    let found = try small(
      key: "tokenizer.ggml.token_type",
      .array(.uint32, (0..<300).map { .uint32($0 == 0 ? 2 : $0 < 3 ? 3 : $0 < 259 ? 6 : 5) }))
    found.only(
      "metadata", .error, containing: "tokenizer.ggml.token_type holds values of type uint32")
    #expect(found.count == 1)
  }

  @Test func sizesThatContradictTensorsAreErrors() throws {
    try small(key: "llama.attention.value_length", .uint32(8)).only(
      "metadata", .error, containing: "llama.attention.value_length is 8")
    try small(key: "llama.vocab_size", .uint32(5)).only(
      "metadata", .warning, containing: "llama.vocab_size is 5")
    try small(key: "llama.expert_count", .uint32(8)).only(
      "metadata", .error, containing: "llama.expert_count is 8")
    try small(key: "llama.rope.freq_base", nil).only("metadata", .note)
  }

  @Test func constantsThatAreNotTheReferencesAreErrors() throws {
    try small(key: "llama.attention.layer_norm_rms_epsilon", .float32(1e-5)).only(
      "hyperparameters", .error, containing: "the epsilon of the norms is")
    try small(key: "llama.rope.freq_base", .float32(1_000_000)).only(
      "hyperparameters", .error, containing: "the base of the rotary angles is")
    try small(key: "llama.context_length", .uint32(512)).only("hyperparameters", .note)
  }

  /// Heads divide otherwise, though all shapes fit.
  @Test func anotherNumberOfHeadsIsAnError() throws {
    let model = try ModelLoader.load(SmallModel().write(to: files.folder, "small"))
    let found = try files.findings(model, .f16) { file in
      for name in ["head_count", "head_count_kv"] {
        file.metadata["llama.attention.\(name)"] = .uint32(4)
      }
      for name in ["attention.key_length", "attention.value_length", "rope.dimension_count"] {
        file.metadata["llama.\(name)"] = .uint32(16)
      }
    }
    #expect(found.contains { $0.message.contains("the number of heads is 4, the reference's 2") })
    #expect(found.contains { $0.message.contains("the head dimension is 16, the reference's 32") })
  }

  @Test func aMissingVersionOfQuantizationIsAWarning() throws {
    try small(.q8_0, key: "general.quantization_version", nil).only(
      "quantization-version", .warning, containing: "is missing")
    #expect(try small(.f16, key: "general.quantization_version", nil) == [])
  }

  /// The offsets of two tensors are exchanged in the header, and so are their positions in the data.
  @Test func tensorsOutOfOrderAreErrors() throws {
    let model = try ModelLoader.load(SmallModel().write(to: files.folder, "small"))
    var bytes = try Fixtures.bytes(files.convert(model, to: .f16))
    func offset(_ name: String) throws -> Range<Int> {
      let name = Array(name.utf8)
      let start =
        try #require(
          bytes.indices.first { bytes[$0...].starts(with: name) }) + name.count
      return start + 24..<start + 32
    }
    let (first, second) = (try offset("blk.0.attn_q.weight"), try offset("blk.0.attn_k.weight"))
    let (a, b) = (Array(bytes[first]), Array(bytes[second]))
    bytes.replaceSubrange(first, with: b)
    bytes.replaceSubrange(second, with: a)
    let found = try CheckedFiles.check(
      ModelLoader.load(files.folder.write(bytes, to: "x.gguf")), nil)
    found.only("layout", .error, containing: "blk.0.attn_q.weight lies at byte")
    #expect(found.count == 1)
  }
}

/// The types of tensors against the label.
struct TypeCheckTests {
  private let files: CheckedFiles

  init() throws { files = try CheckedFiles() }

  private func found(
    _ mix: TypeMix, label: GGUFValue?
  ) throws -> [Finding] {
    try files.findings(mix) { $0.metadata["general.file_type"] = label }
  }

  @Test func aWrongLabelIsAWarning() throws {
    let found = try found(.q8_0, label: .uint32(TypeMix.q4_K_M.fileType))
    found.only("file-type", .warning, containing: "most weights are Q8_0")
    #expect(found.count == 1)
  }

  @Test func aLabelThatIsMissingOrUnknownIsANote() throws {
    try found(.q8_0, label: nil).only("file-type", .note, containing: "is missing")
    try found(.q8_0, label: .uint32(999)).only("file-type", .note, containing: "is 999")
    // The bit that llama.cpp sets where it guessed.
    #expect(try found(.q8_0, label: .uint32(7 | 1024)) == [])
  }

  /// Q4_K_S gives fewer tensors more bits than Q4_K_M.
  @Test func fewerBitsThanTheLabelSaysAreAWarning() throws {
    let found = try found(.q4_K_S, label: .uint32(TypeMix.q4_K_M.fileType))
    #expect(
      found.contains { $0.severity == .warning && $0.message.contains("where Q4_K_M says Q6_K") })
    #expect(found.allSatisfy { $0.check == "file-type" })
  }

  @Test func moreBitsThanTheLabelSaysAreANote() throws {
    let model = try ModelLoader.load(files.convert(files.ziya(), to: .f16))
    var options = QuantizationOptions(.q4_K_M)
    options.outputType = .q8_0
    let plan = try ConversionPlan(quantize: model, with: options)
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: files.folder("x.gguf"), overwrite: false)
    let found = try CheckedFiles.check(ModelLoader.load(files.folder("x.gguf")), model)
    found.only("file-type", .note, containing: "output.weight is Q8_0 where Q4_K_M says Q6_K")
    #expect(found.count == 1)
  }

  @Test func pureMixesAreANote() throws {
    let model = try ModelLoader.load(files.convert(files.ziya(), to: .f16))
    var options = QuantizationOptions(.q4_K_M)
    options.isPure = true
    let plan = try ConversionPlan(quantize: model, with: options)
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: files.folder("x.gguf"), overwrite: false)
    let found = try CheckedFiles.check(ModelLoader.load(files.folder("x.gguf")), model)
    found.only("file-type", .note, containing: "--pure")
    #expect(found.count == 1)
  }
}

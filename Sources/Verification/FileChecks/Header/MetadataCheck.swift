import WeightmillGGUF
import WeightmillLLaMA
import WeightmillTensors

/// Whether llama.cpp takes the metadata, and reads from it what Weightmill reads.
///
/// Its loader wants each key in one type, and refuses a file that has another.
struct MetadataCheck {
  private let metadata: GGUFMetadata
  private let model: LlamaModel

  /// Checks the metadata of a model.
  init(_ metadata: GGUFMetadata, _ model: LlamaModel) {
    self.metadata = metadata
    self.model = model
  }

  /// The types of the keys that llama.cpp reads for this architecture.
  private static let architectureKinds:
    [(keys: [Architecture.Key], kinds: [GGUFValue.Kind], name: String)] = [
      (
        [
          .contextLength, .embeddingLength, .blockCount, .keyLength, .valueLength,
          .ropeDimensionCount, .vocabularySize, .ropeOriginalContextLength,
        ], [.uint32], "u32"
      ),
      ([.feedForwardLength, .headCount, .keyValueHeadCount], [.uint32, .array], "u32"),
      (
        [
          .normEpsilon, .ropeBase, .ropeScalingFactor, .ropeScaleLinear, .ropeAttentionFactor,
          .yarnAttentionFactor, .yarnBetaFast, .yarnBetaSlow, .embeddingScale, .residualScale,
          .logitScale, .attentionScale,
        ], [.float32], "f32"
      ),
      ([.ropeScalingType], [.string], "string"),
    ]

  /// The types of the keys that llama.cpp reads for any architecture.
  private static let kinds: [(keys: [String], kinds: [GGUFValue.Kind], name: String)] = [
    (
      [
        "general.file_type",
        "tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id",
        "tokenizer.ggml.unknown_token_id", "tokenizer.ggml.padding_token_id",
      ], [.uint32], "u32"
    ),
    (
      [
        "tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_eos_token",
        "tokenizer.ggml.add_space_prefix",
      ], [.bool], "bool"
    ),
    (
      ["tokenizer.ggml.model", "tokenizer.ggml.pre", "tokenizer.chat_template"], [.string], "string"
    ),
  ]

  /// The types of elements of the arrays that llama.cpp reads.
  private static let elements: [(key: String, kinds: [GGUFValue.Kind], name: String)] = [
    ("tokenizer.ggml.tokens", [.string], "strings"),
    ("tokenizer.ggml.scores", [.float32, .int32], "f32"),
    ("tokenizer.ggml.token_type", [.int32], "i32"),
    ("tokenizer.ggml.merges", [.string], "strings"),
  ]

  /// Adds what is found.
  func check(_ findings: inout FindingList) {
    checkTypes(&findings)
    checkHeads(&findings)
    checkQuantizationVersion(&findings)
    let context = model.configuration.contextLength
    if context < 32 {
      findings.warning(
        "metadata", "\(key(.contextLength)) is \(context): llama.cpp takes that as the default")
    }
  }

  private func key(_ key: Architecture.Key) -> String { model.architecture.name(of: key) }

  private func checkTypes(_ findings: inout FindingList) {
    let own = Self.architectureKinds.map {
      (keys: $0.keys.map(key), kinds: $0.kinds, name: $0.name)
    }
    for group in own + Self.kinds {
      for key in group.keys {
        guard let value = metadata[key], !group.kinds.contains(value.kind) else { continue }
        findings.error(
          "metadata",
          "\(key) is of type \(value.kind); llama.cpp reads \(group.name) only and "
            + "refuses the file; set it with `weightmill quantize --override-kv`")
      }
    }
    for array in Self.elements {
      guard case .array(let kind, _)? = metadata[array.key], !array.kinds.contains(kind) else {
        continue
      }
      findings.error(
        "metadata",
        "\(array.key) holds values of type \(kind); llama.cpp reads \(array.name) only "
          + "and refuses the file; convert the model again")
    }
  }

  private func checkHeads(_ findings: inout FindingList) {
    let head = model.configuration.headDimension
    if let length = metadata[key(.valueLength)]?.integer, length != head {
      findings.error(
        "metadata",
        "\(key(.valueLength)) is \(length), but the heads of the tensors have "
          + "\(head) values: llama.cpp refuses the file")
    }
    if let rows = metadata[key(.vocabularySize)]?.integer,
      rows != model.configuration.vocabularyRows
    {
      findings.warning(
        "metadata",
        "\(key(.vocabularySize)) is \(rows), but token_embd.weight has "
          + "\(model.configuration.vocabularyRows) rows")
    }
    if let experts = metadata[key(.expertCount)]?.integer, experts > 0 {
      findings.error(
        "metadata",
        "\(key(.expertCount)) is \(experts), but there are no experts: llama.cpp stops when "
          + "it loads the file")
    }
    if metadata[key(.ropeBase)] == nil, !model.architecture.leavesOutUsualRopeBase {
      findings.note("metadata", "\(key(.ropeBase)) is missing: 10000 is taken")
    }
  }

  private func checkQuantizationVersion(_ findings: inout FindingList) {
    let types = model.roles.compactMap { model.tensor($0)?.type }
    guard types.contains(where: { !$0.isScalar }) else { return }
    let version = metadata["general.quantization_version"]?.integer
    guard version != 2 else { return }
    findings.warning(
      "quantization-version",
      version.map { "general.quantization_version is \($0): blocks are read as those of version 2" }
        ?? "general.quantization_version is missing: blocks are read as those of version 2")
  }
}

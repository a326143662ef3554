import WeightmillGGUF
import WeightmillLLaMA
import WeightmillMetadata
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
    for entry in metadata.entries {
      guard let types = KnownKeys.types(of: entry.key, architecture: model.architecture.name),
        types.isDemanded, !types.contains(ValueType(of: entry.value))
      else { continue }
      let what =
        if case .array(let kind, _) = entry.value {
          "holds values of type \(kind)"
        } else {
          "is of type \(entry.value.kind)"
        }
      findings.error(
        "metadata",
        "\(entry.key) \(what); llama.cpp reads \(types.names) only and refuses the file; "
          + "set it with `weightmill metadata`")
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

import WeightmillConversion
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillTensors

/// Whether tensors are of the types that the mix named in `general.file_type` gives them.
struct TypeCheck {
  private let metadata: GGUFMetadata
  private let model: LlamaModel

  private struct Choice {
    let tensor: TensorDescriptor
    let role: TensorRole
    let expected: FittingType

    var differs: Bool { tensor.type != expected.type }
  }

  /// Checks the types of a model.
  init(_ metadata: GGUFMetadata, _ model: LlamaModel) {
    self.metadata = metadata
    self.model = model
  }

  /// Adds what is found.
  func check(_ findings: inout FindingList) {
    guard let value = metadata["general.file_type"]?.integer else {
      findings.note("file-type", "general.file_type is missing: the file does not say its mix")
      return
    }
    // llama.cpp sets this bit where it guessed.
    let number = value & ~1024
    guard let mix = TypeMix.allCases.first(where: { Int($0.fileType) == number }) else {
      findings.note(
        "file-type", "general.file_type is \(value), which is no mix that is known here")
      return
    }
    let choices = choices(mix)
    guard
      mostUsed(choices.map { ($0.tensor, $0.tensor.type) })
        == mostUsed(choices.map { ($0.tensor, $0.expected.type) })
    else {
      let type = mostUsed(choices.map { ($0.tensor, $0.tensor.type) })
      findings.warning(
        "file-type",
        "most weights are \(type?.name ?? "?"), but general.file_type says "
          + "\(mix.rawValue): the label is wrong; set it with `weightmill quantize`")
      return
    }
    addFallbacks(choices, &findings)
    addDifferences(choices.filter(\.differs), of: choices, mix, &findings)
  }

  /// What the mix gives each tensor, with an importance matrix or without: whichever is nearer.
  private func choices(_ mix: TypeMix) -> [Choice] {
    let hasKey = metadata.entries.contains { $0.key.hasPrefix("quantize.imatrix.") }
    let first = choices(mix, hasImportance: hasKey)
    let second = choices(mix, hasImportance: !hasKey)
    return second.count(where: \.differs) < first.count(where: \.differs) ? second : first
  }

  private func choices(_ mix: TypeMix, hasImportance: Bool) -> [Choice] {
    let configuration = model.configuration
    let mixed = MixedModel(
      layerCount: configuration.layerCount, headCount: configuration.headCount,
      keyValueHeadCount: configuration.keyValueHeadCount, tiesEmbeddings: model.tiesEmbeddings,
      hasImportance: hasImportance)
    return model.roles.compactMap { role in
      guard let tensor = model.tensor(role) else { return nil }
      let columns = tensor.shape.columns
      let type =
        role.isVector
        ? FittingType(.f32, columns: columns) : mix.type(of: role, in: mixed, columns: columns)
      return type.map { Choice(tensor: tensor, role: role, expected: $0) }
    }
  }

  /// The type of most weights.
  private func mostUsed(_ tensors: [(TensorDescriptor, TensorType)]) -> TensorType? {
    var counts: [TensorType: Int] = [:]
    for (tensor, type) in tensors { counts[type, default: 0] += tensor.shape.count }
    return TensorType.allCases.max { counts[$0, default: 0] < counts[$1, default: 0] }
  }

  private func addFallbacks(_ choices: [Choice], _ findings: inout FindingList) {
    let fallen = choices.filter { !$0.differs && $0.expected.fallbackFrom != nil }
    for (key, group) in groups(fallen, by: { ($0.expected.fallbackFrom ?? .f32, $0.tensor.type) }) {
      let columns = Set(group.map(\.tensor.shape.columns)).sorted().map(String.init)
      findings.note(
        "row-fallback", tensor: group.count == 1 ? group[0].tensor.name : nil,
        "\(names(group)) \(key.1.name) in place of \(key.0.name): rows of "
          + "\(columns.joined(separator: " or ")) values are no whole blocks of it")
    }
  }

  private func addDifferences(
    _ different: [Choice], of all: [Choice], _ mix: TypeMix, _ findings: inout FindingList
  ) {
    let matrices = all.filter { !$0.role.isVector }
    let isPure = matrices.allSatisfy {
      $0.tensor.type == FittingType(mix.baseType, columns: $0.tensor.shape.columns)?.type
    }
    if isPure, different.allSatisfy({ !$0.role.isVector }), !different.isEmpty {
      findings.note(
        "file-type",
        "all matrices are \(mix.baseType.name), as `--pure` makes them: the mix "
          + "\(mix.rawValue) gives \(different.count) of them another type")
      return
    }
    for (key, group) in groups(different, by: { ($0.tensor.type, $0.expected.type) }) {
      // More bits than the label says harm nobody.
      let isLess = key.0.bits < key.1.bits
      findings.add(
        isLess ? .warning : .note, "file-type",
        tensor: group.count == 1 ? group[0].tensor.name : nil,
        "\(names(group)) \(key.0.name) where \(mix.rawValue) says \(key.1.name)")
    }
  }

  /// Choices by a pair of types, in the order in which the pairs occur.
  private func groups(
    _ choices: [Choice], by key: (Choice) -> (TensorType, TensorType)
  ) -> [(key: (TensorType, TensorType), group: [Choice])] {
    var groups: [(key: (TensorType, TensorType), group: [Choice])] = []
    for choice in choices {
      let pair = key(choice)
      if let index = groups.firstIndex(where: { $0.key == pair }) {
        groups[index].group.append(choice)
      } else {
        groups.append((pair, [choice]))
      }
    }
    return groups
  }

  private func names(_ choices: [Choice]) -> String {
    choices.count == 1
      ? "\(choices[0].tensor.name) is"
      : TensorFindings.names(choices.map(\.tensor.name)) + " are"
  }
}

extension TensorType {
  /// Bits for each value.
  fileprivate var bits: Double { Double(bytesPerBlock * 8) / Double(valuesPerBlock) }
}

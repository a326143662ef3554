import WeightmillLLaMA
import WeightmillTensors

/// An adapter's tensors, sorted by what they do to which tensor of the base.
struct AdapterContent {
  /// The indices of the two matrices of an update.
  struct Update {
    let a: Int
    let b: Int
    /// Whether they are an embedding's, whose roles are exchanged.
    let isEmbedding: Bool
  }

  /// The updates.
  private(set) var updates: [TensorRole: Update] = [:]
  /// The lengths of merged rows: DoRA.
  private(set) var magnitudes: [TensorRole: Int] = [:]
  /// The tensors that replace the base's.
  private(set) var saved: [TensorRole: Int] = [:]
  /// The tensors that are not used.
  private(set) var ignored: [String] = []
  /// The tensors that do not fit, and why.
  private(set) var faults: [TensorFault] = []
  private let catalogue: any Catalogue
  private let configuration: LlamaConfiguration
  /// The scheme of the tensors' names.
  private let naming: NamingScheme
  private var indices: [TensorRole: [AdapterTensorName.Part: Int]] = [:]

  /// Sorts the tensors of an adapter for a model of this configuration.
  ///
  /// - Throws: `unsupported` for tensors of other kinds of LoRA, and for types that are not read.
  init(
    _ catalogue: any Catalogue, named naming: NamingScheme, _ configuration: LlamaConfiguration
  ) throws(WeightmillError) {
    self.catalogue = catalogue
    self.configuration = configuration
    self.naming = naming
    for (index, tensor) in catalogue.tensors.enumerated() {
      try sort(tensor, index)
    }
    for (role, parts) in indices { pair(role, parts) }
    // Dictionaries have no order; messages shall have one.
    faults.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    ignored.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private mutating func sort(
    _ tensor: TensorDescriptor, _ index: Int
  ) throws(WeightmillError) {
    let parsed =
      naming == .gguf ? AdapterTensorName(gguf: tensor.name) : AdapterTensorName(tensor.name)
    guard let name = parsed else {
      if tensor.name.hasSuffix(".rotary_emb.inv_freq") {
        ignored.append(tensor.name)
      } else {
        faults.append(TensorFault(tensor.name, "is unknown"))
      }
      return
    }
    if case .unsupported(let kind) = name.part {
      throw WeightmillError(
        .unsupported, catalogue.location, "holds \(kind), which is not merged yet",
        at: "tensor \(quoted(tensor.name))", remedy: "merge it with PEFT and convert the result")
    }
    guard name.part != .gain else { return ignored.append(tensor.name) }
    guard let role = role(name.module, name.isBias ? ".bias" : ".weight") else {
      faults.append(TensorFault(tensor.name, "is not for a module of the base"))
      return
    }
    guard name.part != .original else { return ignored.append(tensor.name) }
    guard ScalarRows.encodable.contains(tensor.type) else {
      throw WeightmillError(
        .unsupported, catalogue.location,
        "tensor \(quoted(tensor.name)) is of type \(tensor.type.name), which is not merged",
        remedy: "save the adapter in F16, BF16 or F32")
    }
    guard indices[role, default: [:]].updateValue(index, forKey: name.part) == nil else {
      faults.append(TensorFault(tensor.name, "is there under another name, too"))
      return
    }
  }

  /// The role of a module's weights or bias in the base; models without a head lack the first component.
  private func role(_ module: String, _ suffix: String) -> TensorRole? {
    func role(_ name: String) -> TensorRole? {
      naming.role(of: name, in: configuration.architecture)
    }
    let headless = naming == .gguf ? nil : role("model." + module + suffix)
    switch role(module + suffix) ?? headless {
    case .layer(let layer, _) where layer >= configuration.layerCount: return nil
    case .rotaryFrequencies, nil: return nil
    case let role?: return role
    }
  }

  /// Finds what belongs together among the tensors of a module.
  private mutating func pair(_ role: TensorRole, _ parts: [AdapterTensorName.Part: Int]) {
    let kinds: [(AdapterTensorName.Part, AdapterTensorName.Part, Bool)] = [
      (.a, .b, false), (.embeddingA, .embeddingB, true),
    ]
    for (first, second, isEmbedding) in kinds {
      switch (parts[first], parts[second]) {
      case (nil, nil): break
      case (let a?, nil): faults.append(TensorFault(name(a), "has no B"))
      case (nil, let b?): faults.append(TensorFault(name(b), "has no A"))
      case (let a?, let b?) where isEmbedding == (role == .tokenEmbedding):
        updates[role] = Update(a: a, b: b, isEmbedding: isEmbedding)
      case (let a?, _):
        faults.append(
          TensorFault(name(a), isEmbedding ? "is not for an embedding" : "is for an embedding"))
      }
    }
    if let magnitude = parts[.magnitude] {
      magnitudes[role] = magnitude
      if updates[role] == nil { faults.append(TensorFault(name(magnitude), "has no A and B")) }
    }
    if let marked = parts[.saved] {
      saved[role] = marked
      if let whole = parts[.whole] { ignored.append(name(whole)) }
    } else if let whole = parts[.whole] {
      saved[role] = whole
    }
  }

  private func name(_ index: Int) -> String { catalogue.tensors[index].name }
}

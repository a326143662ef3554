public import WeightmillTensors

/// A catalogue known to hold a whole model: every tensor there, each of the right shape.
public struct LlamaModel: Sendable {
  /// The model's sizes and constants.
  public let configuration: LlamaConfiguration
  /// The tensors; behind those of the files, factors of rotary frequencies that only GGUF files hold
  /// and that follow from the configuration.
  public let catalogue: any Catalogue
  /// The tensors of the files alone.
  package let stored: any Catalogue
  /// The tensors' names and the order of their rows.
  package let scheme: NamingScheme
  private let indices: [TensorRole: Int]

  /// Checks that a catalogue holds a whole model.
  ///
  /// - Parameters:
  ///   - catalogue: The tensors.
  ///   - configuration: The model's sizes.
  ///   - scheme: How the tensors are named.
  /// - Throws: `mismatch`, naming every tensor that is missing, unknown or of another shape.
  package init(
    catalogue: any Catalogue, configuration: LlamaConfiguration, scheme: NamingScheme
  ) throws(WeightmillError) {
    _ = try TensorIndex(catalogue)
    var indices: [TensorRole: Int] = [:]
    var faults: [TensorFault] = []
    for (index, tensor) in catalogue.tensors.enumerated() {
      switch scheme.role(of: tensor.name, in: configuration.architecture) {
      case .rotaryFrequencies: break
      case .layer(let layer, _) where layer >= configuration.layerCount:
        faults.append(TensorFault(tensor.name, "belongs to no layer"))
      case let role?:
        if let other = indices.updateValue(index, forKey: role) {
          let name = catalogue.tensors[other].name
          faults.append(TensorFault(tensor.name, "is there as \(quoted(name)), too"))
        }
        if case .layer(_, let kind) = role, role.isBias,
          configuration.biases?.contains(kind) == false
        {
          faults.append(
            TensorFault(tensor.name, "is a bias that the configuration does not speak of"))
        }
        let expected = role.extents(in: configuration)
        if tensor.shape.extents != expected {
          faults.append(TensorFault(tensor.name, "is \(tensor.shape), not \(expected)"))
        }
      case nil: faults.append(TensorFault(tensor.name, "is unknown"))
      }
    }
    // llama.cpp takes files without any bias, whatever the architecture.
    let needsBiases = scheme != .gguf || indices.keys.contains(where: \.isBias)
    for role in TensorRole.all(in: configuration)
    where indices[role] == nil && role.isRequired(in: configuration)
      && (needsBiases || !role.isBias)
    {
      let name = scheme.name(of: role, in: configuration.architecture)
      faults.append(TensorFault(name, "is missing"))
    }
    guard faults.isEmpty else {
      throw WeightmillError(
        .mismatch, catalogue.location,
        "does not hold the model its configuration describes: \(TensorFault.summary(faults))",
        remedy: "check that all files come from the same model")
    }
    let added = configuration.ropeFactors.filter { indices[.ropeFactors($0.kind)] == nil }
    for (offset, factors) in added.enumerated() {
      indices[.ropeFactors(factors.kind)] = catalogue.tensors.count + offset
    }
    self.configuration = configuration
    self.catalogue =
      added.isEmpty
      ? catalogue
      : ExtendedCatalogue(
        catalogue,
        adding: added.map {
          (scheme.name(of: .ropeFactors($0.kind), in: configuration.architecture), $0.values)
        })
    self.stored = catalogue
    self.scheme = scheme
    self.indices = indices
  }

  /// The traits that the model shares with others of its kind.
  package var architecture: Architecture { configuration.architecture }

  /// The order of the rows of queries and keys in the catalogue.
  package var rowOrder: Architecture.RowOrder { scheme.rowOrder(of: architecture) }

  /// What the catalogue holds less of each gain of a norm than what the model multiplies by.
  package var gainOffset: Float { architecture.gainOffsets[scheme] ?? 0 }

  /// A tensor's index in the catalogue; the output matrix may be the embedding's (tied weights).
  ///
  /// - Parameter role: What the tensor is for.
  package subscript(_ role: TensorRole) -> Int? {
    indices[role] ?? (role == .output ? indices[.tokenEmbedding] : nil)
  }

  /// Whether the output matrix is the embedding.
  package var tiesEmbeddings: Bool { indices[.output] == nil }

  /// The model's tensors that a file must hold, in the order in which the model uses them.
  package var roles: [TensorRole] {
    TensorRole.all(in: configuration).filter { indices[$0] != nil }
  }

  /// The roles that are in files of any layout: factors of rotary frequencies are GGUF's alone.
  package var commonRoles: [TensorRole] { roles.filter { !$0.isRopeFactors } }

  /// The description of a tensor.
  ///
  /// - Parameter role: What the tensor is for.
  /// - Returns: The description, or `nil` when the model has no such tensor.
  package func tensor(_ role: TensorRole) -> TensorDescriptor? {
    self[role].map { catalogue.tensors[$0] }
  }
}

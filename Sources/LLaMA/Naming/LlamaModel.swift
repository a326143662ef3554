public import Tensors

/// A catalogue known to hold a whole LLaMA model: every tensor there, each of the right shape.
public struct LlamaModel: Sendable {
  /// The model's sizes and constants.
  public let configuration: LlamaConfiguration
  /// The tensors.
  public let catalogue: any Catalogue
  /// How they are named and their rows ordered.
  public let scheme: NamingScheme
  /// Names of tensors that are not needed: rotary frequencies.
  public let ignored: [String]
  private let places: [TensorRole: Int]

  /// Checks that a catalogue holds a whole model.
  ///
  /// - Parameters:
  ///   - catalogue: The tensors.
  ///   - configuration: The model's sizes.
  ///   - scheme: How the tensors are named.
  /// - Throws: `mismatch`, naming every tensor that is missing, unknown or of another shape.
  public init(
    catalogue: any Catalogue, configuration: LlamaConfiguration, scheme: NamingScheme
  ) throws(WeightmillError) {
    _ = try TensorIndex(catalogue)
    var places: [TensorRole: Int] = [:]
    var ignored: [String] = []
    var faults: [TensorFault] = []
    for (place, tensor) in catalogue.tensors.enumerated() {
      switch scheme.role(of: tensor.name) {
      case .rotaryFrequencies: ignored.append(tensor.name)
      case .layer(let layer, _) where layer >= configuration.layerCount:
        faults.append(TensorFault(tensor.name, "belongs to no layer"))
      case let role?:
        places[role] = place
        let expected = role.extents(in: configuration)
        if tensor.shape.extents != expected {
          faults.append(TensorFault(tensor.name, "is \(tensor.shape), not \(expected)"))
        }
      case nil: faults.append(TensorFault(tensor.name, "is unknown"))
      }
    }
    for role in TensorRole.all(layerCount: configuration.layerCount)
    where places[role] == nil && !(role == .output && configuration.tiesEmbeddings) {
      faults.append(TensorFault(scheme.name(of: role), "is missing"))
    }
    guard faults.isEmpty else {
      throw WeightmillError(
        .mismatch, catalogue.location,
        "does not hold the model its configuration describes: \(TensorFault.summary(faults))",
        remedy: "check that all files come from the same model")
    }
    self.configuration = configuration
    self.catalogue = catalogue
    self.scheme = scheme
    self.ignored = ignored
    self.places = places
  }

  /// Where in the catalogue a tensor is; the output matrix may be the embedding's (tied weights).
  ///
  /// - Parameter role: What the tensor is for.
  public subscript(_ role: TensorRole) -> Int? {
    places[role] ?? (role == .output ? places[.tokenEmbedding] : nil)
  }

  /// Whether the output matrix is the embedding.
  public var tiesEmbeddings: Bool { places[.output] == nil }

  /// The model's tensors that a file must hold, in the order in which the model uses them.
  public var roles: [TensorRole] {
    TensorRole.all(layerCount: configuration.layerCount).filter { places[$0] != nil }
  }

  /// The description of a tensor.
  ///
  /// - Parameter role: What the tensor is for.
  /// - Returns: The description, or `nil` when the model has no such tensor.
  public func tensor(_ role: TensorRole) -> TensorDescriptor? {
    self[role].map { catalogue.tensors[$0] }
  }
}

/// One tensor that does not fit, for messages.
public struct TensorFault: Sendable {
  /// The tensor's name.
  public let name: String
  /// What is wrong with it.
  public let problem: String

  /// Describes a fault.
  ///
  /// - Parameters:
  ///   - name: The tensor's name.
  ///   - problem: What is wrong with it.
  public init(_ name: String, _ problem: String) {
    self.name = name
    self.problem = problem
  }

  /// All faults in one line: tensors that differ in their layer only are named together.
  ///
  /// - Parameter faults: The faults.
  /// - Returns: The line, without a full stop.
  public static func summary(_ faults: [TensorFault]) -> String {
    var order: [TensorName] = []
    var groups: [TensorName: (pattern: String, problem: String, layers: [String])] = [:]
    for fault in faults {
      let parts = fault.name.split(separator: ".", omittingEmptySubsequences: false)
      let place = parts.firstIndex { !$0.isEmpty && $0.allSatisfy(\.isNumber) }
      let pattern = parts.enumerated().map { $0 == place ? "*" : String($1) }.joined(separator: ".")
      let key = TensorName(pattern + "\n" + fault.problem)
      if groups[key] == nil {
        order.append(key)
        groups[key] = (pattern, fault.problem, [])
      }
      if let place { groups[key]?.layers.append(String(parts[place])) }
    }
    return order.compactMap { groups[$0] }.map { group in
      let layers = group.layers
      let range =
        layers.count > 2
        ? "{\(layers[0])…\(layers[layers.count - 1])}" : layers.joined(separator: ",")
      let name = group.pattern.split(separator: "*", maxSplits: 1, omittingEmptySubsequences: false)
      let shown = name.count == 2 ? "\(name[0])\(range)\(name[1])" : group.pattern
      let count = layers.count > 2 ? " (\(layers.count) tensors)" : ""
      return "\(quoted(shown))\(count) \(group.problem)"
    }.joined(separator: ", ")
  }
}

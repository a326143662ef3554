import WeightmillLLaMA
import WeightmillQuantization
package import WeightmillTensors

/// The tensors of a GGUF file that is to be written, with their types and their importance.
struct GGUFItems {
  /// The tensors.
  private(set) var items: [ConversionPlan.Item] = []
  /// Remarks for the user.
  private(set) var notes: [String] = []
  /// The reason why the items cannot be written, if there is one.
  private(set) var obstacle: WeightmillError?

  private let options: QuantizationOptions
  private let layers: [Int]
  private let subject: MixedSource
  private var missing: [String] = []
  /// The matrices with blocks of columns that the text of the importance never used.
  private var unused: [(name: String, columns: Int)] = []
  private var known = 0

  /// Describes the tensors.
  ///
  /// - Parameters:
  ///   - source: The tensors, under their names in the GGUF file.
  ///   - subject: What they are.
  ///   - layers: Which layers of the whole model these are.
  ///   - options: The types.
  ///   - rowGroup: How many rows of queries and keys are best read together.
  ///   - shards: For each tensor the number of its file, if there are several.
  /// - Throws: `unsupported`, and `mismatch` when the importance is another model's.
  init(
    _ source: any Catalogue, _ subject: MixedSource, layers: [Int],
    _ options: QuantizationOptions, rowGroup: Int = 1, shards: [Int] = []
  ) throws(WeightmillError) {
    self.options = options
    self.layers = layers
    self.subject = subject
    var chooser = TypeChooser(options, subject)
    for (index, tensor) in source.tensors.enumerated() {
      let role = subject.role(of: tensor.name)
      let choice = try chooser.choose(tensor)
      let target = TensorDescriptor(name: tensor.name, type: choice.type.type, shape: tensor.shape)
      let importance = target.type.isScalar ? nil : try importance(target)
      if tensor.type != target.type, obstacle == nil {
        obstacle = obstacle(target, importance, location: source.location)
      }
      if tensor.type != target.type, let importance { countUnused(importance, target) }
      items.append(
        ConversionPlan.Item(
          tensor: target, index: index, rowGroup: role?.isRotated == true ? rowGroup : 1,
          fallbackFrom: choice.type.fallbackFrom, importance: importance,
          shard: shards.isEmpty ? 0 : shards[index], hasFreeType: choice.isFree))
    }
    notes = chooser.notes
    try noteImportance(source)
  }

  /// The name the tensor has in the whole model's GGUF file, from which importance is computed.
  private func wholeName(_ name: String) -> String {
    guard let architecture = subject.architecture,
      case .layer(let layer, let kind)? = subject.role(of: name), layers.indices.contains(layer)
    else { return name }
    return NamingScheme.gguf.name(of: .layer(layers[layer], kind), in: architecture)
  }

  private mutating func importance(
    _ tensor: TensorDescriptor
  ) throws(WeightmillError) -> [Float]? {
    guard let selection = options.importance else { return nil }
    // Experts have importance each of their own, in files that are not made of one row for all.
    guard tensor.shape.extents.count < 3 else {
      missing.append(tensor.name)
      return nil
    }
    let weights = try selection.weights(of: wholeName(tensor.name), columns: tensor.shape.columns)
    if weights != nil { known += 1 }
    // Embeddings are looked up, not multiplied: there is no importance of theirs.
    if weights == nil, subject.layer(of: tensor.name) != nil { missing.append(tensor.name) }
    return weights
  }

  private mutating func countUnused(_ importance: [Float], _ tensor: TensorDescriptor) {
    guard RowEncoder.usesImportance(tensor.type) else { return }
    let columns = ColumnWeights.unusedColumns(
      importance, blockSize: tensor.type.valuesPerBlock)
    if columns > 0 { unused.append((wholeName(tensor.name), columns)) }
  }

  /// Why a tensor cannot be written; section 1.4 of `formats/quantization.md`.
  private func obstacle(
    _ tensor: TensorDescriptor, _ importance: [Float]?, location: String
  ) -> WeightmillError? {
    guard RowEncoder.types.contains(tensor.type) else {
      return WeightmillError(
        .unsupported, location,
        "tensor \(quoted(tensor.name)) would be \(tensor.type.name), which cannot be written yet",
        remedy: "types that can: " + RowEncoder.types.map(\.name).joined(separator: ", "))
    }
    guard options.method == .best || RowEncoder.compatibleTypes.contains(tensor.type) else {
      return WeightmillError(
        .unsupported, location,
        "tensor \(quoted(tensor.name)) would be \(tensor.type.name), for which llama.cpp has no "
          + "closed form",
        remedy: "leave out --encoder compatible, or use one of "
          + RowEncoder.compatibleTypes.map(\.name).joined(separator: ", "))
    }
    guard importance == nil, !options.isCalibrated, needsImportance(tensor.type),
      subject.layer(of: tensor.name) != nil
    else { return nil }
    guard let selection = options.importance else {
      return WeightmillError(
        .usage, location,
        "\(tensor.type.name) requires an importance matrix, which is not given, for tensor "
          + quoted(tensor.name),
        remedy: HelpTopic.importance.after(
          "make one with `weightmill imatrix`, and give it with --imatrix"))
    }
    return WeightmillError(
      .mismatch, selection.path,
      "has no importance for tensor \(quoted(tensor.name)), which \(tensor.type.name) requires",
      remedy: "make one with `weightmill imatrix`, of this model")
  }

  private func needsImportance(_ type: TensorType) -> Bool {
    type.needsImportance || type == .q2_K && options.mix == .q2_K_S
  }

  private mutating func noteImportance(_ source: any Catalogue) throws(WeightmillError) {
    guard let selection = options.importance else { return }
    notes += selection.notes
    guard !selection.entries.isEmpty else {
      notes.append("nothing of \(selection.path) is used")
      return
    }
    if !missing.isEmpty {
      let names = TensorFault.summary(missing.map { TensorFault($0, "") })
      notes.append(
        "\(selection.path) has no importance for \(Self.count(missing.count, of: "matri"))"
          + ": \(names)")
    }
    if let first = unused.first {
      let columns = unused.reduce(0) { $0 + $1.columns }
      notes.append(
        "\(selection.path) has importance 0 for \(columns) columns, whole blocks, of "
          + "\(Self.count(unused.count, of: "matri")), the first \(quoted(first.name)): its text "
          + "never used them; their weights are kept as without importance")
    }
    let names = Set(source.tensors.map { TensorName(wholeName($0.name)) })
    let strangers = selection.entries.keys.filter { !names.contains($0) && !isPruned($0.text) }
    guard strangers.count < selection.entries.count else {
      throw WeightmillError(
        .mismatch, selection.path, "holds importance for other tensors than the model's",
        remedy: "compute it for this model with `weightmill imatrix`")
    }
    if !strangers.isEmpty {
      let first = strangers.map(\.text).sorted()[0]
      notes.append(
        "\(selection.path) holds importance for \(Self.count(strangers.count, of: "matri")) that "
          + "the model does not have, such as \(quoted(first))")
    }
  }

  private static func count(_ count: Int, of stem: String) -> String {
    "\(count) \(stem)\(count == 1 ? "x" : "ces")"
  }

  private func isPruned(_ name: String) -> Bool {
    guard case .layer(let layer, _)? = subject.role(of: name) else { return false }
    return options.prunedLayers.contains(layer)
  }
}

extension TensorType {
  /// Whether llama.cpp writes the type for a layer's matrix only where the importance of its columns is known.
  package var needsImportance: Bool {
    switch self {
    case .iq1_S, .iq1_M, .iq2_XXS, .iq2_XS, .iq2_S, .iq3_XXS: true
    default: false
    }
  }
}

import WeightmillLLaMA
import WeightmillTensors

/// An adapter held against a model: what changes, and what does not fit.
struct AdapterFit {
  /// The changes to the model's tensors.
  private(set) var changes: [TensorRole: AdaptedCatalogue.Change] = [:]
  /// The tensors that do not fit, and why.
  private(set) var faults: [TensorFault]
  /// The rows of embedding and output matrix after the merge.
  let vocabularyRows: Int
  private let content: AdapterContent
  private let catalogue: any Catalogue
  private let configuration: AdapterConfiguration
  private let model: LlamaModel

  init(
    _ content: AdapterContent, _ catalogue: any Catalogue, _ configuration: AdapterConfiguration,
    _ model: LlamaModel
  ) {
    self.content = content
    self.catalogue = catalogue
    let naming = configuration.naming
    self.configuration = configuration.fitting(
      content.updates.map { role, update in
        let (a, b) = (catalogue.tensors[update.a].shape, catalogue.tensors[update.b].shape)
        return (
          Self.module(role, model, naming), naming == .gguf ? b.columns : a.extents.first ?? 0
        )
      })
    self.model = model
    faults = content.faults
    let rows = model.configuration.vocabularyRows
    let shared = model.tiesEmbeddings ? content.saved[.output] : nil
    vocabularyRows =
      (content.saved[.tokenEmbedding] ?? shared).flatMap {
        catalogue.tensors[$0].shape.extents.first
      } ?? rows
    for role in TensorRole.all(in: model.configuration) {
      if let index = content.saved[role] { save(index, role) }
      if let update = content.updates[role] { add(update, role) }
    }
    separate()
    checkHeights(rows)
    checkSavedModules()
  }

  /// The extents that a tensor has after the merge.
  private func extents(_ role: TensorRole) -> [Int] {
    role.extents(in: model.configuration.with(vocabularyRows: vocabularyRows))
  }

  /// A module's name as PEFT's configuration has it.
  private func module(_ role: TensorRole) -> String {
    Self.module(role, model, configuration.naming)
  }

  private static func module(
    _ role: TensorRole, _ model: LlamaModel, _ naming: NamingScheme
  ) -> String {
    // PEFT's adapters know fused queries, keys and values by one name.
    if case .layer(let layer, let kind) = role, [.query, .key, .value].contains(kind),
      naming != .gguf,
      let fused = model.architecture.fusedModule
    {
      return "model.layers.\(layer).\(fused)"
    }
    let name = NamingScheme.huggingFace.name(of: role, in: model.architecture)
    return String(name.dropLast(role.isBias ? ".bias".count : ".weight".count))
  }

  private mutating func save(_ index: Int, _ role: TensorRole) {
    let tensor = catalogue.tensors[index]
    // Biases and norms of heads are not in every model.
    guard model[role] != nil else {
      return faults.append(TensorFault(tensor.name, "is not for a module of the base"))
    }
    if tensor.shape.extents != extents(role) {
      faults.append(
        TensorFault(tensor.name, "is \(tensor.shape), not \(extents(role))"))
    }
    changes[role, default: .init()].saved = index
  }

  private mutating func add(_ update: AdapterContent.Update, _ role: TensorRole) {
    let (a, b) = (catalogue.tensors[update.a], catalogue.tensors[update.b])
    let extents = extents(role)
    guard extents.count == 2 else {
      faults.append(TensorFault(a.name, "is for a norm"))
      return
    }
    let rank = configuration.rank(of: module(role))
    guard rank <= AdapterConfiguration.maximumRank else {
      return faults.append(
        TensorFault(
          b.name,
          "is of rank \(rank); ranks up to \(AdapterConfiguration.maximumRank) are merged"))
    }
    // An embedding's weights are stored with its inputs, the tokens, as rows.
    let (inputs, outputs) =
      update.isEmbedding ? (extents[0], extents[1]) : (extents[1], extents[0])
    // llama.cpp looks up rows of A by token.
    let isByToken = update.isEmbedding && configuration.naming == .gguf
    let plain = (a: isByToken ? [inputs, rank] : [rank, inputs], b: [outputs, rank])
    let turned = (a: [rank, outputs], b: [inputs, rank])
    let isPlain = a.shape.extents == plain.a && b.shape.extents == plain.b
    // LLaMA's weights have their outputs as rows, so that PEFT sets the flag back; only shapes
    // that fit in no other way are taken by it.
    let isTurned =
      configuration.isFanInFanOut && !update.isEmbedding && !isPlain
      && a.shape.extents == turned.a && b.shape.extents == turned.b
    guard isPlain || isTurned else {
      for (tensor, expected) in [(a, plain.a), (b, plain.b)] where tensor.shape.extents != expected
      {
        faults.append(
          TensorFault(tensor.name, "is \(tensor.shape), not \(expected) (rank \(rank))"))
      }
      return
    }
    let isExchanged = update.isEmbedding || isTurned
    let (left, right) = isExchanged ? (update.a, update.b) : (update.b, update.a)
    let magnitude = content.magnitudes[role]
    if configuration.isDecomposed {
      checkMagnitude(magnitude, of: a, outputs: outputs, isTurned: isTurned)
    }
    changes[role, default: .init()].update = LowRankUpdate(
      left: LowRankFactor(
        catalogue: catalogue, index: left, isTransposed: isExchanged && !isByToken),
      right: LowRankFactor(catalogue: catalogue, index: right, isTransposed: isExchanged),
      magnitude: magnitude,
      scale: configuration.scale(of: module(role)), roundsFirst: update.isEmbedding)
  }

  /// Checks that the lengths of merged rows are there, one for each.
  private mutating func checkMagnitude(
    _ index: Int?, of a: TensorDescriptor, outputs: Int, isTurned: Bool
  ) {
    guard let index else {
      return faults.append(TensorFault(a.name, "has no lora_magnitude_vector"))
    }
    let tensor = catalogue.tensors[index]
    if isTurned {
      faults.append(TensorFault(tensor.name, "is for weights that are stored transposed"))
    } else if tensor.shape.extents != [outputs] {
      faults.append(TensorFault(tensor.name, "is \(tensor.shape), not \([outputs])"))
    }
  }

  /// The matrices whose inputs are the hidden features.
  private static let inputs: Set<TensorRole.LayerTensor> = [
    .queryKeyValue, .query, .key, .value, .gateAndUp, .gate, .up,
  ]

  /// The width of the model that the adapter was made for, where that is not this model's width.
  var otherWidth: Int? {
    let inputs = content.updates.compactMap { role, update -> Int? in
      guard case .layer(_, let tensor) = role, Self.inputs.contains(tensor)
      else { return nil }
      return catalogue.tensors[update.a].shape.columns
    }
    let widths = Set(inputs)
    guard let width = widths.first, widths.count == 1, width != model.configuration.hiddenSize
    else { return nil }
    return width
  }

  /// Whether the model's output matrix is its embedding no more.
  var untiesHead: Bool { model.tiesEmbeddings && changes[.output] != nil }

  /// The tensor that a module is stored as because it was resized or has an update, and not because it
  /// was trained: it is the base's, and where the base's output matrix is its embedding, it is both.
  private func basesOwn(_ role: TensorRole) -> Int? {
    let isTrained = configuration.savedModules.contains { Self.names($0, module(role)) }
    return isTrained ? nil : content.saved[role]
  }

  /// Gives a model whose embedding served as output matrix one of its own, if the adapter was trained
  /// with two that differ: PEFT changes a module, and leaves the matrix that it shared to the other.
  private mutating func separate() {
    guard model.tiesEmbeddings else { return }
    func isTrained(_ role: TensorRole) -> Bool {
      content.updates[role] != nil || (content.saved[role] != nil && basesOwn(role) == nil)
    }
    let hasHead = content.saved[.output] != nil || content.updates[.output] != nil
    guard hasHead || (isTrained(.tokenEmbedding) && !configuration.keepsTie) else { return }
    var (head, embedding) = (changes[.output] ?? .init(), changes[.tokenEmbedding])
    if head.saved == nil { head.saved = basesOwn(.tokenEmbedding) }
    if embedding?.saved == nil, let shared = basesOwn(.output) {
      embedding = embedding ?? .init()
      embedding?.saved = shared
    }
    (changes[.output], changes[.tokenEmbedding]) = (head, embedding)
  }

  /// Embedding and output matrix grow together.
  private mutating func checkHeights(_ rows: Int) {
    let staysTied = model.tiesEmbeddings && changes[.output] == nil
    let isWhole =
      changes[.tokenEmbedding]?.saved != nil && (staysTied || changes[.output]?.saved != nil)
    guard vocabularyRows != rows, !isWhole else { return }
    faults.append(
      TensorFault(
        NamingScheme.huggingFace.name(of: .output, in: model.architecture),
        "has \(rows) rows in the base, the embeddings \(vocabularyRows) in the adapter"))
  }

  /// Checks that the modules are there which the configuration says are stored whole.
  private mutating func checkSavedModules() {
    for role in model.roles where content.saved[role] == nil {
      let module = module(role)
      if configuration.savedModules.contains(where: { Self.names($0, module) }) {
        faults.append(TensorFault(module, "is in modules_to_save, but is not there"))
      }
    }
  }

  /// Whether a module is listed under a name: the whole one, or what follows a dot in it.
  private static func names(_ name: String, _ module: String) -> Bool {
    TensorName(name) == TensorName(module) || module.hasSuffix("." + name)
  }

  /// The tensors that are stored whole.
  var savedNames: [String] {
    content.saved.values.map { catalogue.tensors[$0].name }
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// One line on what is merged.
  func summary(_ location: String) -> String {
    var parts: [String] = []
    if !content.updates.isEmpty {
      let roles = content.updates.keys.map(module)
      let ranks = Set(roles.map(configuration.rank)).sorted()
      let scales = Set(roles.map(configuration.scale)).sorted()
      func range(_ name: String, _ texts: [String]) -> String {
        guard let first = texts.first, let last = texts.last, texts.count > 1 else {
          return "\(name) \(texts.first ?? "")"
        }
        return "\(name)s \(first) to \(last)"
      }
      parts.append(
        "\(roles.count) \(configuration.isDecomposed ? "DoRA " : "")"
          + (roles.count == 1 ? "update, " : "updates, ")
          + range("rank", ranks.map(String.init)) + ", " + range("scale", scales.map(Self.short)))
    }
    if !content.saved.isEmpty {
      let rows = model.configuration.vocabularyRows
      parts.append(
        "\(content.saved.count) whole \(content.saved.count == 1 ? "tensor" : "tensors")"
          + (vocabularyRows == rows ? "" : ", \(rows) → \(vocabularyRows) embedding rows"))
    }
    let base = configuration.baseName.map { $0.isEmpty ? "" : ", made for \(quoted($0))" } ?? ""
    return "LoRA \(location): " + parts.joined(separator: "; ") + base
  }

  private static func short(_ scale: Float) -> String {
    let rounded = (Double(scale) * 1000).rounded() / 1000
    return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
  }

  /// Notes on what is odd about the adapter, but no error.
  func notes(_ location: String) -> [String] {
    var notes: [String] = []
    if !content.ignored.isEmpty {
      let faults = content.ignored.map { TensorFault($0, "is not used") }
      notes.append("\(location): \(TensorFault.summary(faults, limit: .max))")
    }
    let missing = model.roles.filter { role in
      !role.isBias && content.updates[role] == nil && content.saved[role] == nil
        && configuration.targetModules.contains { Self.names($0, module(role)) }
    }
    if !missing.isEmpty {
      let faults = missing.map { TensorFault(module($0), "is a target, but has no update") }
      notes.append("\(location): \(TensorFault.summary(faults, limit: .max))")
    }
    notes += configuration.tableNotes(content.updates.keys.map(module).sorted()).map {
      "\(location): \($0)"
    }
    if untiesHead {
      notes.append(
        "\(location): the output matrix is the embedding no longer, but a tensor of its own, as the "
          + "adapter has it")
    }
    if configuration.factor != 1, !content.saved.isEmpty {
      notes.append(
        "\(location): the scale \(configuration.factor) is for updates: tensors that are stored whole "
          + "are taken as they are")
    }
    if configuration.isFanInFanOut, !changes.values.contains(where: \.isTurned) {
      notes.append(
        "\(location): fan_in_fan_out has no effect: LLaMA's weights have their outputs as rows")
    }
    return notes
  }
}

extension AdaptedCatalogue.Change {
  /// Whether a layer's update is stored for transposed weights.
  fileprivate var isTurned: Bool {
    update.map { $0.left.isTransposed && !$0.roundsFirst } ?? false
  }
}

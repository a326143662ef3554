package import WeightmillLLaMA
package import WeightmillTensors

/// A LoRA adapter in PEFT's layout or llama.cpp's, to be merged into a model as `merge_and_unload` does.
///
/// The rules are in `formats/lora-peft.md`.
package struct LowRankAdapter: Sendable {
  /// The adapter's folder or file, for messages.
  package let location: String
  private var configuration: AdapterConfiguration
  private let catalogue: any Catalogue

  /// Describes an adapter.
  ///
  /// - Parameters:
  ///   - catalogue: The tensors of `adapter_model.safetensors`, `adapter_model.bin` or a GGUF file.
  ///   - configuration: What `adapter_config.json` or the metadata say.
  ///   - location: The adapter's folder or file, for messages.
  package init(
    _ catalogue: any Catalogue, configuration: AdapterConfiguration, location: String
  ) {
    self.location = location
    self.configuration = configuration
    self.catalogue = catalogue
  }

  /// The same adapter with all scales multiplied by a factor.
  ///
  /// - Parameter factor: The factor.
  /// - Returns: The adapter.
  package func scaled(by factor: Double) -> LowRankAdapter {
    var adapter = self
    adapter.configuration.factor *= factor
    return adapter
  }

  /// Whether tensors are those of a LoRA adapter.
  ///
  /// - Parameter catalogue: The tensors of a file.
  /// - Returns: Whether any of them has the name of an update.
  package static func isAdapter(_ catalogue: any Catalogue) -> Bool {
    catalogue.tensors.contains { AdapterTensorName.isUpdate($0.name) }
  }

  /// Merges the adapter into a model; nothing is read but a few descriptions.
  ///
  /// - Parameter model: The model, in any layout.
  /// - Returns: The model in Hugging Face's names and row order, every tensor in the type it had,
  ///   with the number of embedding rows that the adapter brings; and what the user should know.
  /// - Throws: `mismatch`, naming every tensor that does not fit; `unsupported`.
  package func merged(into model: LlamaModel) throws(WeightmillError) -> AdaptedModel {
    let (catalogue, content, fit) = try fitted(to: model)
    try checkSizes(fit)
    try checkTypes(fit, model)
    let configuration = try model.configuration.with(
      vocabularyRows: fit.vocabularyRows, tiesEmbeddings: fit.untiesHead ? false : nil
    ).checked(location: location)
    let merged = try LlamaModel(
      catalogue: AdaptedCatalogue(model, adapter: catalogue, changes: fit.changes),
      configuration: configuration, scheme: .huggingFace)
    let matrices: [TensorRole] = [.tokenEmbedding, .output]
    return AdaptedModel(
      model: merged, notes: [fit.summary(location)] + fit.notes(location),
      changesEmbeddings: matrices.contains { fit.changes[$0] != nil },
      replacesEmbeddings: matrices.contains { content.saved[$0] != nil })
  }

  /// The adapter held against a model, whose tensors fit.
  private func fitted(
    to model: LlamaModel
  ) throws(WeightmillError) -> (any Catalogue, AdapterContent, AdapterFit) {
    let empty = catalogue.tensors.filter { $0.shape.count == 0 }
    if let error = EmptyTensors.error(empty.map(\.name), of: location) { throw error }
    let catalogue: any Catalogue =
      switch configuration.naming {
      case .gguf: UnpermutedAdapter(self.catalogue, model.configuration)
      default:
        model.architecture.fusedQueries == nil
          ? self.catalogue : GroupedQueries(adapter: self.catalogue, model.configuration)
      }
    let content = try AdapterContent(catalogue, named: configuration.naming, model.configuration)
    try checkMagnitudes(content, model)
    let fit = AdapterFit(content, catalogue, configuration, model)
    guard fit.faults.isEmpty else {
      throw WeightmillError(
        .mismatch, location,
        "does not fit \(model.catalogue.location): "
          + (fit.otherWidth.map {
            "it is for a width of \($0), not \(model.configuration.hiddenSize): "
          } ?? "") + TensorFault.summary(fit.faults),
        remedy: HelpTopic.adapters.after(
          "merge it into the model it was made for"
            + (configuration.baseName.map { ", which it calls \(quoted($0))" } ?? "")))
    }
    guard !fit.changes.isEmpty else {
      throw WeightmillError(.mismatch, location, "holds nothing that could be merged")
    }
    return (catalogue, content, fit)
  }

  /// Refuses DoRA where it is not merged.
  private func checkMagnitudes(
    _ content: AdapterContent, _ model: LlamaModel
  ) throws(WeightmillError) {
    let problem: String
    switch content.magnitudes {
    case let found where found.isEmpty: return
    case _ where !configuration.isDecomposed:
      problem = "holds DoRA's lengths of rows, but its configuration does not say \"use_dora\""
    case let found where found[.tokenEmbedding] != nil:
      problem = "has DoRA of the embedding, which is not merged"
    case _ where model.architecture.fusedQueries != nil:
      problem = "has DoRA of matrices that are queries, keys and values in one, which is not merged"
    default: return
    }
    throw WeightmillError(
      .unsupported, location, problem, remedy: "merge it with PEFT and convert the result")
  }

  /// Checks that the factors fit in memory which must be decoded as a whole.
  private func checkSizes(_ fit: AdapterFit) throws(WeightmillError) {
    for update in fit.changes.values.compactMap(\.update) {
      let whole = [update.right] + (update.left.isTransposed ? [update.left] : [])
      guard whole.allSatisfy({ $0.rows * $0.columns <= LowRankFactor.maximumValues }) else {
        throw WeightmillError(
          .unsupported, location,
          "the update \(quoted(update.right.name)) is larger than any that is known")
      }
    }
  }

  /// Checks that something can be merged into the tensors that change.
  private func checkTypes(_ fit: AdapterFit, _ model: LlamaModel) throws(WeightmillError) {
    for role in fit.changes.keys {
      let name = NamingScheme.huggingFace.name(of: role, in: model.architecture)
      let type = model.tensor(role)?.type ?? .f16
      guard ScalarRows.encodable.contains(type) else {
        throw WeightmillError(
          .unsupported, model.catalogue.location,
          "tensor \(quoted(name)) is of type \(type.name), into which nothing can be merged",
          remedy: "give weights in F16, BF16 or F32")
      }
    }
  }
}

extension LowRankAdapter {
  /// The adapter as llama.cpp reads it, for a model.
  ///
  /// - Parameter model: The model, in any layout: nothing of it is read but names and shapes.
  /// - Returns: The tensors of the GGUF file, and what it says.
  /// - Throws: `mismatch`, naming every tensor that does not fit; `unsupported` for what such a file cannot
  ///   hold.
  package func exported(for model: LlamaModel) throws(WeightmillError) -> ExportedAdapter {
    let (_, _, fit) = try fitted(to: model)
    try checkSizes(fit)
    guard !configuration.isDecomposed else {
      throw refusal("is DoRA, whose lengths of rows a GGUF adapter cannot hold")
    }
    if let first = fit.savedNames.first {
      let more = fit.savedNames.count - 1
      throw refusal(
        "stores modules whole, which a GGUF adapter cannot hold: \(quoted(first))"
          + (more > 0 ? " and \(more) more" : ""))
    }
    if model.tiesEmbeddings,
      let role = [TensorRole.tokenEmbedding, .output].first(where: { fit.changes[$0] != nil })
    {
      throw refusal(
        "changes \(quoted(NamingScheme.gguf.name(of: role, in: model.architecture))) alone of embedding "
          + "and output matrix, which are one in the model: llama.cpp's adapters cannot")
    }
    return try ExportedAdapter(
      fit.changes.compactMapValues(\.update), of: model, location: location,
      baseName: configuration.baseName,
      notes: [fit.summary(location)] + fit.notes(location))
  }

  private func refusal(_ problem: String) -> WeightmillError {
    WeightmillError(
      .unsupported, location, problem,
      remedy: "leave out --lora-only: a merged model holds it")
  }
}

/// A model with an adapter merged into it.
package struct AdaptedModel {
  /// The model.
  package let model: LlamaModel
  /// What the user should know.
  package let notes: [String]
  /// Whether the adapter changes the embedding or the output matrix.
  package let changesEmbeddings: Bool
  /// Whether it does so by bringing its own, so that an earlier change is lost.
  package let replacesEmbeddings: Bool
}

package import WeightmillLLaMA
package import WeightmillTensors

/// A LoRA adapter in PEFT's layout, to be merged into a model as `merge_and_unload` does.
///
/// The rules are in `formats/lora-peft.md`.
package struct LowRankAdapter: Sendable {
  /// The adapter's folder, for messages.
  package let location: String
  private let configuration: AdapterConfiguration
  private let catalogue: any Catalogue

  /// Describes an adapter.
  ///
  /// - Parameters:
  ///   - catalogue: The tensors of `adapter_model.safetensors` or `adapter_model.bin`.
  ///   - configuration: What `adapter_config.json` says.
  ///   - location: The adapter's folder, for messages.
  package init(
    _ catalogue: any Catalogue, configuration: AdapterConfiguration, location: String
  ) {
    self.location = location
    self.configuration = configuration
    self.catalogue = catalogue
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
    let empty = catalogue.tensors.filter { $0.shape.count == 0 }
    if let error = EmptyTensors.error(empty.map(\.name), of: location) { throw error }
    let catalogue: any Catalogue =
      model.architecture.fusedQueries == nil
      ? self.catalogue : GroupedQueries(adapter: self.catalogue, model.configuration)
    let content = try AdapterContent(catalogue, model.configuration)
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
    try checkSizes(fit, model)
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

  /// Checks that the factors fit in memory which must be decoded as a whole.
  private func checkSizes(_ fit: AdapterFit, _ model: LlamaModel) throws(WeightmillError) {
    for (role, change) in fit.changes {
      let name = NamingScheme.huggingFace.name(of: role, in: model.architecture)
      if let update = change.update {
        let whole = [update.right] + (update.left.isTransposed ? [update.left] : [])
        guard whole.allSatisfy({ $0.rows * $0.columns <= LowRankFactor.maximumValues }) else {
          throw WeightmillError(
            .unsupported, location,
            "the update of \(quoted(name)) is larger than any that is known")
        }
      }
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

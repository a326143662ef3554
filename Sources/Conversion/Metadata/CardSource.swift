import WeightmillLLaMA
package import WeightmillModelCards
package import WeightmillModels
package import WeightmillTensors

/// Where the words come from that a GGUF file has on its model.
package struct CardSource: Sendable {
  /// The name that was asked for.
  package var name: String?
  /// The name of a model whose files tell none.
  package var fallback: String
  /// A file of JSON that overrides what the model's own files say.
  package var override: String?
  /// Whether the folder's name, and the one in its configuration, are the model's even without a card.
  package var takesFolderName = false

  /// Describes a source.
  ///
  /// - Parameters:
  ///   - name: The name that was asked for.
  ///   - fallback: The name of a model whose files tell none.
  ///   - override: A file of JSON that overrides what the model's own files say.
  package init(name: String?, fallback: String, override: String? = nil) {
    self.name = name
    self.fallback = fallback
    self.override = override
  }

  /// Reads what a model's files say of it.
  ///
  /// - Parameter model: The model.
  /// - Returns: The card.
  /// - Throws: What reading the files throws; `malformed` for an override that does not fit.
  package func card(of model: LoadedModel) throws(WeightmillError) -> ModelCard {
    let llama = model.llama
    let count = llama.roles.reduce(0) { $0 + (llama.tensor($1)?.shape.count ?? 0) }
    func folder(_ path: String?) throws(WeightmillError) -> Folder? {
      guard let path, Folder.isFolder(path) == true else { return nil }
      return try Folder(path)
    }
    return try ModelCard(
      card: folder(model.cardFolder), settings: folder(model.settingsFolder),
      request: ModelCard.Request(
        override: override, name: name, fallback: fallback, takesFolderName: takesFolderName,
        parameters: count, sizeLabel: SizeLabel.of(count)))
  }
}

import SystemPackage
public import WeightmillGGUF
public import WeightmillLLaMA
package import WeightmillMerging
import WeightmillStrictJSON
package import WeightmillTensors
public import WeightmillTokenization

/// A whole model ready for use: checked tensors, configuration, tokenizer.
public struct LoadedModel: Sendable {
  /// The tensors with their configuration.
  public internal(set) var llama: LlamaModel
  /// The tokenizer, with a token for each embedding row; `nil` when none was found that can be used.
  public let tokenizer: ModelTokenizer?
  /// The reason why a tokenizer that was found cannot be used.
  package internal(set) var tokenizerObstacle: WeightmillError?
  /// The chat templates that the model has.
  package let chatTemplates: ChatTemplates
  /// The chat template, if the model has one.
  public var chatTemplate: String? { chatTemplates.main }
  /// The metadata, if the model came from a GGUF file.
  public let metadata: GGUFMetadata?
  /// The rule by which a delta was merged.
  package let mergeRule: String?
  /// Every file that is read: none of them may be written to.
  package let files: [String]
  /// Remarks for the user.
  public internal(set) var notes: [String]
  /// The paths that were asked for.
  package internal(set) var origins: [String] = []
  /// The folder whose configuration and tokenizer files are the model's.
  package internal(set) var settingsFolder: String?
  /// The folder whose model card is the model's: of the last adapter, else of the delta, else its own.
  package internal(set) var cardFolder: String?
  /// The folder of the tokenizer, if it is an adapter's.
  package internal(set) var tokenizerFolder: String?
  /// The files it is made from, for `SourceChecks`.
  package internal(set) var sources: [SourceFile] = []
  /// The number of tensors in each file of a split GGUF file; empty for every other model.
  package var shardSizes: [Int] = []
  /// The sum of the merged values, where such sums are published.
  package var sum: Sum?

  /// The sum of a merged model's values, which is known when all of them have been read.
  package struct Sum: Sendable {
    package let catalogue: SummedCatalogue
    package let kind: DeltaKind
    package let configuration: LlamaConfiguration

    /// The sum; `nil` before every row has been read.
    package var value: ValueSum? { ValueSum(catalogue, configuration) }
  }

  /// The tokenizer, for work that cannot be done without one.
  ///
  /// - Returns: The tokenizer.
  /// - Throws: `mismatch` when the model has none; the error of the one that cannot be used.
  package func requiredTokenizer() throws(WeightmillError) -> ModelTokenizer {
    guard let tokenizer else {
      throw tokenizerObstacle
        ?? WeightmillError(
          .mismatch, llama.catalogue.location, "has no tokenizer that Weightmill can use",
          remedy: "the model needs a tokenizer.model or a tokenizer.json")
    }
    return tokenizer
  }

  /// The way in which the model wants a question to be written.
  ///
  /// - Parameters:
  ///   - name: The template's name in a model with several; `nil`: the one that counts.
  ///   - today: The day, for templates that write it.
  /// - Returns: The template.
  /// - Throws: `unsupported` when the model's template is not known, `mismatch` when it has none, or
  ///   none of that name.
  package func requiredChatTemplate(
    named name: String? = nil, today: CalendarDay = .today
  ) throws(WeightmillError) -> ChatTemplate {
    let text = name == nil ? chatTemplate : chatTemplates.text(named: name ?? "")
    let names = chatTemplates.names
    if text == nil, name != nil || !names.isEmpty {
      let list = names.prefix(5).map { quoted($0, limit: 20) }.joined(separator: ", ")
      throw WeightmillError(
        .mismatch, llama.catalogue.location,
        (name.map { "has no chat template \(quoted($0, limit: 20)); it has " }
          ?? "has chat templates by name only: ") + (names.isEmpty ? "none" : list),
        remedy: names.isEmpty
          ? "write the prompt as the model wants it, and leave out --chat-template"
          : "choose one of them with --chat-template")
    }
    return try ChatTemplate(
      text, vocabulary: tokenizer?.vocabulary, location: llama.catalogue.location,
      today: today)
  }
}

extension LoadedModel {
  /// The number of files of a split GGUF file; 1 for every other model.
  package var shardCount: Int { max(shardSizes.count, 1) }

  /// The number of each tensor's file; empty when there is one file.
  package var shards: [Int] {
    shardSizes.enumerated().flatMap { [Int](repeating: $0.offset, count: $0.element) }
  }

  /// The model without some of its layers.
  ///
  /// - Parameter layers: The numbers of the layers to leave out.
  /// - Returns: The model, and which layers of this one it has.
  /// - Throws: `usage` when there is no such layer, or none would be left.
  package func pruned(
    _ layers: Set<Int>
  ) throws(WeightmillError) -> (model: LoadedModel, layers: [Int]) {
    guard !layers.isEmpty else { return (self, Array(0..<llama.configuration.layerCount)) }
    let pruning = try LayerPruning(layers, of: llama)
    var model = self
    model.llama = pruning.model
    if !shardSizes.isEmpty {
      let shards = shards
      var sizes = [Int](repeating: 0, count: shardSizes.count)
      for index in pruning.sourceIndices { sizes[shards[index]] += 1 }
      model.shardSizes = sizes
    }
    return (model, pruning.layers)
  }
}

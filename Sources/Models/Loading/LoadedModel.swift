public import GGUF
public import LLaMA
package import Merging
import StrictJSON
import SystemPackage
public import Tensors
public import Tokenization

/// A whole model ready for use: checked tensors, configuration, vocabulary.
public struct LoadedModel: Sendable {
  /// The tensors with their configuration.
  public internal(set) var llama: LlamaModel
  /// The vocabulary, padded to the embedding rows; `nil` when no tokenizer was found.
  public let vocabulary: Vocabulary?
  /// The chat template, if the model has one.
  public let chatTemplate: String?
  /// The metadata, if the model came from a GGUF file.
  public let metadata: GGUFMetadata?
  /// The rule by which a delta was merged.
  public let mergeRule: String?
  /// Every file that is read: none of them may be written to.
  public let files: [String]
  /// What the user should know.
  public let notes: [String]
  /// The paths that were asked for.
  public internal(set) var origins: [String] = []
  /// The folder whose configuration and tokenizer files are the model's.
  public internal(set) var settingsFolder: String?
  /// The folder of the tokenizer, if it is an adapter's.
  public internal(set) var tokenizerFolder: String?
  /// The files it is made from, for `SourceChecks`.
  public internal(set) var sources: [SourceFile] = []
  /// How many tensors each file of a split GGUF file holds; empty for every other model.
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

  /// The vocabulary, for work that cannot be done without one.
  ///
  /// - Returns: The vocabulary.
  /// - Throws: `mismatch` when the model has none that can be used.
  public func requiredVocabulary() throws(WeightmillError) -> Vocabulary {
    guard let vocabulary else {
      if let error = bytePairOnly { throw error }
      throw WeightmillError(
        .mismatch, llama.catalogue.location, "has no tokenizer that Weightmill can use",
        remedy: "the model needs a SentencePiece tokenizer.model")
    }
    return vocabulary
  }

  /// The way in which the model wants a question to be written.
  ///
  /// - Returns: The template.
  /// - Throws: `unsupported` when the model's template is not known, `mismatch` when it has none.
  public func requiredChatTemplate() throws(WeightmillError) -> ChatTemplate {
    try ChatTemplate(chatTemplate, vocabulary: vocabulary, location: llama.catalogue.location)
  }

  /// The error for a model whose only vocabulary is a `tokenizer.json`.
  package var bytePairOnly: WeightmillError? {
    guard let file = files.first(where: BytePairFile.isTokenizerJSON) else { return nil }
    return WeightmillError(
      .unsupported, file,
      "is the only tokenizer; it cannot be used with weights or written to "
        + "GGUF yet", remedy: "if the model has a SentencePiece tokenizer.model, put it beside")
  }
}

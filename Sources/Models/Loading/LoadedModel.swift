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
  /// The chat template, if the model has one.
  public let chatTemplate: String?
  /// The metadata, if the model came from a GGUF file.
  public let metadata: GGUFMetadata?
  /// The rule by which a delta was merged.
  package let mergeRule: String?
  /// Every file that is read: none of them may be written to.
  package let files: [String]
  /// Remarks for the user.
  public let notes: [String]
  /// The paths that were asked for.
  package internal(set) var origins: [String] = []
  /// The folder whose configuration and tokenizer files are the model's.
  package internal(set) var settingsFolder: String?
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
          remedy: "the model needs a SentencePiece tokenizer.model")
    }
    return tokenizer
  }

  /// The way in which the model wants a question to be written.
  ///
  /// - Returns: The template.
  /// - Throws: `unsupported` when the model's template is not known, `mismatch` when it has none.
  package func requiredChatTemplate() throws(WeightmillError) -> ChatTemplate {
    try ChatTemplate(
      chatTemplate, vocabulary: tokenizer?.vocabulary, location: llama.catalogue.location)
  }

  /// The error for writing a model to GGUF whose only tokenizer is a `tokenizer.json`.
  package var bytePairOnly: WeightmillError? {
    guard let file = files.first(where: BytePairFile.isTokenizerJSON) else { return nil }
    return WeightmillError(
      .unsupported, file, "is the only tokenizer; it cannot be written to GGUF yet",
      remedy: "if the model has a SentencePiece tokenizer.model, put it beside")
  }
}

/// A section of docs/troubleshooting.md, which messages name: symptom, cause, what to do.
package enum HelpTopic: String, CaseIterable, Sendable {
  /// The model loads and talks garbage.
  case garbageOutput = "garbage-output"
  /// The delta was made for another base.
  case wrongBase = "wrong-base"
  /// "reaches beyond the end of the file", "the shard is missing".
  case incompleteDownload = "incomplete-download"
  /// A file that was cut into pieces, or glued with `cat`.
  case cutFiles = "cut-files"
  /// `[PAD]` has the id 32000, but the model has 32000 rows.
  case surplusTokens = "surplus-tokens"
  /// The model never stops, or starts with `<unk>`.
  case specialIds = "special-ids"
  /// No name of llama.cpp's fits the way this tokenizer cuts text.
  case preTokenizer = "pre-tokenizer"
  /// llama.cpp aborts while it loads the vocabulary.
  case brokenVocabulary = "broken-vocabulary"
  /// A model of a family that is not read.
  case unknownArchitecture = "unknown-architecture"
  /// Every tensor's name has something in front.
  case wrappedNames = "wrapped-names"
  /// The output matrix is missing, or the model is a classifier.
  case missingHead = "missing-head"
  /// Tensors are empty: saved under DeepSpeed ZeRO-3.
  case emptyTensors = "empty-tensors"
  /// A folder of DeepSpeed, FSDP, DCP or MLX.
  case trainingFolders = "training-folders"
  /// XOR weights.
  case xorWeights = "xor-weights"
  /// Two sets of weights in one folder.
  case twoSources = "two-sources"
  /// The context length of Meta's files.
  case metaContext = "meta-context"
  /// A checkpoint that is quantized already.
  case quantizedSources = "quantized-sources"
  /// An adapter that does not fit, or lies beside the model.
  case adapters
  /// The chat format is not recognised.
  case chatFormat = "chat-format"
  /// "lost … values to outliers".
  case outliers
  /// Values that are not finite.
  case notFinite = "not-finite"
  /// This type requires an importance matrix.
  case importance

  /// A remedy or a note that names the section.
  ///
  /// - Parameter text: The remedy or note, without a full stop.
  /// - Returns: The text, and where more is said.
  package func after(_ text: String) -> String {
    "\(text) (more: docs/troubleshooting.md#\(rawValue))"
  }
}

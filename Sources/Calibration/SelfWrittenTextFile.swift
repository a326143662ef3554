import WeightmillOutput
package import WeightmillTensors
package import WeightmillTokenization

/// A file that keeps what a model has written itself.
///
/// Under a name that ends in `.json` it holds the ids, a list for each window. Under any other it holds
/// texts for people, without the tokens that have no text, and with an empty line between two of them: what
/// is encoded of that again are not quite the same ids.
package enum SelfWrittenTextFile {
  /// Refuses an output that cannot be, or must not be, written; `write` does the same.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - overwrite: Whether what is there may be replaced.
  ///   - inputs: Files that are read: the output must be none of them.
  ///   - tokenizer: The tokenizer of the text.
  /// - Throws: `cannotWrite` or `usage`; `unsupported` when ids are asked for as text, and the tokenizer
  ///   makes text of tokens in a way that is not known.
  package static func check(
    _ path: String, overwrite: Bool, inputs: [String], tokenizer: ModelTokenizer
  ) throws(WeightmillError) {
    try OutputFile.check(path, overwrite: overwrite, inputs: inputs)
    if !holdsIDs(path) { _ = try tokenizer.decode([]) }
  }

  /// Writes the file; it appears under its name when it is complete.
  ///
  /// - Parameters:
  ///   - text: What was written.
  ///   - path: The file.
  ///   - overwrite: Whether what is there may be replaced.
  ///   - inputs: Files that are read: the output must be none of them.
  ///   - tokenizer: The tokenizer of the text.
  /// - Throws: `cannotWrite`, `inputOutput`, `unsupported`.
  package static func write(
    _ text: SelfWrittenText, to path: String, overwrite: Bool, inputs: [String],
    tokenizer: ModelTokenizer
  ) throws(WeightmillError) {
    let content = holdsIDs(path) ? ids(text) : try words(text, tokenizer)
    try OutputFile.write(Array(content.utf8), to: path, overwrite: overwrite, inputs: inputs)
  }

  private static func holdsIDs(_ path: String) -> Bool { path.lowercased().hasSuffix(".json") }

  private static func ids(_ text: SelfWrittenText) -> String {
    let lists = text.windows.map { "[" + $0.map(String.init).joined(separator: ",") + "]" }
    return "[\n" + lists.joined(separator: ",\n") + "\n]\n"
  }

  private static func words(
    _ text: SelfWrittenText, _ tokenizer: ModelTokenizer
  ) throws(WeightmillError) -> String {
    let tokens = tokenizer.vocabulary.tokens
    var words: [String] = []
    for ids in text.texts {
      // Ids that the embedding has rows for, and the vocabulary no tokens, have names only.
      let named = ids.filter { tokens.indices.contains($0) && tokens[$0].kind != .unused }
      let text = try tokenizer.decode(named)
      if !text.isEmpty { words.append(text + (text.hasSuffix("\n") ? "" : "\n")) }
    }
    return words.joined(separator: "\n")
  }
}

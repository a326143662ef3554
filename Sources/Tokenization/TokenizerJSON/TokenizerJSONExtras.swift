import WeightmillStrictJSON
package import WeightmillTensors

/// What a `tokenizer.json` knows that a SentencePiece model beside it does not: added tokens, and
/// what is put around a text. Its vocabulary may be of any kind.
package struct TokenizerJSONExtras: Sendable {
  /// The file.
  package let location: String
  /// The added tokens.
  package let addedTokens: [AddedToken]
  /// What is put around a text; `nil` where the file does not say.
  private let template: TextTemplate?

  /// Reads a file.
  ///
  /// - Parameter path: The `tokenizer.json`.
  /// - Throws: `noInput`; `malformed` when it is not strict JSON or breaks the rules of these parts;
  ///   `unsupported` when it puts something around a text in a way that is not known.
  package init(path: String) throws(WeightmillError) {
    location = path
    let sections = try TokenizerSections(try TokenizerJSON.bytes(path: path), location: path)
    addedTokens = try AddedTokenReader.read(sections.members["added_tokens"], location: path)
    let says = sections.members["post_processor"].map { $0 != .null } ?? false
    let pipeline = PipelineReader(
      members: sections.members, location: path, count: Int(Int32.max))
    template = says ? try pipeline.template() : nil
  }

  /// The roles of a vocabulary with what this file puts around a text.
  ///
  /// - Parameter special: The vocabulary's own.
  /// - Returns: The roles; `nil` where the file does not say, or names more than one token.
  package func special(of special: Vocabulary.Special) -> Vocabulary.Special? {
    guard let template, template.before.count <= 1, template.after.count <= 1 else { return nil }
    var special = special
    special.addsBOS = !template.before.isEmpty
    special.addsEOS = !template.after.isEmpty
    special.bos = template.before.first ?? special.bos
    special.eos = template.after.last ?? special.eos
    return special
  }
}

import ArgumentParser
import StrictJSON
import Tensors
import Tokenization
import Verification

/// What models are compared on.
struct EvaluationOptions: ParsableArguments {
  @Option(
    help: "A UTF-8 text file; may be given several times, each is reported by itself, too.",
    completion: .file())
  var text: [String] = []

  @Option(help: "A text, instead of a file.")
  var prompt: String?

  @Option(
    name: .customLong("tokens"),
    help: "A JSON file with ids: a list, or a list of lists.",
    completion: .file(extensions: ["json"])
  )
  var tokensFile: String?

  @Option(help: "How many tokens a window holds.")
  var context = 512

  @Flag(
    help: ArgumentHelp(
      "Judge only the second half of each whole window, as llama-perplexity does.",
      discussion: "The figures are then comparable with its printout."))
  var secondHalf = false

  func validate() throws {
    guard context >= 2, context <= 1 << 20 else {
      throw ValidationError("--context must be from 2 to 1048576")
    }
    if tokensFile != nil, !text.isEmpty || prompt != nil {
      throw ValidationError("--tokens cannot be combined with --text or --prompt")
    }
  }

  /// Whether any text is given.
  var isEmpty: Bool { text.isEmpty && prompt == nil && tokensFile == nil }

  /// The texts that were given, with their names.
  private func texts() throws(WeightmillError) -> [(name: String, text: String)] {
    var texts: [(name: String, text: String)] = []
    for path in text { texts.append((path, try TextFile.read(path))) }
    if let prompt { texts.append(("prompt", prompt)) }
    return texts
  }

  /// The texts in tokens, and whether both tokenizers agree on them.
  ///
  /// - Parameters:
  ///   - reference: The vocabulary whose ids are right.
  ///   - candidate: The vocabulary to be judged.
  ///   - location: The model that lacks one, for messages.
  /// - Returns: The texts; whether tokenizers agree is `nil` when there are not two of them.
  /// - Throws: `noInput`, `malformed` or `unsupported` for files; `mismatch` without a vocabulary.
  func evaluationTexts(
    reference: Vocabulary?, candidate: Vocabulary?, location: String
  ) throws(WeightmillError) -> ([EvaluationText], VerificationReport.TokenizerResult?) {
    let special = (reference ?? candidate)?.special
    let cut = EvaluationText.Cut(
      context: context, bos: special?.addsBOS == true ? special?.bos : nil,
      isSecondHalf: secondHalf)
    if let tokensFile {
      let lists = try TokenFile.read(tokensFile)
      let names = lists.indices.map { lists.count == 1 ? tokensFile : "\(tokensFile)#\($0 + 1)" }
      return (zip(names, lists).map { EvaluationText(name: $0, tokens: $1, cut: cut) }, nil)
    }
    guard let expected = reference ?? candidate else {
      throw WeightmillError(
        .mismatch, location, "has no tokenizer that Weightmill can use",
        remedy: "give ids with --tokens")
    }
    var agreement = TokenAgreement(reference: expected, candidate: candidate ?? expected)
    var result: [EvaluationText] = []
    for (name, text) in try texts() {
      let ids = agreement.encode(text, name: name)
      result.append(EvaluationText(name: name, tokens: ids, cut: cut))
    }
    guard reference != nil, candidate != nil else { return (result, nil) }
    return (
      result, .init(agree: agreement.difference == nil, difference: agreement.difference)
    )
  }
}

/// A file of token ids given on the command line.
private enum TokenFile {
  private static let maximumBytes = 64 << 20

  /// Reads a list of ids, or a list of such lists.
  static func read(_ path: String) throws(WeightmillError) -> [[Int]] {
    let file = try InputFile(path)
    guard file.byteCount <= maximumBytes else {
      throw WeightmillError(.unsupported, path, "is too long", remedy: "give a part of it")
    }
    let json = try JSONParser.parse(try file.bytes(at: 0, count: file.byteCount), file: path)
    let items = json.array ?? []
    let lists = items.contains { $0.array != nil } ? items.map { $0.array ?? [] } : [items]
    let ids = lists.map { $0.compactMap(\.integer) }
    guard !items.isEmpty, ids.allSatisfy({ !$0.isEmpty }),
      zip(ids, lists).allSatisfy({ $0.count == $1.count })
    else {
      throw WeightmillError(
        .malformed, path, "is neither a list of token ids nor a list of such lists",
        remedy: "write it as [1, 2, 3]")
    }
    return ids
  }
}

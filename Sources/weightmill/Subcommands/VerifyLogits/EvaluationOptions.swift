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
    help: ArgumentHelp(
      "A JSON file with ids: a list, or a list of lists; may be given several times.",
      discussion: """
        The ids are judged as they are: a list that is longer than a window is cut, and no BOS \
        is put into it.
        """, valueName: "tokens"),
    completion: .file(extensions: ["json"])
  )
  var tokensFiles: [String] = []

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
    if !tokensFiles.isEmpty, !text.isEmpty || prompt != nil {
      throw ValidationError("--tokens cannot be combined with --text or --prompt")
    }
  }

  /// Whether any text is given.
  var isEmpty: Bool { text.isEmpty && prompt == nil && tokensFiles.isEmpty }

  /// The files that are read.
  var files: [String] { text + tokensFiles }

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
  ///   - reference: The tokenizer whose ids are right.
  ///   - candidate: The tokenizer to be judged.
  ///   - missing: The error when texts are given and there is neither.
  ///   - vocabularyRows: How many ids the models know.
  /// - Returns: The texts; whether tokenizers agree is `nil` when there are not two of them.
  /// - Throws: `noInput`, `malformed` or `unsupported` for files; `missing`.
  func evaluationTexts(
    reference: ModelTokenizer?, candidate: ModelTokenizer?, missing: WeightmillError,
    vocabularyRows: Int
  ) throws(WeightmillError) -> ([EvaluationText], VerificationReport.TokenizerResult?) {
    if !tokensFiles.isEmpty {
      return (try tokens(vocabularyRows: vocabularyRows), nil)
    }
    guard let expected = reference ?? candidate else { throw missing }
    let cut = EvaluationText.Cut(
      context: context, bos: expected.vocabulary.special.addedBOS, isSecondHalf: secondHalf)
    var agreement = TokenAgreement(reference: expected, candidate: candidate ?? expected)
    var result: [EvaluationText] = []
    for (name, text) in try texts() {
      let ids = try agreement.encode(text, name: name)
      result.append(EvaluationText(name: name, tokens: ids, cut: cut))
    }
    guard reference != nil, candidate != nil else { return (result, nil) }
    return (
      result, .init(agree: agreement.difference == nil, difference: agreement.difference)
    )
  }
}

/// Ids in the place of texts.
extension EvaluationOptions {
  /// The lists of all files of ids, cut into windows; every id is judged as it is given.
  private func tokens(vocabularyRows: Int) throws(WeightmillError) -> [EvaluationText] {
    var texts: [EvaluationText] = []
    for path in tokensFiles {
      let lists = try TokenFile.read(path, vocabularyRows: vocabularyRows)
      for (place, ids) in lists.enumerated() {
        let name = lists.count == 1 ? path : "\(path)#\(place + 1)"
        texts.append(
          EvaluationText(name: name, ids: ids, context: context, isSecondHalf: secondHalf))
      }
    }
    return texts
  }

  /// What a user should know of ids that were given.
  ///
  /// - Parameters:
  ///   - texts: The texts that were made of them.
  ///   - bos: The token that the models' texts begin with.
  /// - Returns: The notes; none when no ids were given.
  func tokenNotes(_ texts: [EvaluationText], bos: Int?) -> [String] {
    guard let bos, !tokensFiles.isEmpty else { return [] }
    let windows = texts.flatMap(\.windows)
    let without = windows.count { $0.tokens.first != bos }
    guard without > 0 else { return [] }
    return [
      "\(without) of \(windows.count) windows of ids do not begin with BOS (id \(bos)); "
        + "they are judged as they are given"
    ]
  }
}

/// A file of token ids given on the command line.
private enum TokenFile {
  private static let maximumBytes = 64 << 20

  /// Reads a list of ids, or a list of such lists.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - vocabularyRows: How many ids the models know.
  /// - Returns: The lists, of two ids or more.
  /// - Throws: `noInput`; `malformed` for a file that holds anything else; `mismatch` for ids that the
  ///   models do not know, and for a list of one, in which nothing follows.
  static func read(
    _ path: String, vocabularyRows: Int
  ) throws(WeightmillError) -> [[Int]] {
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
    for (number, list) in ids.enumerated() {
      let place = ids.count == 1 ? "" : " of list \(number + 1)"
      if let position = list.firstIndex(where: { !(0..<vocabularyRows).contains($0) }) {
        throw WeightmillError(
          .mismatch, path, "holds the id \(list[position]), which the models do not know",
          at: "position \(position)\(place)",
          remedy: "give ids from 0 to \(vocabularyRows - 1), in the models' own vocabulary")
      }
      guard list.count > 1 else {
        throw WeightmillError(
          .mismatch, path, "holds one id\(place), of which no prediction can be judged",
          remedy: "give at least two")
      }
    }
    return ids
  }
}

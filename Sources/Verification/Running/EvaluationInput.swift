import WeightmillModels
import WeightmillTensors
import WeightmillTokenization

/// Texts and lists of token ids that models are compared on, and their cut into windows.
public struct EvaluationInput: Sendable {
  /// A text or a list of ids, or the file that holds it.
  public enum Source: Sendable {
    /// A text under a name for reports.
    case text(String, name: String)
    /// A UTF-8 file.
    case textFile(String)
    /// Ids under a name for reports; they are judged as they are.
    case tokens([Int], name: String)
    /// A JSON file with a list of ids, or a list of such lists; they are judged as they are.
    case tokenFile(String)
  }

  /// The texts and ids, in the order of the report.
  public var sources: [Source]
  /// The number of tokens in a window, at least 2.
  public var context: Int
  /// Whether only the second half of whole windows is judged, as llama-perplexity does.
  public var isSecondHalf: Bool

  /// Describes what models are compared on.
  ///
  /// - Parameters:
  ///   - sources: The texts and ids.
  ///   - context: How many tokens a window holds, at least 2.
  ///   - isSecondHalf: Whether only the second half of whole windows is judged.
  public init(_ sources: [Source] = [], context: Int = 512, isSecondHalf: Bool = false) {
    self.sources = sources
    self.context = context
    self.isSecondHalf = isSecondHalf
  }

  /// The files that are read.
  var files: [String] {
    sources.compactMap { source in
      switch source {
      case .textFile(let path), .tokenFile(let path): path
      case .text, .tokens: nil
      }
    }
  }

  /// The sources in windows of tokens.
  struct CutTexts: Sendable {
    var texts: [EvaluationText] = []
    /// Whether both tokenizers agree; `nil` when there are not two of them, or no text.
    var tokenizers: VerificationReport.TokenizerResult?
    /// Those of `texts` whose ids were given.
    fileprivate(set) var givenIDs: [EvaluationText] = []
  }

  /// Reads files, encodes texts and cuts windows.
  ///
  /// - Parameters:
  ///   - reference: The tokenizer whose ids are right.
  ///   - candidate: The tokenizer to be judged.
  ///   - missing: The error when texts are given and there is neither.
  ///   - vocabularyRows: How many ids the models know.
  /// - Returns: The windows.
  /// - Throws: `noInput`, `malformed` or `unsupported` for files; `missing`; `mismatch` for ids that
  ///   the models do not know.
  func cut(
    reference: ModelTokenizer?, candidate: ModelTokenizer?, missing: WeightmillError,
    vocabularyRows: Int
  ) throws(WeightmillError) -> CutTexts {
    let tokenizer = reference ?? candidate
    let limits = EvaluationText.Cut(
      context: context, bos: tokenizer?.vocabulary.special.addedBOS, isSecondHalf: isSecondHalf)
    var agreement = tokenizer.map {
      TokenAgreement(reference: $0, candidate: candidate ?? $0)
    }
    var (result, hasText) = (CutTexts(), false)
    for source in sources {
      if let (name, text) = try Self.text(source) {
        guard let ids = try agreement?.encode(text, name: name) else { throw missing }
        hasText = true
        result.texts.append(EvaluationText(name: name, tokens: ids, cut: limits))
      }
      for list in try TokenList.all(source) {
        try list.check(vocabularyRows: vocabularyRows)
        let text = EvaluationText(
          name: list.name, ids: list.ids, context: context, isSecondHalf: isSecondHalf)
        result.texts.append(text)
        result.givenIDs.append(text)
      }
    }
    if hasText, reference != nil, candidate != nil {
      let difference = agreement?.difference
      result.tokenizers = .init(agree: difference == nil, difference: difference)
    }
    return result
  }

  private static func text(
    _ source: Source
  ) throws(WeightmillError) -> (name: String, text: String)? {
    switch source {
    case .text(let text, let name): (name, text)
    case .textFile(let path): (path, try TextInput.text(path))
    case .tokens, .tokenFile: nil
    }
  }
}

extension EvaluationInput.CutTexts {
  /// Remarks for the user on ids that were given.
  ///
  /// - Parameter bos: The token that the models' texts begin with.
  /// - Returns: The notes; none when no ids were given.
  func notes(bos: Int?) -> [String] {
    let windows = givenIDs.flatMap(\.windows)
    guard let bos else { return [] }
    let without = windows.count { $0.tokens.first != bos }
    guard without > 0 else { return [] }
    return [
      "\(without) of \(windows.count) windows of ids do not begin with BOS (id \(bos)); "
        + "they are judged as they are given"
    ]
  }
}

package import WeightmillLLaMA
import WeightmillTensors
package import WeightmillTokenization

extension VerificationReport {
  /// How many of the worst positions are shown.
  private static let worstCount = 10
  /// How many tokens before a position are shown.
  private static let shownTokens = 24
  /// How many pieces the profile is cut into, about.
  private static let profileBins = 400

  /// Puts a comparison into words: fills in texts, worst positions, drift and tensors.
  ///
  /// - Parameters:
  ///   - result: What was measured.
  ///   - candidate: The model that was judged.
  ///   - tokenizer: The tokenizer that turns ids into text; ids are shown without one.
  package mutating func fill(
    from result: ComparisonResult, candidate: LlamaModel, tokenizer: ModelTokenizer?
  ) {
    isPartial = result.isPartial
    texts = result.texts.enumerated().map { number, text in
      TextResult(
        name: text.name, tokens: text.tokenCount, windows: text.windows.count,
        statistics: result.statistics(ofText: number))
    }
    if !result.rows.rest.isEmpty {
      let rest = result.positions.map(\.result.restProbability)
      vocabulary = PaddedVocabulary(
        candidate: result.rows.candidate, reference: result.rows.reference,
        meanRest: rest.reduce(0, +) / Double(max(rest.count, 1)), maximumRest: rest.max() ?? 0)
    }
    worst = Self.worst(result, tokenizer)
    let divergences = result.texts.indices.map { number in
      (
        text: result.texts[number].name,
        divergences: result.positions.filter { $0.text == number }.map(\.result.divergence)
      )
    }
    profile = Self.profile(of: divergences, bins: Self.profileBins)
    histogram = Self.histogram(of: result.positions.map(\.result.divergence))
    layers = result.drift.enumerated().map { index, error in
      LayerDrift(layer: index - 1, relativeError: error.relative)
    }
    tensors = candidate.roles.compactMap { role in
      guard let error = result.errors[role], let tensor = candidate.tensor(role) else { return nil }
      return TensorError(
        name: tensor.name, type: tensor.type.name, layer: role.layer,
        kind: role.kind(in: candidate.architecture),
        relativeError: error.relative, bytes: tensor.byteCount)
    }
  }

  private static func worst(
    _ result: ComparisonResult, _ tokenizer: ModelTokenizer?
  ) -> [WorstPosition] {
    let order = result.positions.indices.sorted {
      let (a, b) = (result.positions[$0].result.divergence, result.positions[$1].result.divergence)
      return a != b ? a > b : $0 < $1
    }
    let words = TokenWords(tokenizer: tokenizer)
    return order.prefix(worstCount).map { index in
      let position = result.positions[index]
      let text = result.texts[position.text]
      let (before, next) = surroundings(of: position.index, in: text)
      return WorstPosition(
        text: text.name, position: position.index, divergence: position.result.divergence,
        before: words.text(before), next: next.map(words.word),
        reference: predictions(position.result.referenceTop, words),
        candidate: predictions(position.result.candidateTop, words))
    }
  }

  private static func surroundings(
    of index: Int, in text: EvaluationText
  ) -> (before: [Int], next: Int?) {
    var first = 0
    for window in text.windows {
      if index < first + window.tokens.count {
        let inside = index - first
        let shown = max(0, inside + 1 - shownTokens)...inside
        return (Array(window.tokens[shown]), window.next(inside))
      }
      first += window.tokens.count
    }
    return ([], nil)
  }

  private static func predictions(_ top: TopFive, _ words: TokenWords) -> [Prediction] {
    top.predictions.map {
      Prediction(
        id: $0.id, token: words.word($0.id), probability: Elementary.exponential($0.logProbability))
    }
  }
}

/// Ids as text.
private struct TokenWords {
  let tokenizer: ModelTokenizer?

  func text(_ ids: [Int]) -> String {
    tokenizer?.shown(ids) ?? ids.map { "#\($0)" }.joined(separator: " ")
  }

  /// One token: its text, or its piece when it is no text by itself.
  func word(_ id: Int) -> String {
    guard let tokenizer else { return "#\(id)" }
    let text = tokenizer.shown([id], atStart: false)
    let tokens = tokenizer.vocabulary.tokens
    let isText = !text.isEmpty && !text.contains("\u{FFFD}")
    return isText || !tokens.indices.contains(id) ? text : tokens[id].text
  }
}

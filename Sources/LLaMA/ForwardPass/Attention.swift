import CWeightmillKernels
import WeightmillTensors

/// Causal attention with grouped heads: what each token takes from itself and the tokens before it.
///
/// A piece of work is a panel of queries of one head. Lanes that belong to another text are computed
/// and not written.
///
/// Source: Touvron et al., "LLaMA"; Ainslie et al., "GQA".
struct Attention: Sendable {
  let configuration: LlamaConfiguration
  let kernels: Kernels
  let workers: Workers
  /// How many tokens a token sees, itself included; `nil` is all before it.
  let window: Int?

  private struct Piece {
    let text: Int
    let head: Int
    let panel: Int
  }

  /// One thread's buffers.
  private struct Scratch {
    var scores = PanelStorage(byteCount: 0, isZeroed: false)
    let weighted: PanelStorage
    var firsts = [Int32](repeating: 0, count: Kernels.tokens)
    var limits = [Int32](repeating: 1, count: Kernels.tokens)
    var sums = [Double](repeating: 0, count: Kernels.tokens)
  }

  /// Attends to the texts' earlier tokens and to the new ones, which join them.
  ///
  /// - Returns: `[tokens, queryWidth]`.
  func callAsFunction(
    queries: Activations, keys: Activations, values: Activations, texts: inout [AttendedText]
  ) -> Activations {
    for index in texts.indices { texts[index].cache.extend(by: texts[index].tokens.count) }
    store(keys, values, in: texts)
    let output = Activations(
      rows: queries.rows, columns: configuration.queryWidth, precision: kernels.precision)
    let size = configuration.headDimension * Kernels.tokens * kernels.precision.size
    let pieces = pieces(of: texts)
    workers.forEach(
      pieces.count,
      scratch: { Scratch(weighted: PanelStorage(byteCount: size, isZeroed: false)) }
    ) { [texts] (number, scratch) in
      let piece = pieces[number]
      attend(piece, texts[piece.text], queries, &scratch, into: output)
    }
    return output
  }

  private func pieces(of texts: [AttendedText]) -> [Piece] {
    texts.enumerated().flatMap { index, text in
      let tokens = text.tokens
      let panels =
        tokens.isEmpty
        ? 0..<0 : tokens.lowerBound / Kernels.tokens..<(tokens.upperBound - 1) / Kernels.tokens + 1
      return (0..<configuration.headCount).flatMap { head in
        panels.map { Piece(text: index, head: head, panel: $0) }
      }
    }
  }

  private func store(_ keys: Activations, _ values: Activations, in texts: [AttendedText]) {
    let heads = configuration.keyValueHeadCount
    workers.forEach(texts.count * heads, scratch: {}) { (piece, _) in
      let (text, head) = (texts[piece / heads], piece % heads)
      for (index, token) in text.tokens.enumerated() {
        let (panel, column) = (token / Kernels.tokens, head * configuration.headDimension)
        let lane = token % Kernels.tokens * kernels.precision.size
        unsafe text.cache.store(
          position: text.position + index, head: head,
          key: keys.address(panel: panel, column: column) + lane,
          value: values.address(panel: panel, column: column) + lane)
      }
    }
  }

  private func attend(
    _ piece: Piece, _ text: AttendedText, _ queries: Activations, _ scratch: inout Scratch,
    into output: Activations
  ) {
    let first = piece.panel * Kernels.tokens
    let tokens = text.tokens.clamped(to: first..<first + Kernels.tokens)
    for lane in 0..<Kernels.tokens {
      let position = text.position + first + lane - text.tokens.lowerBound
      let limit = tokens.contains(first + lane) ? position + 1 : 1
      scratch.firsts[lane] = Int32(window.map { max(limit - $0, 0) } ?? 0)
      scratch.limits[lane] = Int32(limit)
    }
    let keys = text.position + tokens.upperBound - text.tokens.lowerBound
    let bytes = keys * Kernels.tokens * kernels.precision.size
    if scratch.scores.byteCount < bytes {
      scratch.scores = PanelStorage(byteCount: 2 * bytes, isZeroed: false)
    }
    let features = configuration.headDimension
    let head = piece.head / (configuration.headCount / configuration.keyValueHeadCount)
    let column = piece.head * features
    unsafe text.cache.scores(
      keys: keys, head: head, queries: queries.address(panel: piece.panel, column: column),
      into: scratch.scores.base)
    var scale = configuration.scales.attention ?? 1 / Double(features).squareRoot()
    if let cap = configuration.scales.attentionCap {
      unsafe weightmill_cap(
        kernels.mode, scratch.scores.base, keys * Kernels.tokens, scale, cap)
      scale = 1
    }
    unsafe weightmill_soften(
      kernels.mode, scratch.scores.base, keys, scale, scratch.firsts, scratch.limits,
      &scratch.sums)
    unsafe text.cache.weighted(
      keys: keys, head: head, weights: scratch.scores.base, into: scratch.weighted.base)
    unsafe weightmill_share(
      kernels.mode, scratch.weighted.base, features, scratch.sums, tokens.lowerBound - first,
      tokens.upperBound - first, output.address(panel: piece.panel, column: column))
  }
}

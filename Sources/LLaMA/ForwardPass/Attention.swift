import CWeightmillKernels
import WeightmillTensors

/// Causal attention with grouped heads: what each token takes from itself and the tokens before it.
///
/// A piece of work is a panel of queries of one head: the lanes are tokens. Lanes that belong to another
/// text are computed and not written. Where a text has one new token only, the lanes are its heads that
/// share keys and values.
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
    /// The heads, which share keys and values; more than one where they are the lanes.
    let heads: Range<Int>
    let panel: Int
  }

  /// One thread's buffers.
  private struct Scratch {
    var scores = PanelStorage(byteCount: 0, isZeroed: false)
    let queries: PanelStorage
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
      scratch: {
        Scratch(
          queries: PanelStorage(byteCount: size, isZeroed: true),
          weighted: PanelStorage(byteCount: size, isZeroed: false))
      }
    ) { [texts] (number, scratch) in
      let piece = pieces[number]
      let text = texts[piece.text]
      if text.tokens.count == 1 {
        attendWithToken(piece, text, queries, &scratch, into: output)
      } else {
        attendWithPanel(piece, text, queries, &scratch, into: output)
      }
    }
    return output
  }

  private func pieces(of texts: [AttendedText]) -> [Piece] {
    texts.enumerated().flatMap { index, text -> [Piece] in
      let tokens = text.tokens
      guard !tokens.isEmpty else { return [] }
      let panels = tokens.lowerBound / Kernels.tokens...(tokens.upperBound - 1) / Kernels.tokens
      let lanes = tokens.count == 1 ? Kernels.tokens : 1
      return stride(from: 0, to: configuration.headCount, by: group).flatMap { start in
        stride(from: start, to: start + group, by: lanes).flatMap { first in
          let heads = first..<min(first + lanes, start + group)
          return panels.map { Piece(text: index, heads: heads, panel: $0) }
        }
      }
    }
  }

  /// How many heads share keys and values.
  private var group: Int { configuration.headCount / configuration.keyValueHeadCount }

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

  /// The lanes are tokens of one head.
  private func attendWithPanel(
    _ piece: Piece, _ text: AttendedText, _ queries: Activations, _ scratch: inout Scratch,
    into output: Activations
  ) {
    let first = piece.panel * Kernels.tokens
    let tokens = text.tokens.clamped(to: first..<first + Kernels.tokens)
    for lane in 0..<Kernels.tokens {
      let position = text.position + first + lane - text.tokens.lowerBound
      limit(tokens.contains(first + lane) ? position + 1 : 1, lane: lane, &scratch)
    }
    let column = piece.heads.lowerBound * configuration.headDimension
    unsafe mix(
      text.cache, keys: text.position + tokens.upperBound - text.tokens.lowerBound,
      head: piece.heads.lowerBound / group,
      queries: queries.address(panel: piece.panel, column: column), &scratch)
    unsafe weightmill_share(
      kernels.mode, scratch.weighted.base, configuration.headDimension, scratch.sums,
      tokens.lowerBound - first, tokens.upperBound - first,
      output.address(panel: piece.panel, column: column))
  }

  /// The lanes are heads of one token.
  private func attendWithToken(
    _ piece: Piece, _ text: AttendedText, _ queries: Activations, _ scratch: inout Scratch,
    into output: Activations
  ) {
    let (features, size) = (configuration.headDimension, kernels.precision.size)
    let token = text.tokens.lowerBound % Kernels.tokens * size
    let keys = text.position + 1
    for lane in 0..<Kernels.tokens { limit(keys, lane: lane, &scratch) }
    for (lane, head) in piece.heads.enumerated() {
      unsafe kernels.precision.copyLane(
        of: queries.address(panel: piece.panel, column: head * features) + token, features,
        to: scratch.queries.base + lane * size)
    }
    unsafe mix(
      text.cache, keys: keys, head: piece.heads.lowerBound / group, queries: scratch.queries.base,
      &scratch)
    unsafe weightmill_share(
      kernels.mode, scratch.weighted.base, features, scratch.sums, 0, piece.heads.count,
      scratch.weighted.base)
    for (lane, head) in piece.heads.enumerated() {
      unsafe kernels.precision.copyLane(
        of: scratch.weighted.base + lane * size, features,
        to: output.address(panel: piece.panel, column: head * features) + token)
    }
  }

  /// Lets a lane see the keys before a limit, or the last of them if there is a window.
  private func limit(_ limit: Int, lane: Int, _ scratch: inout Scratch) {
    scratch.firsts[lane] = Int32(window.map { max(limit - $0, 0) } ?? 0)
    scratch.limits[lane] = Int32(limit)
  }

  /// Sums the values of one head, each times its weight for a lane; the weights' sums are apart.
  private func mix(
    _ cache: KeyValueCache, keys: Int, head: Int, queries: UnsafeRawPointer,
    _ scratch: inout Scratch
  ) {
    let bytes = keys * Kernels.tokens * kernels.precision.size
    if scratch.scores.byteCount < bytes {
      scratch.scores = PanelStorage(byteCount: 2 * bytes, isZeroed: false)
    }
    unsafe cache.scores(keys: keys, head: head, queries: queries, into: scratch.scores.base)
    let features = Double(configuration.headDimension)
    var scale = configuration.scales.attention ?? 1 / features.squareRoot()
    if let cap = configuration.scales.attentionCap {
      unsafe weightmill_cap(
        kernels.mode, scratch.scores.base, keys * Kernels.tokens, scale, cap)
      scale = 1
    }
    unsafe weightmill_soften(
      kernels.mode, scratch.scores.base, keys, scale, scratch.firsts, scratch.limits,
      &scratch.sums)
    unsafe cache.weighted(
      keys: keys, head: head, weights: scratch.scores.base, into: scratch.weighted.base)
  }
}

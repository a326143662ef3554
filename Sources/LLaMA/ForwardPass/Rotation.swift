import CWeightmillKernels
import WeightmillTensors

/// Turns each pair of features of queries and keys by their position's angle.
///
/// In binary32, angles are binary32 products as in Hugging Face's implementation: position times
/// frequency. In binary64 nothing is rounded to binary32. Positions count from the start of each
/// text, and a text's length by then decides which frequencies it has. Source: Su et al., "RoFormer".
struct Rotation: Sendable {
  private let kernels: Kernels
  private let heads: (queries: Int, keys: Int)
  private let head: Int
  /// How many values of a head are turned.
  private let turned: Int
  private let hasHalves: Bool
  private let frequencies: RotaryFrequencies

  init(
    _ configuration: LlamaConfiguration, _ rowOrder: Architecture.RowOrder,
    _ frequencies: RotaryFrequencies, _ kernels: Kernels
  ) {
    self.kernels = kernels
    self.frequencies = frequencies
    heads = (configuration.headCount, configuration.keyValueHeadCount)
    head = configuration.headDimension
    turned = configuration.rotaryDimension
    hasHalves = rowOrder == .halves
  }

  /// A token's position in its text, and whether the text is longer than those that the model was
  /// first trained on.
  private struct TextPosition {
    var index = 0
    var isBeyond = false
  }

  /// Turns queries and keys in place.
  func apply(
    to queries: inout Activations, _ keys: inout Activations, texts: [AttendedText],
    _ workers: Workers
  ) {
    queries.makeUnique()
    keys.makeUnique()
    var positions = [TextPosition](
      repeating: TextPosition(), count: queries.panelCount * Kernels.tokens)
    for text in texts {
      let isBeyond = text.position + text.tokens.count > frequencies.limit
      for (offset, token) in text.tokens.enumerated() {
        positions[token] = TextPosition(index: text.position + offset, isBeyond: isBeyond)
      }
    }
    workers.forEachPanel(queries) { [queries, keys, positions] panel in
      let first = panel * Kernels.tokens
      let turns = turns(positions[first..<first + Kernels.tokens])
      let sines = unsafe turns.address(panel: 0, column: turned / 2)
      unsafe weightmill_rotate(
        kernels.mode, queries.address(panel: panel), heads.queries, head, turned,
        hasHalves ? 1 : 0, turns.address(panel: 0), sines)
      unsafe weightmill_rotate(
        kernels.mode, keys.address(panel: panel), heads.keys, head, turned,
        hasHalves ? 1 : 0, turns.address(panel: 0), sines)
    }
  }

  /// A panel of the cosines of all frequencies, then their sines.
  private func turns(_ positions: ArraySlice<TextPosition>) -> Activations {
    let turns = Activations(
      rows: Kernels.tokens, columns: turned, precision: kernels.precision, isZeroed: false)
    let magnitude = frequencies.magnitude
    for (lane, position) in positions.enumerated() {
      let frequencies = position.isBeyond ? frequencies.beyond : frequencies.values
      for (pair, frequency) in frequencies.enumerated() {
        let angle =
          switch kernels.precision {
          case .single: Double(Float(position.index) * Float(frequency))
          case .double: Double(position.index) * frequency
          }
        turns.set(magnitude * Elementary.cosine(angle), row: lane, column: pair)
        turns.set(magnitude * Elementary.sine(angle), row: lane, column: turned / 2 + pair)
      }
    }
    return turns
  }
}

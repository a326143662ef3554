import CWeightmillKernels
import WeightmillTensors

/// Turns each pair of features of queries and keys by their position's angle.
///
/// In binary32, angles are binary32 products as in Hugging Face's implementation: position times
/// `1 / base^(2i/d)`. In binary64 nothing is rounded to binary32. Positions count from the start of
/// each text. Source: Su et al., "RoFormer".
struct Rotation: Sendable {
  private let kernels: Kernels
  private let heads: (queries: Int, keys: Int)
  private let head: Int
  private let hasHalves: Bool
  private let frequencies: [Double]

  init(
    _ configuration: LlamaConfiguration, _ rowOrder: Architecture.RowOrder, _ kernels: Kernels
  ) {
    self.kernels = kernels
    heads = (configuration.headCount, configuration.keyValueHeadCount)
    head = configuration.headDimension
    hasHalves = rowOrder == .halves
    let size = Double(head)
    frequencies = (0..<head / 2).map { index in
      1 / Elementary.power(configuration.ropeBase, Double(2 * index) / size)
    }
  }

  /// Turns queries and keys in place.
  func apply(
    to queries: inout Activations, _ keys: inout Activations, texts: [AttendedText],
    _ workers: Workers
  ) {
    queries.makeUnique()
    keys.makeUnique()
    var positions = [Int](repeating: 0, count: queries.panelCount * Kernels.tokens)
    for text in texts {
      for (index, token) in text.tokens.enumerated() { positions[token] = text.position + index }
    }
    workers.forEachPanel(queries) { [queries, keys, positions] panel in
      let first = panel * Kernels.tokens
      let turns = turns(positions[first..<first + Kernels.tokens])
      let sines = unsafe turns.address(panel: 0, column: head / 2)
      unsafe weightmill_rotate(
        kernels.mode, queries.address(panel: panel), heads.queries, head, hasHalves ? 1 : 0,
        turns.address(panel: 0), sines)
      unsafe weightmill_rotate(
        kernels.mode, keys.address(panel: panel), heads.keys, head, hasHalves ? 1 : 0,
        turns.address(panel: 0), sines)
    }
  }

  /// A panel of the cosines of all frequencies, then their sines.
  private func turns(_ positions: ArraySlice<Int>) -> Activations {
    let turns = Activations(
      rows: Kernels.tokens, columns: head, precision: kernels.precision, isZeroed: false)
    for (lane, position) in positions.enumerated() {
      for (index, frequency) in frequencies.enumerated() {
        let angle =
          switch kernels.precision {
          case .single: Double(Float(position) * Float(frequency))
          case .double: Double(position) * frequency
          }
        turns.set(Elementary.cosine(angle), row: lane, column: index)
        turns.set(Elementary.sine(angle), row: lane, column: head / 2 + index)
      }
    }
    return turns
  }
}

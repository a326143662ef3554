import CWeightmillKernels

/// Which arithmetic a forward pass uses: its numbers, and the instructions for them.
///
/// All instructions give the same bits. What they compute is described in `Forward.h`.
struct Kernels: Sendable {
  /// How many tokens lie side by side in a panel.
  static let tokens = Int(WEIGHTMILL_TOKENS)
  /// How many products are added in one chain.
  static let group = Int(WEIGHTMILL_GROUP)
  /// Up to how many tokens the lanes are rows of weights, not tokens.
  static let fewTokens = 12

  let precision: Precision
  let mode: weightmill_mode

  /// Chooses instructions.
  ///
  /// - Parameters:
  ///   - precision: The numbers.
  ///   - level: A level of instructions, not above the processor's, or its best.
  init(_ precision: Precision, level: Int? = nil) {
    let best = Int(weightmill_forward_level())
    precondition((level ?? best) <= best)
    self.precision = precision
    mode = weightmill_mode(
      level: Int32(level ?? best), is_double: precision == .double ? 1 : 0)
  }

  /// How many rows of weights lie side by side in a packed block.
  var blockRows: Int { weightmill_block_rows(mode) }

  /// The same for products with that many tokens.
  func blockRows(forTokens tokens: Int) -> Int {
    tokens <= Self.fewTokens ? Int(WEIGHTMILL_NARROW) : blockRows
  }
}

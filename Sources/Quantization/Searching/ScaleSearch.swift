package import CWeightmillKernels

/// The code that searches the scales of blocks.
///
/// Encoders use `EncoderKernel`. Tests put plain Swift in its place, and want the same bytes.
package protocol ScaleSearch: Sendable {
  /// Searches blocks of a type of `SearchedFormat`: the parameters are those of `weightmill_search`.
  func search(
    type: Int, _ values: UnsafePointer<Float>, importance: UnsafePointer<Float>?, columns: Int,
    column: Int, _ found: UnsafeMutablePointer<weightmill_block>, count: Int)

  /// Encodes Q8_0 blocks of 34 bytes.
  ///
  /// - Returns: How many blocks are too large.
  func encodeBytes(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutablePointer<UInt8>, count: Int
  ) -> Int

  /// Encodes Q4_0 blocks of 18 bytes without importance.
  ///
  /// - Returns: How many blocks are too large.
  func encodeNibbles(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutablePointer<UInt8>, count: Int
  ) -> Int

  /// Chooses scales and points of a block that is not all 0.
  ///
  /// - Parameters:
  ///   - lattice: The type.
  ///   - block: The values.
  ///   - scales: What turns a `d` of the magnitudes' size into the block's, and back.
  ///   - choice: Where to write what was chosen.
  func searchPoints(
    _ lattice: Lattice, _ block: LatticeBlock, scales: (to: Float, from: Float),
    _ choice: inout LatticeChoice)
}

/// The vectors that the searches of CKernels use; all give the same bytes.
package enum EncoderKernel: ScaleSearch, CaseIterable {
  /// Four blocks at a time, on any processor.
  case lanes4
  /// Eight, with AVX2.
  case lanes8
  /// Sixteen, with AVX-512.
  case lanes16

  /// The fastest one of this processor.
  package static var best: EncoderKernel {
    switch Int(weightmill_level()) {
    case WEIGHTMILL_LANES_16: .lanes16
    case WEIGHTMILL_LANES_8: .lanes8
    default: .lanes4
    }
  }

  /// The kernels that this processor can run.
  package static var available: [EncoderKernel] {
    allCases.filter { $0.level <= weightmill_level() }
  }

  /// CKernels' number.
  private var level: Int32 {
    switch self {
    case .lanes4: Int32(WEIGHTMILL_LANES_4)
    case .lanes8: Int32(WEIGHTMILL_LANES_8)
    case .lanes16: Int32(WEIGHTMILL_LANES_16)
    }
  }

  package func search(
    type: Int, _ values: UnsafePointer<Float>, importance: UnsafePointer<Float>?, columns: Int,
    column: Int, _ found: UnsafeMutablePointer<weightmill_block>, count: Int
  ) {
    unsafe weightmill_search(
      Int32(type), level, values, importance, columns, column, count, found)
  }

  /// Searches blocks whose numbers somebody else chooses: the parameters are those of
  /// `weightmill_search_steps`, with the weights of a block's columns.
  func searchSteps(
    type: Int, _ values: UnsafePointer<Float>, weights: UnsafePointer<Float>, columns: Int,
    _ found: UnsafeMutablePointer<weightmill_block>, count: Int
  ) {
    unsafe weightmill_search_steps(
      Int32(type), level, values, weights, columns, 0, count, found)
  }

  /// Chooses the numbers of a block column by column: `weightmill_carry`.
  package func carry(_ block: inout weightmill_carrying) { unsafe weightmill_carry(level, &block) }

  /// Carries on the errors of a block that is written: `weightmill_carry_on`.
  package func carryOn(_ block: inout weightmill_carrying) {
    unsafe weightmill_carry_on(level, &block)
  }

  /// Finds what a block's steps are to be found for: `weightmill_settle`.
  package func settle(_ block: inout weightmill_carrying) {
    unsafe weightmill_settle(level, &block)
  }

  package func encodeBytes(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutablePointer<UInt8>, count: Int
  ) -> Int {
    unsafe weightmill_search_bytes(level, values, count, blocks)
  }

  package func encodeNibbles(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutablePointer<UInt8>, count: Int
  ) -> Int {
    unsafe weightmill_search_nibbles(level, values, count, blocks)
  }

  package func searchPoints(
    _ lattice: Lattice, _ block: LatticeBlock, scales: (to: Float, from: Float),
    _ choice: inout LatticeChoice
  ) {
    unsafe lattice.withKernelForm { form in
      let result = unsafe weightmill_lattice_search(
        form, block.magnitudes, block.weights, block.odd, scales.to, scales.from, level,
        &choice.multipliers, &choice.patterns)
      choice.scale = UInt16(truncatingIfNeeded: result)
      choice.overflows = result & UInt32(WEIGHTMILL_OVERFLOWS) != 0
    }
  }
}

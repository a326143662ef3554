import CWeightmillKernels
import WeightmillTensors

/// A block format whose scales are searched: `formats/quantization.md`, "How scales are found".
protocol SearchedFormat: BlockFormat {
  /// What CKernels calls the search, such as `WEIGHTMILL_Q4_K`.
  static var search: Int { get }

  /// The number of values that share a scale.
  static var valuesPerPart: Int { get }

  /// Writes one block.
  ///
  /// - Parameters:
  ///   - found: What the search found.
  ///   - block: Room for `type.bytesPerBlock` bytes.
  static func pack(_ found: FoundBlock, _ block: UnsafeMutableRawPointer)
}

/// What a search found for one block: integers, which the block's type packs into its bits.
///
/// Value *i* of part *p* is `d * scale(p) * n - dmin * minimum(p)`, where *n* is number *i* plus the
/// lowest number of the type, or a level of IQ4_NL. This is `weightmill_block` of CKernels.
@unsafe struct FoundBlock {
  private let base: UnsafeRawPointer

  /// Looks at a block.
  init(_ block: UnsafePointer<weightmill_block>) { unsafe base = UnsafeRawPointer(block) }

  private static let scales = MemoryLayout<weightmill_block>.offset(of: \.scales) ?? 0
  private static let minimums = MemoryLayout<weightmill_block>.offset(of: \.minimums) ?? 0
  private static let firstNumber = MemoryLayout<weightmill_block>.offset(of: \.numbers) ?? 0

  /// The bits of the block's binary16 `d`, which integer scales are multiplied by.
  var d: UInt16 { unsafe base.load(as: UInt16.self) }

  /// The bits of the block's binary16 `dmin`, which integer minima are multiplied by.
  var dmin: UInt16 { unsafe base.load(fromByteOffset: 2, as: UInt16.self) }

  /// The integer scale of a part.
  @inline(__always)
  func scale(_ part: Int) -> Int8 { unsafe base.signedByte(at: Self.scales &+ part) }

  /// The integer minimum of a part, not negative.
  @inline(__always)
  func minimum(_ part: Int) -> UInt8 { unsafe base.byte(at: Self.minimums &+ part) }

  /// The numbers of all values, a byte each.
  var numbers: UnsafeRawPointer { unsafe base + Self.firstNumber }
}

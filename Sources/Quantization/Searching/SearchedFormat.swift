import CKernels
import Tensors

/// A block format whose scales are searched: `formats/quantization.md`, "How scales are found".
protocol SearchedFormat: BlockFormat {
  /// What CKernels calls the search, such as `WEIGHTMILL_Q4_K`.
  static var search: Int { get }

  /// How many values share a scale.
  static var valuesPerPart: Int { get }

  /// Writes one block.
  ///
  /// - Parameters:
  ///   - found: What the search found.
  ///   - block: Room for `type.bytesPerBlock` bytes.
  static func pack(_ found: FoundBlock, _ block: UnsafeMutableRawPointer)
}

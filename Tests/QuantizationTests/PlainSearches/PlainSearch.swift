import CKernels
import Tensors

/// What `weightmill_search` does, in plain Swift and one block after the other.
///
/// Every operation is one of binary32, in the same order, so that the results are the same bits.
struct ReferenceSearch {
  private let type: Int

  /// Takes a type, such as `WEIGHTMILL_Q4_K`.
  init(_ type: Int) { self.type = type }

  /// Searches blocks; the parameters are those of `weightmill_search`.
  func run(
    _ values: UnsafePointer<Float>, importance: UnsafePointer<Float>?, columns: Int, column: Int,
    _ found: UnsafeMutablePointer<weightmill_block>, count: Int
  ) {
    let rule = unsafe weightmill_rule_of(Int32(type), importance == nil ? 0 : 1)
    let symmetric = unsafe rule.symmetric.map { unsafe SymmetricSearch($0.pointee) }
    let affine = unsafe rule.affine.map { unsafe AffineSearch($0.pointee) }
    let size = symmetric?.blockSize ?? affine?.blockSize ?? 0
    for block in 0..<count {
      let x = (0..<size).map { unsafe values[block * size + $0] }
      let weights = (0..<size).map { place -> Float in
        unsafe importance.map { unsafe $0[(column + block * size) % columns + place] } ?? 1
      }
      let target = unsafe found + block
      if let symmetric {
        unsafe target.pointee = Self.block(symmetric.search(x, weights))
      } else if let affine {
        unsafe target.pointee = Self.block(affine.search(x, weights))
      }
    }
  }

  /// What is found is handed on as C has it.
  private static func block(_ answer: SearchAnswer?) -> weightmill_block {
    var block = weightmill_block()
    guard let answer else {
      block.unit = 0x7C00
      return block
    }
    block.unit = Binary16.bits(answer.unit)
    block.floor = Binary16.bits(answer.floor)
    unsafe withUnsafeMutableBytes(of: &block.scales) { bytes in
      for (place, scale) in answer.scales.enumerated() {
        unsafe bytes[place] = UInt8(bitPattern: Int8(scale))
      }
    }
    unsafe withUnsafeMutableBytes(of: &block.minimums) { bytes in
      for (place, minimum) in answer.minimums.enumerated() { unsafe bytes[place] = UInt8(minimum) }
    }
    unsafe withUnsafeMutableBytes(of: &block.numbers) { bytes in
      for (place, number) in answer.numbers.enumerated() { unsafe bytes[place] = UInt8(number) }
    }
    return block
  }
}

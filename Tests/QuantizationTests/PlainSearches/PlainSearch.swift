import CWeightmillKernels
import WeightmillQuantization
import WeightmillTensors

/// The searches of CKernels in plain Swift, one block after the other: their oracle.
///
/// Every operation is one of binary32, in the same order, so that the results are the same bits.
struct PlainSearch: ScaleSearch {
  func search(
    type: Int, _ values: UnsafePointer<Float>, importance: UnsafePointer<Float>?, columns: Int,
    column: Int, _ found: UnsafeMutablePointer<weightmill_block>, count: Int
  ) {
    let rule = weightmill_rule_of(Int32(type), importance == nil ? 0 : 1)
    let symmetric = rule.symmetric.map { SymmetricSearch($0.pointee) }
    let affine = rule.affine.map { AffineSearch($0.pointee) }
    let size = symmetric?.blockSize ?? affine?.blockSize ?? 0
    for block in 0..<count {
      let x = (0..<size).map { values[block * size + $0] }
      let weights = (0..<size).map { index -> Float in
        importance.map { $0[(column + block * size) % columns + index] } ?? 1
      }
      let target = found + block
      if let symmetric {
        target.pointee = Self.block(symmetric.search(x, weights))
      } else if let affine {
        target.pointee = Self.block(affine.search(x, weights))
      }
    }
  }

  func encodeBytes(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutablePointer<UInt8>, count: Int
  ) -> Int {
    ShortSearch.encodeBytes(values, UnsafeMutableRawPointer(blocks), count: count)
  }

  func encodeNibbles(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutablePointer<UInt8>, count: Int
  ) -> Int {
    ShortSearch.encodeNibbles(values, UnsafeMutableRawPointer(blocks), count: count)
  }

  func searchPoints(
    _ lattice: Lattice, _ block: LatticeBlock, scales: (to: Float, from: Float),
    _ choice: inout LatticeChoice
  ) {
    var search = LatticeSearch(lattice, block, scales: scales)
    choice = search.run()
  }

  /// What is found is handed on as C has it.
  private static func block(_ answer: SearchAnswer?) -> weightmill_block {
    var block = weightmill_block()
    guard let answer else {
      block.d = 0x7C00
      return block
    }
    block.d = Binary16.bits(answer.d)
    block.dmin = Binary16.bits(answer.dmin)
    withUnsafeMutableBytes(of: &block.scales) { bytes in
      for (index, scale) in answer.scales.enumerated() {
        bytes[index] = UInt8(bitPattern: Int8(scale))
      }
    }
    withUnsafeMutableBytes(of: &block.minimums) { bytes in
      for (index, minimum) in answer.minimums.enumerated() { bytes[index] = UInt8(minimum) }
    }
    withUnsafeMutableBytes(of: &block.numbers) { bytes in
      for (index, number) in answer.numbers.enumerated() { bytes[index] = UInt8(number) }
    }
    return block
  }
}

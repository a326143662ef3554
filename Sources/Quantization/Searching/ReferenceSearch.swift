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

/// The best scales that were found for a block.
struct SearchAnswer {
  var unit: Float = 0
  var floor: Float = 0
  var scales: [Float]
  var minimums: [Float] = []
  /// From 0.
  var numbers: [Float] = []
}

/// The arithmetic of `Lanes.h`.
enum Lane {
  /// No error is as large.
  static let worst: Float = 3e38

  /// The nearest integer, halves to even, after limiting to a range.
  static func nearest(_ value: Float, _ low: Float, _ high: Float) -> Float {
    within(value, low, high).rounded(.toNearestOrEven)
  }

  /// The value, or the end of the range that it is beyond.
  static func within(_ value: Float, _ low: Float, _ high: Float) -> Float {
    let raised = value > low ? value : low
    return raised < high ? raised : high
  }

  /// The reciprocal; 0 for what is too small to have a useful one.
  static func inverse(_ value: Float) -> Float { abs(value) > 1e-30 ? 1 / value : 0 }

  /// The nearest binary16 number, never -0.
  static func half(_ value: Float) -> Float { Binary16.float(Binary16.bits(value)) + 0 }

  /// How much longer than its nearest answer a block of that size and error is.
  static func stretched(_ power: Float, _ error: Float) -> Float {
    guard error < power else { return 1 }
    let more = error * inverse(power - error)
    return 1 + (more < 0.25 ? more : 0.25)
  }

  /// The first values of a C array.
  static func list<Tuple>(_ tuple: Tuple, _ count: Int32) -> [Float] {
    unsafe withUnsafeBytes(of: tuple) { bytes in
      unsafe Array(bytes.assumingMemoryBound(to: Float.self).prefix(Int(count)))
    }
  }
}

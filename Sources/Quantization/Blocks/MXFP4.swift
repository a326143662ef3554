import Tensors

/// 32 values in 17 bytes: an exponent `e`, then 32 four-bit floating-point numbers (E2M1).
///
/// `y = F[number] * 2^(e - 128)`, where `F` holds twice the numbers. Numbers lie as in Q4_0. Source:
/// OCP Microscaling Formats 1.0; unlike there, ggml's exponent 255 is a number as any other.
enum MXFP4: BlockFormat {
  static var type: TensorType { .mxfp4 }

  private static let bytes = 17

  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    unsafe FourBitLevels.doubledE2M1.withUnsafeBufferPointer { levels in
      for block in 0..<count {
        let source = unsafe blocks + block &* bytes
        let target = unsafe values + block &* 32
        let scale = unsafe power(source.byte(at: 0))
        for place in 0..<16 {
          let pair = unsafe source.byte(at: 1 &+ place)
          unsafe target[place] = levels[Int(pair & 15)] * scale
          unsafe target[place &+ 16] = levels[Int(pair >> 4)] * scale
        }
      }
    }
  }

  /// `2^(exponent - 128)`; the two smallest are subnormal.
  @inline(__always)
  private static func power(_ exponent: UInt8) -> Float {
    let exponent = UInt32(exponent)
    return Float(bitPattern: exponent < 2 ? 0x0020_0000 << exponent : (exponent &- 1) << 23)
  }

  /// Encodes whole blocks: of five neighbouring exponents the one with the least weighted squared error.
  ///
  /// The middle one is that with which the largest value still has a number: 6 at most, with a fraction
  /// of one bit.
  static func encode(
    _ values: UnsafePointer<Float>, _ weights: [Float]?, _ blocks: UnsafeMutableRawPointer,
    count: Int
  ) {
    for block in 0..<count {
      let source = unsafe values + block &* 32
      let target = unsafe blocks + block &* bytes
      var largest: Float = 0
      for place in 0..<32 { unsafe largest = max(largest, abs(source[place])) }
      let first = weights.map { block &* 32 % $0.count } ?? 0
      var (best, least) = (UInt8(0), Float.infinity)
      let middle = largest > 0 ? Int(largest.exponent) &- 2 &+ 127 : 0
      for exponent in max(0, middle - 2)...max(0, min(254, middle + 2)) {
        let scale = power(UInt8(exponent))
        var error: Float = 0
        for place in 0..<32 {
          let value = unsafe source[place]
          let distance = value - FourBitLevels.doubledE2M1[index(value / scale)] * scale
          error += distance * distance * (weights.map { $0[first &+ place] } ?? 1)
        }
        if error < least { (best, least) = (UInt8(exponent), error) }
      }
      let scale = power(best)
      unsafe target.put(best, at: 0)
      for place in 0..<16 {
        let low = unsafe index(source[place] / scale)
        let high = unsafe index(source[place &+ 16] / scale)
        unsafe target.put(UInt8(low | high << 4), at: 1 &+ place)
      }
    }
  }

  /// The number nearest to twice an E2M1 number; of two as near the smaller magnitude.
  @inline(__always)
  private static func index(_ doubled: Float) -> Int {
    let size = abs(doubled)
    var index = 0
    for middle in [0.5, 1.5, 2.5, 3.5, 5, 7, 10] as [Float] where size > middle { index += 1 }
    return doubled < 0 && index > 0 ? index | 8 : index
  }
}

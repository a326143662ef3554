import WeightmillTensors

/// Encodes MXFP4: of five neighbouring exponents the one with the least weighted squared error.
///
/// The middle one is that with which the largest value still has a number: 6 at most, with a fraction
/// of one bit.
struct MXFP4Encoder: BlockEncoder {
  /// For each column what an error in it costs; `nil`: all the same.
  let weights: [Float]?

  private static let size = 32

  func encode(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, count: Int
  ) -> EncodingFaults {
    for block in 0..<count {
      let source = unsafe values + block &* Self.size
      let target = unsafe blocks + block &* MXFP4.type.bytesPerBlock
      let column = weights.map { block &* Self.size % $0.count } ?? 0
      let exponent = unsafe bestExponent(source, column: column)
      let scale = MXFP4.scale(exponent)
      unsafe target.put(exponent, at: 0)
      for lane in 0..<16 {
        let low = unsafe Self.number(source[lane] / scale)
        let high = unsafe Self.number(source[lane &+ 16] / scale)
        unsafe target.put(UInt8(low | high << 4), at: 1 &+ lane)
      }
    }
    return EncodingFaults()
  }

  private func bestExponent(_ values: UnsafePointer<Float>, column: Int) -> UInt8 {
    var largest: Float = 0
    for lane in 0..<Self.size { unsafe largest = max(largest, abs(values[lane])) }
    let middle = largest > 0 ? Int(largest.exponent) &- 2 &+ 127 : 0
    var (best, least) = (UInt8(0), Float.infinity)
    for exponent in max(0, middle - 2)...max(0, min(254, middle + 2)) {
      let scale = MXFP4.scale(UInt8(exponent))
      var error: Float = 0
      for lane in 0..<Self.size {
        let value = unsafe values[lane]
        let distance = value - FourBitLevels.doubledE2M1[Self.number(value / scale)] * scale
        error += distance * distance * (weights.map { $0[column &+ lane] } ?? 1)
      }
      if error < least { (best, least) = (UInt8(exponent), error) }
    }
    return best
  }

  /// The number nearest to twice an E2M1 number; of two as near the smaller magnitude.
  @inline(__always)
  private static func number(_ doubled: Float) -> Int {
    let size = abs(doubled)
    var number = 0
    for middle in [0.5, 1.5, 2.5, 3.5, 5, 7, 10] as [Float] where size > middle { number += 1 }
    return doubled < 0 && number > 0 ? number | 8 : number
  }
}

import WeightmillTensors

/// For each sub-block the scale with the least error weighted by `x^2` among 19 trials, then all
/// scales in units of `d`, then the numbers anew with the scales as stored.
///
/// Source: ggml's reference quantizer without an importance matrix, whose bytes these are.
extension Q6_K: ClosedForm {
  /// How far beyond 32 the largest number is tried, in tenths; the first trial sets the mark.
  private static let trials: [Float] = [0] + (-9...9).filter { $0 != 0 }.map { 0.1 * Float($0) }
  /// Below this magnitude a sub-block counts as zero.
  private static let smallest: Float = 1e-15
  /// The largest magnitude a block can hold: the largest binary16 number times 127 times 31.
  private static let largestValue: Float = 65504 * 127 * 31

  static func closedForm(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, blocks count: Int
  )
    -> Int
  {
    var infinite = 0
    for block in 0..<count {
      infinite &+= unsafe encodeBlock(values + block &* 256, blocks + block &* type.bytesPerBlock)
    }
    return infinite
  }

  private static func encodeBlock(_ values: UnsafePointer<Float>, _ target: UnsafeMutableRawPointer)
    -> Int
  {
    unsafe target.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    for index in 0..<256 where unsafe abs(values[index]) > largestValue {
      // Squared errors would overflow: the block says that it is lost, like other formats' blocks.
      unsafe target.storeBytes(
        of: UInt16(0x7C00).littleEndian, toByteOffset: scale, as: UInt16.self)
      return 256
    }
    var ideal = SIMD16<Float>()
    var inverses = SIMD16<Float>()
    var largest: Float = 0
    for sub in 0..<16 {
      (ideal[sub], inverses[sub]) = unsafe bestScale(values + sub &* 16)
      if abs(ideal[sub]) > abs(largest) { largest = ideal[sub] }
    }
    guard abs(largest) >= smallest else { return 0 }
    let inverse = -128 / largest
    let bits = Binary16.bits(1 / inverse)
    let d = Binary16.float(bits)
    unsafe target.storeBytes(of: bits.littleEndian, toByteOffset: scale, as: UInt16.self)
    for sub in 0..<16 {
      let step = Int8(truncatingIfNeeded: min(127, roundedToEven(inverse * ideal[sub])))
      unsafe target.storeBytes(of: step, toByteOffset: scales &+ sub, as: Int8.self)
      let size = d * Float(step)
      for index in sub &* 16..<sub &* 16 &+ 16 {
        let value = unsafe values[index]
        let quant: Int32
        if size != 0 {
          quant = clamped(roundedToEven(value / size))
        } else {
          // Decodes to 0 whatever the numbers are: those of the search stay, as in ggml.
          quant = inverses[sub] == 0 ? -32 : clamped(roundedToEven(inverses[sub] * value))
        }
        unsafe store(UInt8(truncatingIfNeeded: quant &+ 32), at: index, target)
      }
    }
    return bits & 0x7FFF == 0x7C00 ? 256 : 0
  }

  @inline(__always)
  private static func store(_ quant: UInt8, at index: Int, _ target: UnsafeMutableRawPointer) {
    let (low, high, shift) = position(index)
    let lowByte = unsafe target.load(fromByteOffset: low, as: UInt8.self)
    let highByte = unsafe target.load(fromByteOffset: high, as: UInt8.self)
    unsafe target.storeBytes(
      of: lowByte | (quant & 15) << shift.low, toByteOffset: low, as: UInt8.self)
    unsafe target.storeBytes(
      of: highByte | (quant >> 4) << shift.high, toByteOffset: high, as: UInt8.self)
  }

  /// The scale of 16 values with the least squared error weighted by `x^2`, and the inverse of the
  /// trial that led to it; zeros for values that are all about zero.
  private static func bestScale(
    _ values: UnsafePointer<Float>
  ) -> (scale: Float, inverse: Float) {
    var largest: Float = 0
    for index in 0..<16 {
      let value = unsafe values[index]
      if abs(value) > abs(largest) { largest = value }
    }
    guard abs(largest) >= smallest else { return (0, 0) }
    var best: Float = 0
    var bestScale: Float = 0
    var bestInverse: Float = 0
    for trial in trials {
      let inverse = -(32 + trial) / largest
      var product: Float = 0
      var square: Float = 0
      for index in 0..<16 {
        let value = unsafe values[index]
        let quant = Float(clamped(roundedToEven(inverse * value)))
        let weight = value * value
        product += weight * value * quant
        square += weight * quant * quant
      }
      // The squared error falls by product^2 / square.
      if trial == 0 {
        bestScale = square == 0 ? 0 : product / square
        best = bestScale * product
        bestInverse = inverse
      } else if square > 0, product * product > best * square {
        bestScale = product / square
        best = bestScale * product
        bestInverse = inverse
      }
    }
    return (bestScale, bestInverse)
  }

  @inline(__always)
  private static func clamped(_ quant: Int32) -> Int32 { max(-32, min(31, quant)) }

  /// The nearest integer, halves to even, of a value below 2^22.
  @inline(__always)
  private static func roundedToEven(_ value: Float) -> Int32 {
    Int32(truncatingIfNeeded: (value + 12_582_912).bitPattern & 0x007F_FFFF) &- 0x0040_0000
  }
}

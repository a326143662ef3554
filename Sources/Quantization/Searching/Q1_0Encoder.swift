import WeightmillTensors

/// Encodes Q1_0: the weighted mean of the magnitudes, and the signs.
///
/// Whatever `d` is, the nearest of `d` and `-d` has the value's sign; so the `d` of least squares is that
/// mean. Source: `formats/quantization.md`, section 2.41.
struct Q1_0Encoder: BlockEncoder {
  /// For each column what an error in it costs; `nil`: all the same.
  let weights: [Float]?

  private static let size = 128

  func encode(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, count: Int
  ) -> EncodingFaults {
    let ones = [Float](repeating: 1, count: Self.size)
    var faults = EncodingFaults()
    unsafe (weights ?? ones).withUnsafeBufferPointer { weights in
      guard let base = weights.baseAddress else { return }
      for block in 0..<count {
        let first = block &* Self.size
        let target = unsafe blocks + block &* Q1_0.type.bytesPerBlock
        let d = unsafe Self.encode(values + first, base + first % weights.count, target)
        if d == .infinity { faults.overflowed += Self.size }
      }
    }
    return faults
  }

  /// Writes a block.
  ///
  /// Sums are taken in eight lanes, which are added in order.
  ///
  /// - Returns: `d`.
  private static func encode(
    _ values: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
    _ block: UnsafeMutableRawPointer
  ) -> Float {
    var (sum, weight) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
    for index in 0..<16 {
      let eight = unsafe UnsafeRawPointer(values + 8 &* index).loadUnaligned(as: SIMD8<Float>.self)
      let costs = unsafe UnsafeRawPointer(weights + 8 &* index).loadUnaligned(as: SIMD8<Float>.self)
      var bits: UInt8 = 0
      for lane in 0..<8 where !(eight[lane] < 0) { bits |= 1 << UInt8(truncatingIfNeeded: lane) }
      unsafe block.put(bits, at: 2 &+ index)
      sum += costs * eight.replacing(with: -eight, where: eight .< 0)
      weight += costs
    }
    let d = Binary16.bits(total(sum) / total(weight))
    unsafe block.put(d, at: 0)
    return Binary16.float(d)
  }

  private static func total(_ lanes: SIMD8<Float>) -> Float {
    (0..<8).reduce(0) { $0 + lanes[$1] }
  }
}

import WeightmillTensors

/// What `Shorts.h` of CKernels does, in plain Swift: Q8_0 and Q4_0 without importance.
///
/// The values become 16-bit integers of which the largest has -32768. For eight scales the squared
/// distances from the nearest numbers are summed as integers; times the square of the scale, that is the
/// error. The best scale is rounded to binary16, and the numbers are chosen with it as stored.
enum ShortSearch {
  /// A block's extremes, and its values as integers.
  private struct Block {
    let peak: Float
    let size: Float
    let other: Float
    let values: [Int16]

    /// `nil` for values that are all about zero.
    init?(_ x: UnsafePointer<Float>) {
      var (highest, depth) = (x[0], -x[0])
      for index in 1..<32 {
        let value = x[index]
        if value > highest { highest = value }
        if -value > depth { depth = -value }
      }
      peak = highest > depth ? highest : -depth
      size = highest > depth ? highest : depth
      other = highest > depth ? depth : highest
      guard size > 1e-30 else { return nil }
      let scale = -32768 / peak
      values = (0..<32).map { index in
        Int16(min(32767, Int32((x[index] * scale).rounded(.toNearestOrEven))))
      }
    }
  }

  /// The index of the least cost, the first of several.
  private static func cheapest(_ costs: [Float]) -> Int {
    costs.indices.reduce(0) { costs[$1] < costs[$0] ? $1 : $0 }
  }

  /// Writes a u16, little endian, or a byte.
  private static func put<Number: FixedWidthInteger>(
    _ number: Number, at offset: Int = 0, _ block: UnsafeMutableRawPointer
  ) {
    block.storeBytes(of: number.littleEndian, toByteOffset: offset, as: Number.self)
  }

  /// Stores a scale; returns the reciprocal of what was stored, 0 if there is none.
  private static func store(_ scale: Float, _ block: UnsafeMutableRawPointer) -> Float {
    let bits = Binary16.bits(scale)
    let stored = Binary16.float(bits)
    put(stored == 0 ? 0 : bits, block)
    return abs(stored) > 1e-30 ? 1 / stored : 0
  }

  /// Q8_0.
  static func encodeBytes(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, count: Int
  ) -> Int {
    var tooLarge = 0
    for number in 0..<count {
      let x = values + 32 &* number
      let target = blocks + 34 &* number
      target.initializeMemory(as: UInt8.self, repeating: 0, count: 34)
      guard let block = Block(x) else { continue }
      guard block.size <= 65504 * 120 else {
        put(UInt16(0x7C00), target)
        tooLarge += 1
        continue
      }
      let costs = (0..<8).map { trial -> Float in
        let goal = Float(128 - trial)
        guard goal * block.other < 127.5 * block.size else { return 3e38 }
        let sum = block.values.reduce(Int32(0)) { sum, value in
          let distance = Int32((value &* Int16(256 - 2 * trial)) >> 3)
          return sum + distance * distance
        }
        // Costs leave out that the scale is rounded: 127 must be beaten by more than that.
        return Float(sum) * (1 / (goal * goal) * (trial == 1 ? 0.99 : 1))
      }
      let goal = Float(128 - cheapest(costs))
      let inverse = store(block.peak * (-1 / goal), target)
      for lane in 0..<32 {
        let number = max(-128, min(127, (x[lane] * inverse).rounded(.toNearestOrEven)))
        put(UInt8(bitPattern: Int8(number)), at: 2 + lane, target)
      }
    }
    return tooLarge
  }

  /// 2048 times what the largest value falls on; beyond -8 it is cut off.
  private static let factors: [Int32] = [
    18432, 17818, 17203, 16589, 15974, 15360, 14848, 14336,
  ]

  /// Q4_0.
  static func encodeNibbles(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, count: Int
  ) -> Int {
    var tooLarge = 0
    for number in 0..<count {
      let x = values + 32 &* number
      let target = blocks + 18 &* number
      target.initializeMemory(as: UInt8.self, repeating: 0, count: 18)
      guard let block = Block(x) else {
        for lane in 0..<16 { put(UInt8(0x88), at: 2 + lane, target) }
        continue
      }
      guard block.size <= 65504 * 7 else {
        put(UInt16(0x7C00), target)
        tooLarge += 1
        continue
      }
      let costs = factors.map { factor -> Float in
        let sum = block.values.reduce(Int32(0)) { sum, value in
          let scaled = (Int32(value) * factor) >> 16
          let number = max(-8192, min(scaled + 512, 8191) & -1024)
          return sum + (scaled - number) * (scaled - number)
        }
        return Float(sum) * (1 / (Float(factor) * Float(factor)))
      }
      let factor = Float(factors[cheapest(costs)])
      let inverse = store(block.peak * (-2048 / factor), target)
      let numbers = (0..<32).map { lane in
        UInt8(8 + max(-8, min(7, (x[lane] * inverse).rounded(.toNearestOrEven))))
      }
      for lane in 0..<16 {
        put(numbers[lane] | numbers[lane + 16] << 4, at: 2 + lane, target)
      }
    }
    return tooLarge
  }
}

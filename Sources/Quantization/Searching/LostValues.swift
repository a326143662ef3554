import WeightmillTensors

/// Counts values that a far larger neighbour wiped out.
///
/// A part of a block shares one scale. Where one value of it is far larger than the others, they all get
/// the same number, and what they were is lost: the file holds a valid block, and no program would say
/// so. A value counts as lost if all values of its part but the largest have one number, the error of
/// these is at least half of what they were, in squares, and the largest is at least 16 times their root
/// mean square: less is what types of few bits do to ordinary blocks.
///
/// Points of a codebook have no zeros and come in groups: there the others may have several numbers.
enum LostValues {
  /// Whether all numbers but at most one can be the same: one of two halves is uniform.
  ///
  /// - Parameters:
  ///   - numbers: The bytes in which the numbers of a part lie, sixteen at least.
  ///   - count: How many bytes.
  ///   - isHalves: Whether a byte holds two numbers.
  /// - Returns: Whether it is worth while to look.
  @inline(__always)
  static func mayBe(_ numbers: UnsafeRawPointer, count: Int, isHalves: Bool = false) -> Bool {
    var index = 0
    while index &+ 8 <= count {
      let word = unsafe numbers.word64(at: index)
      let first = isHalves ? word & 15 : word & 255
      if word == first &* (isHalves ? 0x1111_1111_1111_1111 : 0x0101_0101_0101_0101) { return true }
      index &+= 8
    }
    return false
  }

  /// How many values of a part are lost.
  ///
  /// - Parameters:
  ///   - values: The values.
  ///   - decoded: What they were encoded to.
  ///   - count: How many there are.
  ///   - isOfPoints: Whether they are points of a codebook.
  /// - Returns: The number of values.
  static func count(
    _ values: UnsafePointer<Float>, _ decoded: UnsafePointer<Float>, count: Int,
    isOfPoints: Bool = false
  ) -> Int {
    var largest = 0
    for index in 1..<count where unsafe abs(values[index]) > abs(values[largest]) {
      largest = index
    }
    var (power, error, others) = (0.0, 0.0, 0)
    let common = unsafe decoded[largest == 0 ? 1 : 0]
    for index in 0..<count where index != largest {
      guard unsafe isOfPoints || decoded[index] == common else { return 0 }
      let (value, distance) = unsafe (
        Double(values[index]), Double(values[index]) - Double(decoded[index])
      )
      power += value * value
      error += distance * distance
      if value != 0 { others &+= 1 }
    }
    let peak = unsafe Double(values[largest])
    let isOutlier = peak * peak * Double(count - 1) >= 256 * power
    return error >= 0.5 * power && power > 0 && isOutlier ? others : 0
  }

  /// How many values of a block are lost, in all of its parts together.
  ///
  /// - Parameters:
  ///   - values: The values of one block.
  ///   - block: What they were encoded to.
  ///   - format: The block's type.
  ///   - part: How many values share a scale.
  ///   - isOfPoints: Whether they are points of a codebook.
  /// - Returns: The number of values.
  static func count(
    _ values: UnsafePointer<Float>, _ block: UnsafeRawPointer, as format: any BlockFormat.Type,
    part: Int, isOfPoints: Bool
  ) -> Int {
    let size = format.type.valuesPerBlock
    let parts = stride(from: 0, to: size, by: part)
    // Hardly any block has an outlier, and decoding takes time.
    guard parts.contains(where: { unsafe hasOutlier(values + $0, count: part) }) else { return 0 }
    return unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: size) { decoded in
      guard let base = decoded.baseAddress else { return 0 }
      unsafe format.decode(block, base, blocks: 1)
      return parts.reduce(0) { sum, first in
        unsafe sum + count(values + first, base + first, count: part, isOfPoints: isOfPoints)
      }
    }
  }

  /// Whether one value is far larger than the others together: a cheap test that no part fails in which
  /// values are lost.
  private static func hasOutlier(_ values: UnsafePointer<Float>, count: Int) -> Bool {
    var (largest, sum) = (0.0, 0.0)
    for index in 0..<count {
      let square = unsafe Double(values[index]) * Double(values[index])
      largest = max(largest, square)
      sum += square
    }
    // Half of what `count` asks for: sums round in another order.
    return largest * Double(count - 1) >= 128 * (sum - largest)
  }
}

import WeightmillTensors

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
    withUnsafeBytes(of: tuple) { bytes in
      Array(bytes.assumingMemoryBound(to: Float.self).prefix(Int(count)))
    }
  }
}

/// The best scales that were found for a block.
struct SearchAnswer {
  var d: Float = 0
  var dmin: Float = 0
  var scales: [Float]
  var minimums: [Float] = []
  /// From 0.
  var numbers: [Float] = []
}

import WeightmillTensors

/// The type that a checkpoint's values were rounded to before they were read, as far as they tell.
enum ValuePrecision {
  case bf16, f16, f32

  /// The coarsest type that holds all values.
  ///
  /// - Parameters:
  ///   - values: Finite values.
  ///   - count: How many there are.
  init(_ values: UnsafePointer<Float>, count: Int) {
    var bits: UInt32 = 0
    for index in 0..<count { bits |= unsafe values[index].bitPattern }
    if bits & 0xFFFF == 0 {
      self = .bf16
    } else if bits & 0x1FFF == 0,
      (0..<count).allSatisfy({ unsafe Self.f16.rounded(values[$0]) == values[$0] })
    {
      self = .f16
    } else {
      self = .f32
    }
  }

  /// The value as the type holds it.
  func rounded(_ value: Float) -> Float {
    switch self {
    case .bf16: BFloat16.float(BFloat16.bits(value))
    case .f16: Binary16.float(Binary16.bits(value))
    case .f32: value
    }
  }

  /// Whether values are the others after they were rounded to the type.
  func isSame(
    _ values: UnsafePointer<Float>, _ others: UnsafePointer<Float>, count: Int
  ) -> Bool {
    (0..<count).allSatisfy { unsafe rounded(values[$0]) == others[$0] }
  }

  /// How far what was rounded to a value may be from it, and a little more: sums of these are rounded, too.
  func halfStep(_ value: Float) -> Double {
    guard value != 0 else { return 0 }
    let size = Double(value.magnitude.binade) * (1 + 0x1p-30)
    switch self {
    case .bf16: return size * 0x1p-8
    case .f16: return max(size * 0x1p-11, 0x1p-25)
    case .f32: return 0
    }
  }
}

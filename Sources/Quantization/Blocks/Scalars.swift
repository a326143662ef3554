import WeightmillTensors

/// A type of plain numbers: blocks of one value, whose bits `Tensors` knows.
protocol ScalarFormat: BlockFormat {}

extension ScalarFormat {
  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int
  ) {
    unsafe ScalarRows.decode(blocks, as: type, values, count: count)
  }
}

/// Binary64 numbers, rounded to the nearest binary32 number, ties to even.
enum F64: ScalarFormat { static var type: TensorType { .f64 } }

/// Binary32 numbers.
enum F32: ScalarFormat { static var type: TensorType { .f32 } }

/// Binary16 numbers.
enum F16: ScalarFormat { static var type: TensorType { .f16 } }

/// Bfloat16 numbers: the upper halves of binary32 numbers.
enum BF16: ScalarFormat { static var type: TensorType { .bf16 } }

/// Eight-bit numbers with four bits of exponent and three of fraction.
enum F8_E4M3: ScalarFormat { static var type: TensorType { .f8e4m3 } }

/// Eight-bit numbers with five bits of exponent and two of fraction.
enum F8_E5M2: ScalarFormat { static var type: TensorType { .f8e5m2 } }

/// As `F8_E4M3`, with one NaN and one zero.
enum F8_E4M3FNUZ: ScalarFormat { static var type: TensorType { .f8e4m3fnuz } }

/// As `F8_E5M2`, with one NaN and one zero.
enum F8_E5M2FNUZ: ScalarFormat { static var type: TensorType { .f8e5m2fnuz } }

/// Rounds values to numbers of a type.
struct ScalarEncoder: BlockEncoder {
  /// One of `ScalarRows.encodable`.
  let type: TensorType

  func encode(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, count: Int
  ) -> EncodingFaults {
    unsafe ScalarRows.encode(values, as: type, blocks, count: count)
    return EncodingFaults()
  }
}

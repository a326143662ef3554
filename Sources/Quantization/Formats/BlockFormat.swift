import WeightmillTensors

/// How the values of one tensor type lie in blocks.
///
/// Each type is an enum of its own that knows its layout, decodes and, where Weightmill writes the
/// type, encodes. `RowDecoder` and `RowEncoder` list them.
protocol BlockFormat: SendableMetatype {
  /// The type whose blocks these are.
  static var type: TensorType { get }

  /// Decodes whole blocks: any bytes, without a trap.
  ///
  /// Arithmetic is binary32 in the order of `formats/quantization.md`, never fused.
  ///
  /// - Parameters:
  ///   - blocks: `count * type.bytesPerBlock` bytes at any address.
  ///   - values: Room for `count * type.valuesPerBlock` values.
  ///   - count: How many blocks there are.
  static func decode(
    _ blocks: UnsafeRawPointer, _ values: UnsafeMutablePointer<Float>, blocks count: Int)
}

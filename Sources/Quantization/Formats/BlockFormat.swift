import WeightmillTensors

/// How the values of one tensor type lie in blocks.
///
/// Each type is an enum of its own that knows its layout, decodes and, where Weightmill writes the
/// type, encodes. `RowDecoder` and `RowEncoder` list them.
///
/// A drawing in each type's comment shows where every bit of a block lies (`BlockDrawingTests` decodes
/// by it). This is Q5_0's:
///
/// ```text
/// 22 bytes, k < 4, j < 16
///      15--------------------------------------------------------------+
/// 0    |                               d                               |  binary16
///      7-------6-------5-------4-------3-------2-------1-------0-------+
/// 2+k  |  8k+7 |  8k+6 |  8k+5 |  8k+4 |  8k+3 |  8k+2 |  8k+1 |   8k  |  q[…].4
///      7-------------------------------3-------------------------------+
/// 6+j  |          q[j+16].3-0          |            q[j].3-0           |
///      +---------------------------------------------------------------+
/// ```
///
/// - The first line has the bytes of a block, and the variables; each is a whole number from 0 on.
/// - A box is a byte, or a little-endian word of two or four bytes, for every value of its variables. Its
///   offset in the block stands before it, its form, unless it is a number without a sign, after it.
/// - The number above the left edge of a cell is its highest bit. `q[j].3-0` is a cell that holds bits 3
///   to 0 of number *j*; without bits, the cell holds all of it.
/// - A cell without a name has that which stands after the box, with its own text in place of `…`: bit 7
///   of the byte at offset 2 is bit 4 of `q[7]`.
/// - Numbers with one index per value (`q`, `sign`) are in the order of the values.
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

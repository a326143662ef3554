public import Tensors

/// Turns stored rows into float32 values.
public struct RowDecoder: Sendable {
  /// The type of the rows.
  public let type: TensorType

  /// The types whose rows can be decoded.
  public static let types: [TensorType] = [.f32, .f16, .bf16, .q8_0, .q4_0, .q6_K]

  /// Makes a decoder.
  ///
  /// - Parameters:
  ///   - type: The type of the rows.
  ///   - location: The file they come from, for messages.
  /// - Throws: `unsupported` when rows of this type cannot be decoded.
  public init(_ type: TensorType, location: String) throws(WeightmillError) {
    guard Self.types.contains(type) else {
      throw WeightmillError(
        .unsupported, location, "holds tensors of type \(type.name), which cannot be decoded yet",
        remedy: "types that can: " + Self.types.map(\.name).joined(separator: ", "))
    }
    self.type = type
  }

  /// Decodes values.
  ///
  /// - Parameters:
  ///   - bytes: Whole blocks, little endian.
  ///   - values: Where to write; its count says how many values to decode, a multiple of the
  ///     block size, for which there must be bytes.
  public func decode(_ bytes: [UInt8], into values: inout [Float]) {
    let count = values.count
    precondition(count % type.valuesPerBlock == 0)
    precondition(bytes.count >= count / type.valuesPerBlock * type.bytesPerBlock)
    guard count > 0 else { return }
    unsafe bytes.withUnsafeBytes { source in
      unsafe values.withUnsafeMutableBufferPointer { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        switch type {
        case .f32: unsafe PlainBlocks.decodeF32(from, to, count)
        case .f16: unsafe PlainBlocks.decodeF16(from, to, count)
        case .bf16: unsafe PlainBlocks.decodeBF16(from, to, count)
        case .q8_0: unsafe Q8_0.decode(from, to, blocks: count / 32)
        case .q4_0: unsafe Q4_0.decode(from, to, blocks: count / 32)
        case .q6_K: unsafe Q6_K.decode(from, to, blocks: count / 256)
        default: break  // the initialiser refused the others
        }
      }
    }
  }
}

public import WeightmillTensors

/// Turns stored rows into float32 values.
public struct RowDecoder: Sendable {
  /// The type of the rows.
  public let type: TensorType

  /// The types whose rows can be decoded: numbers that mean something without further
  /// tensors.
  public static let types: [TensorType] = formats.map { $0.type }

  private static let formats: [any BlockFormat.Type] = [
    F64.self, F32.self, F16.self, BF16.self, F8_E4M3.self, F8_E5M2.self,
    F8_E4M3FNUZ.self, F8_E5M2FNUZ.self,
    Q1_0.self, Q2_0.self, Q4_0.self, Q4_1.self, Q5_0.self, Q5_1.self, Q8_0.self, Q8_1.self,
    Q2_K.self, Q3_K.self, Q4_K.self, Q5_K.self, Q6_K.self, Q8_K.self,
    IQ1_S.self, IQ1_M.self, IQ2_XXS.self, IQ2_XS.self, IQ2_S.self, IQ3_XXS.self, IQ3_S.self,
    IQ4_NL.self, IQ4_XS.self, TQ1_0.self, TQ2_0.self, MXFP4.self, NVFP4.self,
  ]

  /// The form of the blocks.
  let format: any BlockFormat.Type

  /// Makes a decoder.
  ///
  /// - Parameters:
  ///   - type: The type of the rows.
  ///   - location: The file they come from, for messages.
  /// - Throws: `unsupported` when rows of this type are not weights.
  public init(_ type: TensorType, location: String) throws(WeightmillError) {
    guard let format = Self.formats.first(where: { $0.type == type }) else {
      throw WeightmillError(
        .unsupported, location,
        "holds weights of type \(type.name), which are no weights by themselves",
        remedy: "start from the checkpoint in floating point, before it was quantized")
    }
    self.type = type
    self.format = format
  }

  /// Decodes values.
  ///
  /// - Parameters:
  ///   - bytes: Whole blocks, little endian.
  ///   - offset: The first byte to decode.
  ///   - values: Where to write; its count says how many values to decode, a multiple of the
  ///     block size, for which there must be bytes.
  public func decode(_ bytes: [UInt8], at offset: Int = 0, into values: inout [Float]) {
    let count = values.count
    precondition(count % type.valuesPerBlock == 0 && offset >= 0)
    precondition(bytes.count - offset >= count / type.valuesPerBlock * type.bytesPerBlock)
    guard count > 0 else { return }
    unsafe bytes.withUnsafeBytes { source in
      unsafe values.withUnsafeMutableBufferPointer { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        unsafe format.decode(from + offset, to, blocks: count / type.valuesPerBlock)
      }
    }
  }

  /// Decodes values, unchecked.
  ///
  /// - Parameters:
  ///   - bytes: Whole blocks for `count` values.
  ///   - count: How many values to decode, a multiple of the block size.
  ///   - values: Room for them.
  package func decode(
    _ bytes: UnsafeRawPointer, count: Int, into values: UnsafeMutablePointer<Float>
  ) {
    unsafe format.decode(bytes, values, blocks: count / type.valuesPerBlock)
  }
}

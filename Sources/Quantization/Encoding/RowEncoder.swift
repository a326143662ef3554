public import Tensors

/// Turns float32 values into stored rows.
///
/// Encoders are deterministic: the same bytes for the same values on any machine, whatever the
/// number of threads.
public struct RowEncoder: Sendable {
  /// The type of the rows.
  public let type: TensorType

  private let method: EncodingMethod
  private let kernel: EncoderKernel

  /// The types whose rows can be encoded.
  public static let types: [TensorType] =
    [.f32, .f16, .bf16, .q8_0, .mxfp4] + searched.map { $0.type } + LatticeEncoder.types

  /// The types that llama.cpp's closed forms exist for.
  public static let compatibleTypes: [TensorType] = [.f32, .f16, .bf16] + closed.map { $0.type }

  private static let searched: [any SearchedFormat.Type] = [
    Q4_0.self, Q4_1.self, Q5_0.self, Q5_1.self, Q2_K.self, Q3_K.self, Q4_K.self, Q5_K.self,
    Q6_K.self, IQ4_NL.self, IQ4_XS.self, TQ1_0.self, TQ2_0.self,
  ]

  private static let closed: [any ClosedForm.Type] = [
    Q8_0.self, Q4_0.self, Q4_1.self, Q5_0.self, Q5_1.self, Q6_K.self,
  ]

  /// Makes an encoder.
  ///
  /// - Parameters:
  ///   - type: The type of the rows.
  ///   - method: How scales are chosen.
  ///   - kernel: The code that searches scales; must be one of `EncoderKernel.available`.
  ///   - location: The file to be written, for messages.
  /// - Throws: `unsupported` when rows of this type cannot be encoded, or not by that method.
  public init(
    _ type: TensorType, method: EncodingMethod = .best, kernel: EncoderKernel = .best,
    location: String
  ) throws(WeightmillError) {
    guard Self.types.contains(type) else {
      throw WeightmillError(
        .unsupported, location, "tensors of type \(type.name) cannot be written yet",
        remedy: "types that can: " + Self.types.map(\.name).joined(separator: ", "))
    }
    guard method == .best || Self.compatibleTypes.contains(type) else {
      throw WeightmillError(
        .unsupported, location,
        "there is no closed form of llama.cpp for type \(type.name)",
        remedy: "leave out --encoder compatible, or use one of "
          + Self.compatibleTypes.map(\.name).joined(separator: ", "))
    }
    self.type = type
    self.method = method
    self.kernel = kernel
  }

  /// Encodes values.
  ///
  /// - Parameters:
  ///   - values: Finite values, whole rows of them.
  ///   - importance: For each column how much an error in it costs, not negative and finite, 0 where
  ///     a column was never used; `nil` when that is not known. The values are rows of as many
  ///     columns, which are whole blocks.
  ///   - bytes: Where to write; must have room for the blocks.
  ///   - offset: The first byte to write.
  /// - Returns: What could not be kept.
  public func encode(
    _ values: [Float], importance: [Float]? = nil, into bytes: inout [UInt8], at offset: Int = 0
  ) -> EncodingFaults {
    let count = values.count / type.valuesPerBlock
    precondition(values.count % type.valuesPerBlock == 0 && offset >= 0)
    precondition(count * type.bytesPerBlock <= bytes.count - offset)
    if let importance {
      precondition(!importance.isEmpty && values.count % importance.count == 0)
      precondition(importance.count % type.valuesPerBlock == 0, "rows are whole blocks")
      precondition(importance.allSatisfy { $0 >= 0 && $0.isFinite })
    }
    guard count > 0 else { return EncodingFaults() }
    let weights = type.isScalar ? nil : importance.map(weights)
    return unsafe values.withUnsafeBufferPointer { source in
      unsafe bytes.withUnsafeMutableBytes { target in
        guard let from = source.baseAddress, let to = target.baseAddress else {
          return EncodingFaults()
        }
        return unsafe encode(from, weights, to + offset, count: count)
      }
    }
  }

  private func encode(
    _ values: UnsafePointer<Float>, _ weights: [Float]?, _ blocks: UnsafeMutableRawPointer,
    count: Int
  ) -> EncodingFaults {
    switch type {
    case .f32: unsafe F32.encode(values, blocks, blocks: count)
    case .f16: unsafe F16.encode(values, blocks, blocks: count)
    case .bf16: unsafe BF16.encode(values, blocks, blocks: count)
    default: return unsafe encodeBlocks(values, weights, blocks, count: count)
    }
    return EncodingFaults()
  }

  private func encodeBlocks(
    _ values: UnsafePointer<Float>, _ weights: [Float]?, _ blocks: UnsafeMutableRawPointer,
    count: Int
  ) -> EncodingFaults {
    var faults = EncodingFaults()
    if method == .compatible {
      for format in Self.closed where format.type == type {
        faults.overflowed = unsafe format.closedForm(values, blocks, blocks: count)
      }
    } else if type == .q8_0 {
      return unsafe ShortEncoder(format: Q8_0.self, kernel: kernel).encode(
        values, blocks, count: count)
    } else if type == .q4_0, weights == nil {
      return unsafe ShortEncoder(format: Q4_0.self, kernel: kernel).encode(
        values, blocks, count: count)
    } else if type == .mxfp4 {
      unsafe MXFP4.encode(values, weights, blocks, count: count)
      for block in 0..<count {
        faults.lost += unsafe LostValues.count(
          values + block * 32, blocks + block * type.bytesPerBlock, as: MXFP4.self, part: 32,
          isOfPoints: false)
      }
    } else if let lattice = LatticeEncoder(type, kernel: kernel) {
      return unsafe lattice.encode(values, weights, blocks, count: count)
    } else {
      for format in Self.searched where format.type == type {
        let encoder = BlockEncoder(format: format, kernel: kernel)
        guard let weights else {
          return unsafe encoder.encode(
            values, columns: count * type.valuesPerBlock, importance: nil, blocks, count: count)
        }
        return unsafe weights.withUnsafeBufferPointer { weights in
          unsafe encoder.encode(
            values, columns: weights.count, importance: weights.baseAddress, blocks, count: count)
        }
      }
    }
    return faults
  }

  private func weights(_ importance: [Float]) -> [Float] {
    ColumnWeights.weights(
      importance, blockSize: type.valuesPerBlock,
      damping: Self.searched.first { $0.type == type }?.damping ?? 0)
  }
}

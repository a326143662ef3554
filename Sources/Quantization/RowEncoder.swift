public import Tensors

/// Turns float32 values into stored rows.
///
/// Encoders are deterministic: the same bytes for the same values on any machine, whatever the
/// number of threads.
public struct RowEncoder: Sendable {
  /// The type of the rows.
  public let type: TensorType

  private let method: EncodingMethod

  /// The types whose rows can be encoded.
  public static let types: [TensorType] =
    [.f32, .f16, .bf16, .q8_0, .q4_0, .q6_K] + LatticeEncoder.types

  /// Makes an encoder.
  ///
  /// - Parameters:
  ///   - type: The type of the rows.
  ///   - method: How scales are chosen.
  ///   - location: The file to be written, for messages.
  /// - Throws: `unsupported` when rows of this type cannot be encoded.
  public init(
    _ type: TensorType, method: EncodingMethod = .best, location: String
  ) throws(WeightmillError) {
    guard Self.types.contains(type) else {
      throw WeightmillError(
        .unsupported, location, "tensors of type \(type.name) cannot be written yet",
        remedy: "types that can: " + Self.types.map(\.name).joined(separator: ", "))
    }
    self.type = type
    self.method = method
  }

  /// Encodes values.
  ///
  /// - Parameters:
  ///   - values: Finite values, whole rows of them.
  ///   - importance: For each column how much an error in it costs, not negative and finite; `nil`
  ///     when that is not known. The values are rows of as many columns.
  ///   - bytes: Where to write, from its beginning; must have room for the blocks.
  /// - Returns: What could not be kept.
  public func encode(
    _ values: [Float], importance: [Float]? = nil, into bytes: inout [UInt8]
  ) -> EncodingFaults {
    if LatticeEncoder.types.contains(type) {
      return LatticeEncoder.encode(
        type, values, importance: importance, into: &bytes, kernel: .best)
    }
    var faults = EncodingFaults()
    faults.overflowed = encode(values, into: &bytes)
    return faults
  }

  private func encode(_ values: [Float], into bytes: inout [UInt8]) -> Int {
    let count = values.count
    let size = count / type.valuesPerBlock * type.bytesPerBlock
    precondition(count % type.valuesPerBlock == 0)
    precondition(size <= bytes.count)
    guard count > 0 else { return 0 }
    return unsafe values.withUnsafeBufferPointer { source in
      unsafe bytes.withUnsafeMutableBytes { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return 0 }
        switch type {
        case .f32: unsafe F32.encode(from, to, blocks: count)
        case .f16: unsafe F16.encode(from, to, blocks: count)
        case .bf16: unsafe BF16.encode(from, to, blocks: count)
        case .q8_0: return unsafe Q8_0.encode(from, to, blocks: count / 32)
        case .q4_0: return unsafe Q4_0.encode(from, to, blocks: count / 32)
        case .q6_K: return unsafe Q6_K.encode(from, to, blocks: count / 256)
        default: break  // the initialiser refused the others
        }
        return 0
      }
    }
  }
}

import WeightmillStrictJSON
public import WeightmillTensors

/// A safetensors file to be written: its header's bytes, and where each tensor goes.
///
/// Everything is known before the first tensor is read, so that tensors can be written in any
/// order at their final offsets. The rules are in `formats/safetensors.md`, section 5.
public struct SafetensorsLayout: Sendable {
  /// The header, up to the first tensor; its length is a multiple of 8.
  public let header: [UInt8]
  /// The position of each tensor in the file, in the order in which the tensors were given.
  public let positions: [Int]
  /// The size of the whole file.
  public let byteCount: Int

  /// Lays out a file.
  ///
  /// Tensors of types with larger values come first, otherwise their order is kept: each value
  /// then lies at a multiple of its size, which readers that map the file rely on.
  ///
  /// - Parameters:
  ///   - tensors: The tensors; their names are unique, and none is `__metadata__`.
  ///   - metadata: The texts of `__metadata__`.
  ///   - path: The file to be, for messages.
  /// - Throws: `unsupported` when the format has no such type, or the header or the file would be too
  ///   long to be read.
  public init(
    tensors: [TensorDescriptor], metadata: [(name: String, value: String)], path: String
  ) throws(WeightmillError) {
    let remarks = metadata.map { JSONObject.Member(name: $0.name, value: .string($0.value)) }
    var members: [JSONObject.Member] = [
      .init(name: "__metadata__", value: .object(JSONObject(members: remarks)))
    ]
    var offsets = [Int](repeating: 0, count: tensors.count)
    var end = 0
    for index in Self.order(tensors) {
      let tensor = tensors[index]
      guard tensor.type.isScalar else {
        throw WeightmillError(
          .unsupported, path,
          "a safetensors file cannot hold tensor \(quoted(tensor.name)) of type \(tensor.type.name)"
        )
      }
      offsets[index] = end
      let (next, overflow) = end.addingReportingOverflow(tensor.byteCount)
      guard !overflow, next <= InputFile.maximumBytes else {
        throw WeightmillError(
          .unsupported, path,
          "would be longer than \(InputFile.maximumBytes) bytes with tensor \(quoted(tensor.name))")
      }
      members.append(.init(name: tensor.name, value: Self.entry(tensor, end..<next)))
      end = next
    }
    var text = Array(JSONValue.object(JSONObject(members: members)).description.utf8)
    // Spaces may follow the header's JSON: the tensors begin at a multiple of 8.
    text.append(contentsOf: repeatElement(0x20, count: (8 - text.count % 8) % 8))
    guard text.count <= SafetensorsFile.maximumHeaderBytes else {
      throw WeightmillError(
        .unsupported, path, "a safetensors file cannot describe \(tensors.count) tensors")
    }
    self.header = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text
    let start = self.header.count
    positions = offsets.map { start + $0 }
    byteCount = start + end
  }

  /// The indices of the tensors by size of their values, largest first, then as they were given.
  private static func order(_ tensors: [TensorDescriptor]) -> [Int] {
    tensors.indices.sorted {
      (-tensors[$0].type.bytesPerBlock, $0) < (-tensors[$1].type.bytesPerBlock, $1)
    }
  }

  private static func entry(_ tensor: TensorDescriptor, _ range: Range<Int>) -> JSONValue {
    func list(_ numbers: [Int]) -> JSONValue { .array(numbers.map { .number(String($0)) }) }
    return .object(
      JSONObject(members: [
        .init(name: "dtype", value: .string(tensor.type.rawValue)),
        .init(name: "shape", value: list(tensor.shape.extents)),
        .init(name: "data_offsets", value: list([range.lowerBound, range.upperBound])),
      ]))
  }
}

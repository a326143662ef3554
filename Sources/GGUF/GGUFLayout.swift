public import WeightmillTensors

/// A GGUF version 3 file to be written: its header's bytes, and where each tensor goes.
///
/// Everything is known before the first tensor is read, so that tensors can be written in any
/// order at their final offsets.
public struct GGUFLayout: Sendable {
  /// Tensors begin at multiples of this many bytes unless the metadata says otherwise.
  package static let alignment = 32

  /// The header, up to the first tensor.
  public let header: [UInt8]
  /// The position of each tensor in the file.
  public let positions: [Int]
  /// The size of the whole file, padding included.
  public let byteCount: Int

  /// Lays out a file.
  ///
  /// - Parameters:
  ///   - metadata: The keys and values; `general.alignment` is obeyed.
  ///   - tensors: The tensors in file order.
  ///   - path: The file to be, for messages.
  /// - Throws: `unsupported` when GGUF cannot hold a tensor's type, name or number of dimensions,
  ///   tensors cannot be aligned as the metadata says, or the file would be too long to be read.
  public init(
    metadata: GGUFMetadata, tensors: [TensorDescriptor], path: String
  ) throws(WeightmillError) {
    let alignment = try Self.alignment(metadata, path: path)
    func padded(_ size: Int) -> Int { (size + alignment - 1) / alignment * alignment }
    var writer = GGUFByteWriter()
    writer.write(UInt32(0x4655_4747))
    writer.write(UInt32(3))
    writer.write(UInt64(tensors.count))
    writer.write(UInt64(metadata.entries.count))
    for entry in metadata.entries { writer.write(entry) }
    var offsets: [Int] = []
    var end = 0
    for tensor in tensors {
      guard let code = tensor.type.ggufCode, tensor.name.utf8.count < 64,
        tensor.shape.extents.count <= 4
      else {
        throw WeightmillError(
          .unsupported, path,
          "a GGUF file cannot hold tensor \(quoted(tensor.name)), \(tensor.type.name) \(tensor.shape)"
        )
      }
      writer.write(tensor.name)
      writer.write(UInt32(tensor.shape.extents.count))
      for extent in tensor.shape.extents.reversed() { writer.write(UInt64(extent)) }
      writer.write(code)
      writer.write(UInt64(end))
      offsets.append(end)
      let (next, overflow) = end.addingReportingOverflow(tensor.byteCount)
      guard !overflow, next <= InputFile.maximumBytes else {
        throw WeightmillError(
          .unsupported, path,
          "would be longer than \(InputFile.maximumBytes) bytes with tensor \(quoted(tensor.name))")
      }
      end = padded(next)
    }
    writer.pad(to: padded(writer.bytes.count))
    header = writer.bytes
    positions = offsets.map { [count = writer.bytes.count] in count + $0 }
    byteCount = writer.bytes.count + end
  }

  private static func alignment(
    _ metadata: GGUFMetadata, path: String
  ) throws(WeightmillError) -> Int {
    guard let value = metadata["general.alignment"] else { return Self.alignment }
    guard case .uint32(let alignment) = value, alignment.nonzeroBitCount == 1,
      alignment <= 1 << 20
    else {
      throw WeightmillError(
        .unsupported, path, "the key \"general.alignment\" is not a power of two up to 2^20")
    }
    return Int(alignment)
  }
}

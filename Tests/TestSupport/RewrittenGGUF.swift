public import WeightmillGGUF
public import WeightmillTensors

/// A GGUF file in memory, to be changed and written anew.
public struct RewrittenGGUF {
  /// A tensor with its bytes.
  public struct Tensor {
    /// Its name, type and shape.
    public var descriptor: TensorDescriptor
    /// Its bytes.
    public var bytes: [UInt8]

    /// Describes a tensor.
    public init(descriptor: TensorDescriptor, bytes: [UInt8]) {
      self.descriptor = descriptor
      self.bytes = bytes
    }
  }

  /// The metadata.
  public var metadata: GGUFMetadata
  /// The tensors, in file order.
  public var tensors: [Tensor] = []

  /// Reads a file.
  public init(_ path: String) throws {
    let file = try GGUFFile(path: path)
    metadata = file.metadata
    for (index, tensor) in file.tensors.enumerated() {
      let bytes = try file.bytes(rows: 0..<tensor.shape.rows, ofTensor: index)
      tensors.append(Tensor(descriptor: tensor, bytes: bytes))
    }
  }

  /// The bytes of a tensor.
  ///
  /// - Parameter name: Its name, which must be there.
  public subscript(_ name: String) -> [UInt8] {
    get { tensors.first { $0.descriptor.name == name }?.bytes ?? [] }
    set {
      for index in tensors.indices where tensors[index].descriptor.name == name {
        tensors[index].bytes = newValue
      }
    }
  }

  /// A tensor cut into rows.
  ///
  /// - Parameter name: Its name, which must be there.
  /// - Returns: The bytes of each row.
  public func rows(_ name: String) -> [[UInt8]] {
    let size = tensors.first { $0.descriptor.name == name }?.descriptor.bytesPerRow ?? 1
    let bytes = self[name]
    return stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<$0 + size]) }
  }

  /// Writes a file.
  ///
  /// - Returns: Its path.
  public func write(to folder: TemporaryFolder, _ name: String) throws -> String {
    let layout = try GGUFLayout(
      metadata: metadata, tensors: tensors.map(\.descriptor), path: name)
    var bytes = layout.header
    for (tensor, position) in zip(tensors, layout.positions) {
      bytes += [UInt8](repeating: 0, count: position - bytes.count) + tensor.bytes
    }
    bytes += [UInt8](repeating: 0, count: layout.byteCount - bytes.count)
    return try folder.write(bytes, to: name)
  }
}

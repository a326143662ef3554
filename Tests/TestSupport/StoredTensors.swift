public import WeightmillTensors

/// Tensors in memory, as a catalogue, or to be written to a safetensors file.
public struct StoredTensors: Catalogue {
  /// The name that messages give.
  public let location = "stored"
  /// The tensors.
  public private(set) var tensors: [TensorDescriptor] = []
  private var contents: [[UInt8]] = []

  /// No tensors.
  public init() {}

  /// Reads rows.
  public func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let size = tensors[index].bytesPerRow
    let start = rows.lowerBound * size
    for byte in 0..<rows.count * size {
      bytes.storeBytes(
        of: contents[index][start + byte], toByteOffset: offset + byte, as: UInt8.self)
    }
  }

  /// Adds a tensor, or replaces the one of its name.
  public mutating func put(
    _ name: String, _ type: TensorType, _ extents: [Int], _ bytes: [UInt8]
  ) {
    remove(name)
    guard let shape = TensorShape(extents) else { preconditionFailure("\(extents) is no shape") }
    tensors.append(TensorDescriptor(name: name, type: type, shape: shape))
    contents.append(bytes)
  }

  /// Adds a tensor of numbers of two bytes or more, given by their bits.
  public mutating func put(
    _ name: String, _ type: TensorType, _ extents: [Int], numbers: [some FixedWidthInteger]
  ) {
    var bytes = Bytes()
    for number in numbers { bytes.put(number) }
    put(name, type, extents, bytes.all)
  }

  /// Takes a tensor away, if it is there.
  public mutating func remove(_ name: String) {
    guard let index = tensors.firstIndex(where: { $0.name == name }) else { return }
    tensors.remove(at: index)
    contents.remove(at: index)
  }

  /// Takes the tensors of another catalogue in.
  public mutating func put(all catalogue: any Catalogue) throws(WeightmillError) {
    for (index, tensor) in catalogue.tensors.enumerated() {
      put(
        tensor.name, tensor.type, tensor.shape.extents,
        try catalogue.bytes(rows: 0..<tensor.shape.rows, ofTensor: index))
    }
  }

  /// The bytes of a safetensors file of them.
  public var safetensors: [UInt8] {
    var (header, data): ([String], [UInt8]) = ([], [])
    for (tensor, bytes) in zip(tensors, contents) {
      header.append(
        #""\#(tensor.name)":{"dtype":"\#(tensor.type.name)","shape":\#(tensor.shape.extents),"#
          + #""data_offsets":[\#(data.count),\#(data.count + bytes.count)]}"#)
      data += bytes
    }
    var file = Bytes()
    let text = "{\(header.joined(separator: ","))}"
    file.put(UInt64(text.utf8.count))
    file.put(text)
    file.put(data)
    return file.all
  }
}

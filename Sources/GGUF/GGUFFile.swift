public import WeightmillTensors

/// A GGUF file, version 2 or 3, opened for reading.
///
/// The header is checked against the rules GG-01 to GG-10 of `formats/gguf.md`; a tensor's last
/// byte lies within the file before any of it is read.
public final class GGUFFile: FileCatalogue {
  /// The path.
  public let location: String
  /// The tensors, in the order of the header.
  public let tensors: [TensorDescriptor]
  /// The version of the format, 2 or 3.
  public let version: Int
  /// The keys and values of the header.
  public let metadata: GGUFMetadata
  /// Tensors begin at multiples of this many bytes.
  public let alignment: Int
  /// The offset of each tensor in bytes, from the start of the data.
  package let offsets: [Int]
  /// Where in the file the header's descriptions of tensors are.
  package let tensorInfos: Range<Int>
  /// Where in the file the data begins: the length of the header, padding included.
  package let dataStart: Int
  private let file: InputFile
  private let positions: [Int]

  /// Opens a file and checks its header.
  ///
  /// - Parameter path: The file.
  /// - Throws: `noInput`, `malformed` with the byte offset, or `unsupported`.
  public convenience init(path: String) throws(WeightmillError) {
    let file = try InputFile(path)
    try HeaderBackup.checkNone(of: path)
    try self.init(file: file)
  }

  private init(file: consuming InputFile) throws(WeightmillError) {
    let header = try GGUFHeaderReader.read(file)
    self.location = file.path
    self.file = file
    self.version = header.version
    self.metadata = header.metadata
    self.tensors = header.tensors.map(\.descriptor)
    self.alignment = header.alignment
    self.offsets = header.tensors.map(\.offset)
    self.tensorInfos = header.tensorInfos
    self.dataStart = header.dataStart
    self.positions = header.tensors.map { header.dataStart + $0.offset }
  }

  /// Whether another GGUF file follows the last tensor, as in files that were put together with `cat`.
  package var isFollowedByAnother: Bool {
    get throws(WeightmillError) {
      let end = zip(positions, tensors).map { $0 + $1.byteCount }.max() ?? 0
      guard end > 0, end < file.byteCount else { return false }
      // The last tensor may be padded.
      let rest = try file.bytes(at: end, count: min(file.byteCount - end, alignment + 4))
      return rest.drop { $0 == 0 }.starts(with: "GGUF".utf8)
    }
  }

  /// The size of the file.
  package var fileSize: Int { file.byteCount }

  /// The file's identity, whatever the path; `nil` for one that is read by its address.
  package var identity: FileIdentity? { file.identity }

  /// Reads bytes of the file, whatever they are.
  ///
  /// - Parameters:
  ///   - position: The first byte to read.
  ///   - count: How many bytes.
  /// - Returns: The bytes.
  /// - Throws: `malformed` when the range is not within the file, `inputOutput` when reading fails.
  package func bytes(at position: Int, count: Int) throws(WeightmillError) -> [UInt8] {
    try file.bytes(at: position, count: count)
  }

  /// Shows all bytes of the file that are read from now on.
  package func show(to watcher: (any ReadWatcher)?) { file.show(to: watcher) }

  /// Reads rows in place.
  public func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    try file.read(
      rows: rows, of: tensors[index], from: positions[index], into: &bytes, at: offset)
  }
}

/// Reads the header of a GGUF file: counts, metadata, tensor descriptions.
struct GGUFHeaderReader {
  struct Tensor {
    let descriptor: TensorDescriptor
    /// The offset in bytes, from the start of the data.
    let offset: Int
  }

  /// The largest header accepted, in bytes. A vocabulary of 150,000 tokens takes about 10 MB.
  static let maximumHeaderBytes = 256 << 20
  /// How many array elements the header may hold in all, since each takes more memory than bytes.
  static let maximumElements = 1 << 23
  /// The longest key, in bytes.
  static let maximumKeyBytes = 1 << 16
  private static let firstWindow = 1 << 20

  private(set) var version = 0
  private(set) var metadata = GGUFMetadata()
  private(set) var alignment = 32
  private(set) var tensors: [Tensor] = []
  private(set) var tensorInfos = 0..<0
  private(set) var dataStart = 0
  private var cursor: ByteCursor
  private var elements = 0

  /// Reads as much of the file as the header takes, in windows that grow.
  static func read(_ file: borrowing InputFile) throws(WeightmillError) -> GGUFHeaderReader {
    let limit = min(file.byteCount, maximumHeaderBytes)
    var window = min(limit, firstWindow)
    while true {
      var reader = GGUFHeaderReader(
        cursor: ByteCursor(try file.bytes(at: 0, count: window), file: file.path))
      do {
        try reader.parse(fileSize: file.byteCount)
        return reader
      } catch {
        guard reader.cursor.ranOut, window < limit else { throw error }
        window = min(limit, window * 4)
      }
    }
  }

  private init(cursor: ByteCursor) { self.cursor = cursor }

  private mutating func parse(fileSize: Int) throws(WeightmillError) {
    guard try cursor.read(UInt32.self) == 0x4655_4747 else {
      throw cursor.error("is not a GGUF file")
    }
    let version = try cursor.read(UInt32.self)
    guard version == 0 || version & 0xFFFF != 0 else {
      throw cursor.error("is a big-endian GGUF file", code: .unsupported)
    }
    guard version == 2 || version == 3 else {
      throw cursor.error("is of GGUF version \(version); 2 and 3 are read", code: .unsupported)
    }
    self.version = Int(version)
    let tensorCount = try count(smallest: 24, of: "tensors", fileSize: fileSize)
    let entryCount = try count(smallest: 13, of: "metadata entries", fileSize: fileSize)
    for _ in 0..<entryCount { try readEntry() }
    if let value = metadata["general.alignment"] {
      guard case .uint32(let value) = value, value.nonzeroBitCount == 1, value <= 1 << 20
      else { throw cursor.error("general.alignment is not a power of two up to 2^20") }
      alignment = Int(value)
    }
    let first = cursor.position
    for _ in 0..<tensorCount { try readTensor() }
    tensorInfos = first..<cursor.position
    dataStart = (cursor.position + alignment - 1) / alignment * alignment
    try checkTensors(fileSize: fileSize)
  }

  private mutating func count(
    smallest: Int, of what: String, fileSize: Int
  ) throws(WeightmillError) -> Int {
    let count = try cursor.read(UInt64.self)
    guard count <= UInt64(fileSize / smallest) else {
      throw cursor.error("says it holds \(count) \(what), more than fit in it")
    }
    return Int(count)
  }

  private mutating func readString(limit: Int = 1 << 30) throws(WeightmillError) -> String {
    let length = try cursor.read(UInt64.self)
    guard length <= UInt64(limit) else {
      throw cursor.error("a text of \(length) bytes is longer than \(limit)")
    }
    return try cursor.readText(Int(length))
  }

  private mutating func readEntry() throws(WeightmillError) {
    let key = try readString(limit: Self.maximumKeyBytes)
    guard !key.isEmpty, metadata[key] == nil else {
      throw cursor.error("the key \(quoted(key)) is empty or occurs twice")
    }
    metadata[key] = try readValue(try readKind(key), key: key)
  }

  private mutating func readKind(_ key: String) throws(WeightmillError) -> GGUFValue.Kind {
    let code = try cursor.read(UInt32.self)
    guard let kind = GGUFValue.Kind(rawValue: code) else {
      throw cursor.error("the value of \(quoted(key)) has the unknown type \(code)")
    }
    return kind
  }

  private mutating func readValue(
    _ kind: GGUFValue.Kind, key: String
  ) throws(WeightmillError) -> GGUFValue {
    switch kind {
    case .uint8: return .uint8(try cursor.read())
    case .int8: return .int8(try cursor.read())
    case .uint16: return .uint16(try cursor.read())
    case .int16: return .int16(try cursor.read())
    case .uint32: return .uint32(try cursor.read())
    case .int32: return .int32(try cursor.read())
    case .float32: return .float32(Float(bitPattern: try cursor.read()))
    case .uint64: return .uint64(try cursor.read())
    case .int64: return .int64(try cursor.read())
    case .float64: return .float64(Double(bitPattern: try cursor.read()))
    case .string: return .string(try readString())
    case .bool:
      let byte = try cursor.readByte()
      guard byte <= 1 else { throw cursor.error("the truth value of \(quoted(key)) is \(byte)") }
      return .bool(byte == 1)
    case .array: return try readArray(key)
    }
  }

  private mutating func readArray(_ key: String) throws(WeightmillError) -> GGUFValue {
    let kind = try readKind(key)
    guard kind != .array else {
      throw cursor.error("the value of \(quoted(key)) is an array of arrays", code: .unsupported)
    }
    let count = try cursor.read(UInt64.self)
    guard count <= UInt64(Self.maximumElements - elements) else {
      throw cursor.error("the array of \(quoted(key)) has \(count) elements, which is too many")
    }
    try cursor.require(Int(count) * kind.minimumBytes)
    elements += Int(count)
    var values: [GGUFValue] = []
    values.reserveCapacity(Int(count))
    for _ in 0..<count { values.append(try readValue(kind, key: key)) }
    return .array(kind, values)
  }

  private mutating func readTensor() throws(WeightmillError) {
    let name = try readString(limit: 64)
    guard !name.isEmpty, !name.utf8.contains(0) else {
      throw cursor.error("a tensor has no name, or one with a zero byte")
    }
    let dimensions = try cursor.read(UInt32.self)
    guard dimensions <= 4 else {
      throw cursor.error(
        "tensor \(quoted(name)) has \(dimensions) dimensions; at most 4 are allowed")
    }
    var extents: [Int] = []
    for _ in 0..<dimensions {
      guard let extent = Int(exactly: try cursor.read(UInt64.self)) else {
        throw cursor.error("an extent of tensor \(quoted(name)) is impossible")
      }
      extents.append(extent)
    }
    let code = try cursor.read(UInt32.self)
    guard let type = TensorType(ggufCode: code) else {
      throw cursor.error("tensor \(quoted(name)) has the unknown type \(code)", code: .unsupported)
    }
    guard let shape = TensorShape(extents.reversed()), shape.columns % type.valuesPerBlock == 0
    else {
      throw cursor.error(
        "the shape \(extents) of tensor \(quoted(name)) does not fit its type \(type.name)")
    }
    guard let offset = Int(exactly: try cursor.read(UInt64.self)), offset % alignment == 0 else {
      throw cursor.error("tensor \(quoted(name)) does not lie at a multiple of \(alignment) bytes")
    }
    tensors.append(
      Tensor(
        descriptor: TensorDescriptor(name: name, type: type, shape: shape), offset: offset))
  }

  private func checkTensors(fileSize: Int) throws(WeightmillError) {
    var names: Set<TensorName> = []
    var end = 0
    for tensor in tensors.sorted(by: {
      ($0.offset, $0.descriptor.byteCount) < ($1.offset, $1.descriptor.byteCount)
    }) {
      let descriptor = tensor.descriptor
      guard names.insert(TensorName(descriptor.name)).inserted else {
        throw cursor.error("two tensors are named \(quoted(descriptor.name))")
      }
      guard tensor.offset >= end else {
        throw cursor.error("tensor \(quoted(descriptor.name)) overlaps another", code: .refused)
      }
      let (last, overflow) = tensor.offset.addingReportingOverflow(descriptor.byteCount)
      guard !overflow, last <= fileSize - dataStart else {
        throw cursor.error(
          "tensor \(quoted(descriptor.name)) reaches beyond the end of the file",
          remedy: HelpTopic.incompleteDownload.after(
            "the download may be incomplete: fetch the file again"))
      }
      end = last
    }
  }
}

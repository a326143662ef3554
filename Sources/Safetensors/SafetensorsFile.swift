import WeightmillStrictJSON
public import WeightmillTensors

/// A safetensors file: an eight-byte header length, a JSON header, and the tensors' bytes.
///
/// The rules are in `formats/safetensors.md`: ranges without holes or overlaps that fill the file
/// to its last byte, sizes that agree with shapes, no duplicate names.
public final class SafetensorsFile: FileCatalogue {
  /// The largest header accepted, in bytes; the format's own bound.
  package static let maximumHeaderBytes = 100_000_000

  /// The types of the format, by `safetensors/src/tensor.rs` of version 0.8.
  static let types: Set<TensorType> = [
    .f64, .f32, .f16, .bf16, .f8e4m3, .f8e5m2, .f8e4m3fnuz, .f8e5m2fnuz, .f8e8m0, .f6e2m3,
    .f6e3m2, .f4, .c64, .i64, .i32, .i16, .i8, .u64, .u32, .u16, .u8, .bool,
  ]

  /// The path.
  public let location: String
  /// The tensors, in the order of their bytes.
  public let tensors: [TensorDescriptor]
  /// The `__metadata__` of the header, in the order of the file.
  public let metadata: [(name: String, value: String)]
  private let file: InputFile
  private let positions: [Int]

  /// Opens a file and checks its header.
  ///
  /// - Parameter path: The file.
  /// - Throws: `noInput`, `malformed` or `unsupported`, with the position in the header.
  public convenience init(path: String) throws(WeightmillError) {
    try self.init(file: InputFile(path))
  }

  private init(file: consuming InputFile) throws(WeightmillError) {
    let header = try SafetensorsHeader(file)
    self.location = file.path
    self.file = file
    self.metadata = header.metadata
    self.tensors = header.entries.map(\.descriptor)
    self.positions = header.entries.map { header.dataStart + $0.begin }
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

/// The checked header of a safetensors file.
struct SafetensorsHeader {
  struct Entry {
    let descriptor: TensorDescriptor
    let begin: Int
    let end: Int
  }

  let dataStart: Int
  let metadata: [(name: String, value: String)]
  /// The tensors by position in the file.
  let entries: [Entry]

  init(_ file: borrowing InputFile) throws(WeightmillError) {
    let path = file.path
    guard file.byteCount >= 8 else {
      throw WeightmillError(
        .malformed, path, "is \(file.byteCount) bytes long, too short for a safetensors file",
        remedy: "the download may be incomplete: fetch the file again")
    }
    var cursor = ByteCursor(try file.bytes(at: 0, count: 8), file: path)
    let length = try cursor.read(UInt64.self)
    guard length <= UInt64(min(SafetensorsFile.maximumHeaderBytes, file.byteCount - 8)) else {
      throw WeightmillError(
        .malformed, path,
        "says its header is \(length) bytes long, but holds \(file.byteCount) bytes", at: "byte 0",
        remedy: "the download may be incomplete: fetch the file again")
    }
    dataStart = 8 + Int(length)
    let json = try JSONParser.parse(
      try file.bytes(at: 8, count: Int(length)), file: path, base: 8)
    guard let header = json.object else {
      throw WeightmillError(
        .malformed, path, "has a header that is not a JSON object", at: "byte 8")
    }
    metadata = try Self.metadata(header["__metadata__"], path: path)
    var entries: [Entry] = []
    for member in header.members where member.name != "__metadata__" {
      entries.append(try Self.entry(member, path: path))
    }
    entries.sort { ($0.begin, $0.end) < ($1.begin, $1.end) }
    try Self.checkEnd(file, dataStart.addingReportingOverflow(entries.last?.end ?? 0))
    try Self.checkRanges(entries, dataBytes: file.byteCount - dataStart, path: path)
    self.entries = entries
  }

  private static func metadata(
    _ value: JSONValue?, path: String
  ) throws(WeightmillError) -> [(name: String, value: String)] {
    guard let value else { return [] }
    guard let object = value.object else {
      throw WeightmillError(.malformed, path, "__metadata__ is not an object")
    }
    var metadata: [(name: String, value: String)] = []
    for member in object.members {
      guard let text = member.value.string else {
        throw WeightmillError(
          .malformed, path, "__metadata__ entry \(quoted(member.name)) is not a string")
      }
      metadata.append((member.name, text))
    }
    return metadata
  }

  private static func entry(
    _ member: JSONObject.Member, path: String
  ) throws(WeightmillError) -> Entry {
    func fault(_ problem: String, _ code: WeightmillError.Code = .malformed) -> WeightmillError {
      WeightmillError(code, path, problem, at: "tensor \(quoted(member.name))")
    }
    guard let object = member.value.object,
      object.members.allSatisfy({ ["dtype", "shape", "data_offsets"].contains($0.name) }),
      let dtype = object["dtype"]?.string, let shape = object["shape"]?.array,
      let offsets = object["data_offsets"]?.array
    else { throw fault("an entry must hold exactly dtype, shape and data_offsets") }
    guard let type = TensorType(rawValue: dtype), SafetensorsFile.types.contains(type) else {
      throw fault("the format has no type \(quoted(dtype))")
    }
    let extents = shape.compactMap(\.integer)
    guard extents.count == shape.count, let shape = TensorShape(extents) else {
      throw fault("the shape is not a list of sizes that fit in memory")
    }
    let range = offsets.compactMap(\.integer)
    guard range.count == 2, offsets.count == 2, range[0] >= 0, range[0] <= range[1] else {
      throw fault("data_offsets are not two ascending byte positions")
    }
    // Values of four and six bits fill whole bytes; here, those of each row do.
    guard shape.columns % type.valuesPerBlock == 0 else {
      throw fault(
        "\(type.name) \(shape) does not fill whole bytes",
        shape.count % type.valuesPerBlock == 0 ? .unsupported : .malformed)
    }
    let descriptor = TensorDescriptor(name: member.name, type: type, shape: shape)
    guard range[1] - range[0] == descriptor.byteCount else {
      throw fault(
        "\(type.name) \(shape) takes \(descriptor.byteCount) bytes, "
          + "data_offsets hold \(range[1] - range[0])")
    }
    return Entry(descriptor: descriptor, begin: range[0], end: range[1])
  }

  /// Names files that were put together with `cat`: what follows the tensors begins as such a file.
  private static func checkEnd(
    _ file: borrowing InputFile, _ sum: (partialValue: Int, overflow: Bool)
  ) throws(WeightmillError) {
    let end = sum.partialValue
    guard !sum.overflow, end < file.byteCount - 8 else { return }
    let next = try file.bytes(at: end, count: 9)
    let length = next[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard next[8] == UInt8(ascii: "{"), length < UInt64(file.byteCount - end - 8) else { return }
    throw WeightmillError(
      .malformed, file.path, "is several safetensors files put together with cat",
      remedy: "fetch the shards as they are, with their index, and give the folder")
  }

  private static func checkRanges(
    _ entries: [Entry], dataBytes: Int, path: String
  ) throws(WeightmillError) {
    var end = 0
    for entry in entries {
      guard entry.begin == end else {
        throw WeightmillError(
          .malformed, path,
          entry.begin < end ? "tensors overlap" : "there is a hole between tensors",
          at: "tensor \(quoted(entry.descriptor.name))")
      }
      end = entry.end
    }
    guard end == dataBytes else {
      throw WeightmillError(
        .malformed, path,
        end > dataBytes
          ? "ends too early: the header describes \(end) bytes of tensors, \(dataBytes) are there"
          : "holds \(dataBytes - end) bytes after the last tensor",
        remedy: "the download may be incomplete or damaged: fetch the file again")
    }
  }
}

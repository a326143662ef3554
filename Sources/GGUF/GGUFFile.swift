public import Tensors

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
  public let offsets: [Int]
  private let file: InputFile
  private let positions: [Int]

  /// Opens a file and checks its header.
  ///
  /// - Parameter path: The file.
  /// - Throws: `noInput`, `malformed` with the byte offset, or `unsupported`.
  public convenience init(path: String) throws(WeightmillError) {
    try self.init(file: InputFile(path))
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
    self.positions = header.tensors.map { header.dataStart + $0.offset }
  }

  /// Shows all bytes of the file that are read from now on.
  public func show(to watcher: (any ReadWatcher)?) { file.show(to: watcher) }

  /// Reads rows in place.
  public func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    try file.read(
      rows: rows, of: tensors[index], from: positions[index], into: &bytes, at: offset)
  }
}

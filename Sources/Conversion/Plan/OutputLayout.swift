/// The position of every byte of an output: its files, and the tensors in them.
public struct OutputLayout: Sendable {
  /// One file.
  public struct File: Sendable {
    /// The file's name in the output's folder; `nil` for an output that is this one file.
    public let name: String?
    /// The bytes before the tensors, or all of a file that holds none.
    package let header: [UInt8]
    /// The tensors in it: their indices in the plan's items, and the byte at which each begins.
    package let tensors: [(item: Int, position: Int)]
    /// The file's size in bytes.
    public let byteCount: Int

    /// A file of tensors.
    init(
      name: String?, header: [UInt8], tensors: [(item: Int, position: Int)], byteCount: Int
    ) {
      self.name = name
      self.header = header
      self.tensors = tensors
      self.byteCount = byteCount
    }

    /// A file without tensors.
    init(name: String, content: [UInt8]) {
      self.init(name: name, header: content, tensors: [], byteCount: content.count)
    }
  }

  /// The files in the order in which they are written and get their names.
  public let files: [File]

  /// The size of all files together.
  public var byteCount: Int { files.reduce(0) { $0 + $1.byteCount } }

  /// The files that are written.
  ///
  /// - Parameter part: The number of the only one, from 1; `nil` for all.
  /// - Returns: The files; none for a number that no file has.
  package func files(part: Int?) -> [File] {
    guard let part else { return files }
    return files.indices.contains(part - 1) ? [files[part - 1]] : []
  }
}

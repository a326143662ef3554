/// Named tensors whose rows can be read in ranges: what every checkpoint is to Weightmill.
///
/// Importers, assembled checkpoints, merges and views all conform to it, and everything downstream
/// takes any of them. Reading is positional and may be done from several threads at once; nothing
/// holds a whole tensor.
public protocol Catalogue: Sendable {
  /// The file or folder it was read from, for messages.
  var location: String { get }

  /// The tensors, in the order of the file.
  var tensors: [TensorDescriptor] { get }

  /// Reads rows of a tensor, row-major and little endian, in the tensor's own type.
  ///
  /// - Parameters:
  ///   - rows: The rows, within `0 ..< tensors[index].shape.rows`.
  ///   - index: The tensor's index in `tensors`.
  ///   - bytes: Where to write; must have room for `rows.count * bytesPerRow` bytes at `offset`.
  ///   - offset: The first byte to write.
  /// - Throws: When the file cannot be read, or has changed since it was opened.
  func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError)

  /// A tensor's ordinal in the order in which the files are best read: from beginning to end.
  ///
  /// - Parameter index: The tensor's index in `tensors`.
  /// - Returns: Its ordinal: larger for tensors that lie further behind.
  func readingOrdinal(ofTensor index: Int) -> Int
}

extension Catalogue {
  /// The index in `tensors`: a file lists them in its own order.
  public func readingOrdinal(ofTensor index: Int) -> Int { index }
}

/// The tensors of a catalogue by name.
public struct TensorIndex: Sendable {
  private let indices: [TensorName: Int]

  /// Indexes a catalogue.
  ///
  /// - Parameter catalogue: The catalogue.
  /// - Throws: When two tensors have the same name.
  public init(_ catalogue: any Catalogue) throws(WeightmillError) {
    var indices: [TensorName: Int] = [:]
    for (index, tensor) in catalogue.tensors.enumerated() {
      guard indices.updateValue(index, forKey: TensorName(tensor.name)) == nil else {
        throw WeightmillError(
          .malformed, catalogue.location, "two tensors are named \(quoted(tensor.name))")
      }
    }
    self.indices = indices
  }

  /// The index of a tensor in the catalogue's list, or `nil`.
  ///
  /// - Parameter name: The tensor's name.
  public subscript(_ name: String) -> Int? { indices[TensorName(name)] }
}

extension Catalogue {
  /// Reads rows of a tensor into a new array.
  ///
  /// - Parameters:
  ///   - rows: The rows.
  ///   - index: The tensor's index in `tensors`.
  /// - Returns: `rows.count * bytesPerRow` bytes.
  /// - Throws: When the file cannot be read.
  public func bytes(rows: Range<Int>, ofTensor index: Int) throws(WeightmillError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: rows.count * tensors[index].bytesPerRow)
    try bytes.withMutableBytes { (span) throws(WeightmillError) in
      try read(rows: rows, ofTensor: index, into: &span, at: 0)
    }
    return bytes
  }

  /// The sum of all tensors' sizes in bytes.
  public var byteCount: Int { tensors.reduce(0) { $0 &+ $1.byteCount } }

  /// The sum of all tensors' numbers of values.
  public var parameterCount: Int { tensors.reduce(0) { $0 &+ $1.shape.count } }
}

/// The tensors of one file.
package protocol FileCatalogue: Catalogue {
  /// Shows all bytes of the file that are read from now on.
  ///
  /// - Parameter watcher: Who looks at them; `nil` for nobody.
  func show(to watcher: (any ReadWatcher)?)
}

package import WeightmillTensors

/// The header of a file that exists, with other metadata.
extension GGUFFile {
  /// The header with other metadata, every tensor where it is: `nil` when the tensors would have to
  /// move, since it is longer or shorter than the one that is there.
  ///
  /// The version and the descriptions of the tensors stay as they are, byte for byte.
  ///
  /// - Parameter changed: The metadata.
  /// - Returns: The bytes up to the first tensor, as many as before.
  /// - Throws: `inputOutput`; `malformed` when the file has changed since it was opened.
  package func header(with changed: GGUFMetadata) throws(WeightmillError) -> [UInt8]? {
    guard changed["general.alignment"] == metadata["general.alignment"] else { return nil }
    // Magic, version, number of tensors; the number of entries follows.
    var writer = GGUFByteWriter()
    writer.write(UInt64(changed.entries.count))
    for entry in changed.entries { writer.write(entry) }
    var header = try bytes(at: 0, count: 16) + writer.bytes
    header += try bytes(at: tensorInfos.lowerBound, count: tensorInfos.count)
    let padded = (header.count + alignment - 1) / alignment * alignment
    guard padded == dataStart else { return nil }
    // Of a file without tensors the padding may be missing.
    let end = min(dataStart, fileSize)
    guard header.count <= end else { return nil }
    return header + [UInt8](repeating: 0, count: end - header.count)
  }
}

extension GGUFMetadata {
  /// Refuses metadata that no reader would take for its sheer size.
  ///
  /// - Parameter path: The file to be, for messages.
  /// - Throws: `unsupported`.
  package func checkSizes(_ path: String) throws(WeightmillError) {
    func refuse(_ problem: String) -> WeightmillError {
      WeightmillError(.unsupported, path, problem, remedy: "make it smaller")
    }
    var elements = 0
    var count = 0
    for entry in entries {
      guard (1...GGUFHeaderReader.maximumKeyBytes).contains(entry.key.utf8.count) else {
        throw refuse("a key of \(entry.key.utf8.count) bytes cannot be written")
      }
      elements += entry.value.array?.count ?? 0
      guard elements <= GGUFHeaderReader.maximumElements else {
        throw refuse(
          "with \(quoted(entry.key)) the arrays have more than \(GGUFHeaderReader.maximumElements) elements"
        )
      }
      count += entry.key.utf8.count + entry.value.textBytes
      guard count <= GGUFHeaderReader.maximumHeaderBytes / 2 else {
        throw refuse("with \(quoted(entry.key)) the metadata has more than 128 MiB of text")
      }
    }
  }
}

extension GGUFValue {
  /// How many bytes of text the value has.
  fileprivate var textBytes: Int {
    switch self {
    case .string(let text): text.utf8.count
    case .array(_, let values): values.reduce(0) { $0 + $1.textBytes }
    default: 0
    }
  }
}

package import WeightmillStrictJSON
package import WeightmillTensors

/// The small text files of a checkpoint's folder, and texts that models read.
package enum TextInput {
  private static let maximumTextBytes = 256 << 20
  private static let maximumListBytes = 64 << 20

  /// Reads a JSON file; what a failed download leaves in its place is named.
  package static func json(_ path: String) throws(WeightmillError) -> JSONValue {
    try FileKind.refusePlaceholder(path)
    return try JSONParser.parse(path: path)
  }

  /// Reads token ids: a list in JSON, or a list of lists.
  ///
  /// - Parameter path: The file.
  /// - Returns: The lists, at least one, none of them empty.
  /// - Throws: `noInput`, `inputOutput`; `unsupported` above 64 MiB; `malformed` for anything else.
  package static func tokenLists(_ path: String) throws(WeightmillError) -> [[Int]] {
    let file = try InputFile(path)
    guard file.byteCount <= maximumListBytes else {
      throw WeightmillError(.unsupported, path, "is too long", remedy: "give a part of it")
    }
    let json = try JSONParser.parse(try file.bytes(at: 0, count: file.byteCount), file: path)
    let items = json.array ?? []
    let lists = items.contains { $0.array != nil } ? items.map { $0.array ?? [] } : [items]
    let ids = lists.map { $0.compactMap(\.integer) }
    guard !items.isEmpty, ids.allSatisfy({ !$0.isEmpty }),
      zip(ids, lists).allSatisfy({ $0.count == $1.count })
    else {
      throw WeightmillError(
        .malformed, path, "is neither a list of token ids nor a list of such lists",
        remedy: "write it as [1, 2, 3]")
    }
    return ids
  }

  /// Reads a UTF-8 file whole.
  ///
  /// - Parameter path: The file.
  /// - Returns: Its text.
  /// - Throws: `noInput`, `inputOutput`; `unsupported` above 256 MiB; `malformed` when it is not UTF-8.
  package static func text(_ path: String) throws(WeightmillError) -> String {
    let file = try InputFile(path)
    guard file.byteCount <= maximumTextBytes else {
      throw WeightmillError(
        .unsupported, path, "is longer than a text may be, \(maximumTextBytes) bytes",
        at: "\(file.byteCount) bytes", remedy: "give a part of it")
    }
    let bytes = try file.bytes(at: 0, count: file.byteCount)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw WeightmillError(
        .malformed, path, "is not valid UTF-8", remedy: "convert it, for example with iconv")
    }
    return text
  }
}

package import WeightmillStrictJSON
package import WeightmillTensors

/// The small text files of a checkpoint's folder, and texts that models read.
package enum TextInput {
  private static let maximumTextBytes = 256 << 20

  /// Reads a JSON file; what a failed download leaves in its place is named.
  package static func json(_ path: String) throws(WeightmillError) -> JSONValue {
    try FileKind.refusePlaceholder(path)
    return try JSONParser.parse(path: path)
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

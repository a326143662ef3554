import WeightmillModels
package import WeightmillTensors

/// SHA-256 hashes and names of files, as `sha256sum` prints them.
package struct ChecksumList: Sendable {
  private let names: [String: String]

  /// Reads a list.
  ///
  /// - Parameter path: The file: in each line 64 hexadecimal digits, a space, a space or `*`, and a
  ///   name. Empty lines and lines that begin with `#` are skipped.
  /// - Throws: `noInput`, or `malformed` for another kind of file.
  package init(path: String) throws(WeightmillError) {
    try FileKind.refusePlaceholder(path)
    let file = try InputFile(path)
    guard file.byteCount <= 1 << 24,
      let text = String(validating: try file.bytes(at: 0, count: file.byteCount), as: UTF8.self)
    else {
      throw WeightmillError(
        .malformed, path, "is no UTF-8 text of at most 16 MiB",
        remedy: "give a list that sha256sum printed")
    }
    var names: [String: String] = [:]
    let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (number, bytes) in lines.enumerated() {
      let line = bytes.last == 0x0D ? bytes.dropLast() : bytes
      guard let first = line.first, first != UInt8(ascii: "#") else { continue }
      guard let entry = Self.entry(line) else {
        throw WeightmillError(
          .malformed, path, "is no line of a list of SHA-256 hashes", at: "line \(number + 1)",
          remedy: "give a list that sha256sum printed")
      }
      names[entry.hash] = names[entry.hash] ?? entry.name
    }
    guard !names.isEmpty else {
      throw WeightmillError(
        .malformed, path, "holds no hashes", remedy: "give a list that sha256sum printed")
    }
    self.names = names
  }

  private static func entry(_ line: Substring.UTF8View) -> (hash: String, name: String)? {
    let hash = line.prefix(64)
    let rest = line.dropFirst(64)
    let isHash = hash.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) || (0x41...0x46).contains(byte)
    }
    guard isHash, hash.count == 64, rest.count > 2, rest.first == 0x20,
      let mark = rest.dropFirst().first, mark == 0x20 || mark == UInt8(ascii: "*")
    else { return nil }
    let name = rest.dropFirst(2)
    return (
      String(decoding: hash, as: UTF8.self).lowercased(), String(decoding: name, as: UTF8.self)
    )
  }

  /// The name of the file with a SHA-256, or `nil` when the list does not have it.
  ///
  /// - Parameter sha256: The SHA-256 in lower-case hexadecimal.
  package subscript(_ sha256: String) -> String? { names[sha256] }
}

package import WeightmillTensors

/// The YAML at the beginning of a `README.md`, between two lines `---`.
package enum FrontMatter {
  /// Reads it.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - notes: What the user should know is added here: text that is broken is left out, as it says
  ///     nothing that the weights need.
  /// - Returns: The mapping; `nil` when there is none.
  /// - Throws: What reading the file throws.
  package static func read(
    _ path: String, notes: inout [String]
  ) throws(WeightmillError) -> YAMLValue? {
    let file = try InputFile(path)
    // The rest of the file, which may be long, is for people.
    let limit = YAMLReader.maximumBytes
    let bytes = try file.bytes(at: 0, count: min(file.byteCount, limit))
    let whole = file.byteCount <= limit
    guard let text = text(Array(bytes), isWhole: whole, path, &notes) else { return nil }
    do throws(WeightmillError) {
      let (value, repeated) = try YAMLReader.parse(adjusted(text), file: path, firstLine: 2)
      if !repeated.isEmpty {
        notes.append("\(path) says \(quoted(repeated[0])) twice; the last counts")
      }
      if value.isNull { return nil }
      guard value.members != nil else {
        notes.append("\(path) begins with YAML that is no list of names and values; it is left out")
        return nil
      }
      return value
    } catch {
      notes.append("the model card is left out: \(error)")
      return nil
    }
  }

  /// The lines between the two marks; without a second one, all of the file.
  private static func text(
    _ bytes: [UInt8], isWhole: Bool, _ path: String, _ notes: inout [String]
  ) -> String? {
    var lines = bytes.split(
      omittingEmptySubsequences: false, whereSeparator: { $0 == UInt8(ascii: "\n") }
    ).map { $0.last == 0x0D ? $0.dropLast() : $0 }
    guard lines.first?.elementsEqual("---".utf8) == true else { return nil }
    lines.removeFirst()
    let end = lines.firstIndex { $0.elementsEqual("---".utf8) }
    guard end != nil || isWhole else {
      notes.append(
        "the YAML at the beginning of \(path) does not end in the first \(bytes.count) bytes; it is left out"
      )
      return nil
    }
    let inner = lines[..<(end ?? lines.endIndex)]
    guard let text = String(validating: inner.joined(separator: [0x0A]), as: UTF8.self) else {
      notes.append("the YAML at the beginning of \(path) is not UTF-8; it is left out")
      return nil
    }
    return text + "\n"
  }

  /// The text with what gguf-py mends in it: Norwegian in a list of languages, and tabs.
  private static func adjusted(_ text: String) -> String {
    text.replacing("- no\n", with: "- \"no\"\n").replacing("\t", with: "  ")
  }
}

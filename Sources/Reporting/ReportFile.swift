import WeightmillOutput
package import WeightmillTensors

/// A page of a report in a file.
package enum ReportFile {
  /// Refuses an output that cannot be, or must not be, written; `write` does the same.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - overwrite: Whether what is there may be replaced.
  ///   - inputs: Files that are read: the output must be none of them.
  /// - Throws: `cannotWrite` or `usage`.
  package static func check(
    _ path: String, overwrite: Bool, inputs: [String]
  ) throws(WeightmillError) {
    try OutputFile.check(path, overwrite: overwrite, inputs: inputs)
  }

  /// Writes a page; it appears under its name when it is complete.
  ///
  /// - Parameters:
  ///   - text: The page.
  ///   - path: The file.
  ///   - overwrite: Whether what is there may be replaced.
  ///   - inputs: Files that are read: the output must be none of them.
  /// - Throws: `cannotWrite`, `inputOutput`.
  package static func write(
    _ text: String, to path: String, overwrite: Bool, inputs: [String]
  ) throws(WeightmillError) {
    try OutputFile.write(Array(text.utf8), to: path, overwrite: overwrite, inputs: inputs)
  }
}

package import WeightmillTensors

/// The backup that lies beside a GGUF file while its header is changed in place.
///
/// As long as it is there the header may be half old and half new: nobody reads the file.
/// `formats/metadata.md` describes it.
package enum HeaderBackup {
  /// The path of a file's backup.
  ///
  /// - Parameter path: The file.
  /// - Returns: The path, in the same folder.
  package static func path(of path: String) -> String {
    let start = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { path.utf8.index(after: $0) }
    let name = start ?? path.startIndex
    return "\(path[..<name]).\(path[name...]).header-backup"
  }

  /// Refuses a file whose header was being changed when that was interrupted.
  static func checkNone(of path: String) throws(WeightmillError) {
    let backup = Self.path(of: path)
    guard FileIdentity(path: backup) != nil else { return }
    throw WeightmillError(
      .malformed, path,
      "its header was being changed in place when that was interrupted: \(backup) is there",
      remedy: "run `weightmill metadata` on the file, which mends it")
  }
}

internal import SystemPackage
package import WeightmillTensors

/// The space for an output that is still to be named or begun.
package enum FreeSpace {
  /// The bytes that may still be written where a path leads.
  ///
  /// - Parameter path: A folder, or a file in one, there or not.
  /// - Returns: The number; `nil` when the file system does not tell.
  /// - Throws: `noInput` when there is no such folder.
  package static func bytes(at path: String) throws(WeightmillError) -> Int? {
    let entry = FilePath(path)
    if let free = entry.freeBytes ?? entry.folder.freeBytes { return free }
    guard (try? entry.folder.stat()) == nil else { return nil }
    throw WeightmillError(
      .noInput, path, "lies in a folder that is not there", remedy: "make the folder first")
  }
}

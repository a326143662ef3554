package import SystemPackage

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// A folder and the names in it.
package struct Folder {
  /// The folder's path.
  package let path: String
  /// The names, sorted by their bytes.
  package let names: [String]

  /// Lists a folder.
  ///
  /// - Parameter path: The folder.
  /// - Throws: `noInput` when it cannot be listed.
  package init(_ path: String) throws(WeightmillError) {
    self.path = path
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path).sorted {
        $0.utf8.lexicographicallyPrecedes($1.utf8)
      }
    } catch {
      throw WeightmillError(.noInput, path, "cannot be listed", remedy: "check its permissions")
    }
  }

  /// Whether a path leads to a folder; `nil` when it leads nowhere.
  package static func isFolder(_ path: String) -> Bool? {
    guard let stat = try? FilePath(path).stat() else { return nil }
    return stat.type == .directory
  }

  /// Whether an entry has this name.
  package func contains(_ name: String) -> Bool { names.contains(name) }

  /// The path of an entry.
  package func path(_ name: String) -> String { FilePath(path).appending(name).string }

  /// A path without links and `..`; `nil` when nothing is there.
  package static func realPath(_ path: String) -> FilePath? {
    guard let resolved = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(resolved) }
    return unsafe FilePath(platformString: resolved)
  }

  /// What a symbolic link says it leads to; `nil` for what is no link.
  package static func linkTarget(_ path: String) -> String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: path)
  }

  /// The path of a regular file one folder up, if it is there.
  package func pathAbove(_ name: String) -> String? {
    let above = FilePath(path).appending("..").appending(name)
    return (try? above.stat())?.type == .regular ? above.string : nil
  }
}

extension FilePath {
  /// The folder the entry lies in.
  package var folder: FilePath {
    let folder = removingLastComponent()
    return folder.isEmpty ? "." : folder
  }
}

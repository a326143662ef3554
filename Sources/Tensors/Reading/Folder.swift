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
  /// The folder's path or address.
  package let path: String
  /// The names, sorted by their bytes.
  package let names: [String]
  /// Whether these are all: of a folder on a web server only those are known that were asked for.
  private let isWhole: Bool

  /// Lists a folder.
  ///
  /// - Parameter path: The folder.
  /// - Throws: `noInput` when it cannot be listed; of addresses also `inputOutput`.
  package init(_ path: String) throws(WeightmillError) {
    self.path = path
    guard !InputPath.isRemote(path) else {
      (names, isWhole) = try RemoteAccess.required(for: path).names(in: path)
      return
    }
    isWhole = true
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path).sorted {
        $0.utf8.lexicographicallyPrecedes($1.utf8)
      }
    } catch {
      throw WeightmillError(.noInput, path, "cannot be listed", remedy: "check its permissions")
    }
  }

  /// Whether a path leads to a folder; `nil` when it leads nowhere, or that cannot be told.
  package static func isFolder(_ path: String) -> Bool? {
    guard !InputPath.isRemote(path) else { return (try? kind(ofAddress: path)) ?? nil }
    guard let stat = try? FilePath(path).stat() else { return nil }
    return stat.type == .directory
  }

  /// Asks for an address, so that what is wrong with it or on the way is said.
  ///
  /// - Parameter path: An address; of paths nothing is asked.
  /// - Throws: `unsupported` where addresses are not read, `noInput` for what may not be read,
  ///   `inputOutput` for what cannot be reached.
  package static func reach(_ path: String) throws(WeightmillError) {
    if InputPath.isRemote(path) { _ = try kind(ofAddress: path) }
  }

  private static func kind(ofAddress path: String) throws(WeightmillError) -> Bool? {
    try RemoteAccess.required(for: path).isFolder(path)
  }

  /// Whether an entry has this name.
  package func contains(_ name: String) -> Bool {
    guard !names.contains(name) else { return true }
    guard !isWhole else { return false }
    // What cannot be told is said when the file is opened.
    do { return try Self.kind(ofAddress: path(name)) != nil } catch { return true }
  }

  /// The path of an entry.
  package func path(_ name: String) -> String { InputPath(path).appending(name) }

  /// Whether it is read by an address: there are no links in it.
  package var isRemote: Bool { InputPath.isRemote(path) }

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
    guard !isRemote else { return nil }
    let above = FilePath(path).appending("..").appending(name)
    return (try? above.stat())?.type == .regular ? above.string : nil
  }
}

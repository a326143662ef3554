import SystemPackage
import Tensors

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
struct Folder {
  let path: String
  /// The names, sorted by their bytes.
  let names: [String]

  /// Lists a folder.
  init(_ path: String) throws(WeightmillError) {
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
  static func isFolder(_ path: String) -> Bool? {
    guard let stat = try? FilePath(path).stat() else { return nil }
    return stat.type == .directory
  }

  /// Every file that belongs to the checkpoint in this folder, and must not be written to. GGUF
  /// files are outputs that may lie here.
  var inputs: [String] { names.filter { !$0.hasSuffix(".gguf") }.map(path) }

  func contains(_ name: String) -> Bool { names.contains(name) }

  func path(_ name: String) -> String { FilePath(path).appending(name).string }

  /// Refuses a shard that is a link out of the folder, but into the `blobs` of a Hugging Face cache,
  /// where `snapshots/HASH/NAME` leads to `../../blobs/HASH` (rule IX-02).
  func checkReal(_ name: String) throws(WeightmillError) {
    guard let real = Self.realPath(self.path(name)), let here = Self.realPath(path) else {
      throw WeightmillError(
        .noInput, self.path(name), "the shard is a link that leads nowhere",
        remedy: "fetch the missing shard")
    }
    let blobs = Self.realPath(FilePath(path).appending("../../blobs").string)
    guard real.starts(with: here) || blobs.map({ real.starts(with: $0) }) == true else {
      throw WeightmillError(
        .refused, self.path(name),
        "the shard is a link out of its folder, to \(quoted(real.string))",
        remedy: "put the file itself there")
    }
  }

  /// A path without links and `..`; `nil` when nothing is there.
  static func realPath(_ path: String) -> FilePath? {
    guard let resolved = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(resolved) }
    return unsafe FilePath(platformString: resolved)
  }

  /// The path of a regular file one folder up, if it is there.
  func pathAbove(_ name: String) -> String? {
    let above = FilePath(path).appending("..").appending(name)
    return (try? above.stat())?.type == .regular ? above.string : nil
  }
}

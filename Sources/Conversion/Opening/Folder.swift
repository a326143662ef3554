import SystemPackage
import Tensors

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
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

  /// The path of a regular file one folder up, if it is there.
  func pathAbove(_ name: String) -> String? {
    let above = FilePath(path).appending("..").appending(name)
    return (try? above.stat())?.type == .regular ? above.string : nil
  }
}

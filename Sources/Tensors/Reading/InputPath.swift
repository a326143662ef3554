package import SystemPackage

/// What is told of an input by its name alone, a path or an address: `hf://`, `https://`, `http://`.
package struct InputPath: Sendable {
  /// The path or the address.
  package let text: String

  /// Takes a path or an address.
  package init(_ text: String) { self.text = text }

  /// Whether it is an address.
  package var isRemote: Bool { Self.isRemote(text) }

  /// Whether a text is an address, and no path.
  package static func isRemote(_ text: String) -> Bool {
    let start = text.prefix(8).lowercased()
    return ["hf://", "https://", "http://"].contains { start.hasPrefix($0) }
  }

  /// Whether the folder that it lies in has a list of what is there: folders of web servers have none.
  package var isListed: Bool { !isRemote || isHub }

  private var isHub: Bool { text.prefix(5).lowercased() == "hf://" }

  /// The last part; the whole text where there is none.
  package var name: String {
    guard isRemote else { return FilePath(text).lastComponent?.string ?? text }
    return text.split(separator: "/").last.map(String.init) ?? text
  }

  /// The folder that it lies in; of a web address with the `/` that makes it a folder's.
  package var folder: String {
    guard isRemote else { return FilePath(text).folder.string }
    let parts = trimmed.split(separator: "/", omittingEmptySubsequences: false)
    // Of an address at least the host stays, of a model on a hub its owner and name.
    guard parts.count > (isHub ? 4 : 3) else { return text }
    return parts.dropLast().joined(separator: "/") + (isHub ? "" : "/")
  }

  /// The name of an entry of this folder.
  package func appending(_ name: String) -> String {
    isRemote ? "\(trimmed)/\(name)" : FilePath(text).appending(name).string
  }

  private var trimmed: Substring {
    var rest = text[...]
    while rest.hasSuffix("/") { rest = rest.dropLast() }
    return rest
  }
}

extension FilePath {
  /// The folder the entry lies in.
  package var folder: FilePath {
    let folder = removingLastComponent()
    return folder.isEmpty ? "." : folder
  }
}

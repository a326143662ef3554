#if Remote
  package import WeightmillTensors

  /// The address of a model on a hub, or of a file of it: `hf://OWNER/NAME@REVISION/FILE`.
  package struct HubAddress: Hashable, Sendable {
    /// The owner and the name.
    package let model: String
    /// The branch, tag or commit that was asked for.
    package let revision: String
    /// The file or folder in it; empty for the model itself.
    package let path: String

    /// The names of revisions that have a `/` of their own.
    private static let longRevisions = ["refs/pr/", "refs/convert/"]

    /// Takes an address apart.
    ///
    /// - Parameter text: The address.
    /// - Throws: `usage` for what names no model.
    package init(_ text: String) throws(WeightmillError) {
      func fail(_ problem: String) -> WeightmillError {
        WeightmillError(
          .usage, text, problem, remedy: "write hf://OWNER/NAME, or hf://OWNER/NAME@REVISION")
      }
      let parts = text.dropFirst(5).split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count >= 2 else { throw fail("names no model") }
      let owner = String(parts[0])
      var rest = parts[1...].joined(separator: "/")
      while rest.hasSuffix("/") { rest.removeLast() }
      let end = rest.firstIndex { "@/".contains($0) } ?? rest.endIndex
      let name = String(rest[..<end])
      guard Self.isName(owner), Self.isName(name) else { throw fail("names no model") }
      model = "\(owner)/\(name)"
      guard end < rest.endIndex, rest[end] == "@" else {
        revision = "main"
        path = String(rest[end...].drop { $0 == "/" })
        try Self.check(path, text)
        return
      }
      let tail = rest[rest.index(after: end)...]
      let long = Self.longRevisions.first(where: tail.hasPrefix)
      let named = tail.dropFirst(long?.count ?? 0)
      let cut = named.firstIndex(of: "/") ?? named.endIndex
      revision = (long ?? "") + Self.decoded(named[..<cut])
      path = String(named[cut...].drop { $0 == "/" })
      guard !revision.isEmpty, revision.utf8.count <= 255,
        revision.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }),
        !revision.split(separator: "/").contains("..")
      else { throw fail("names no revision after the @") }
      try Self.check(path, text)
    }

    /// The letters that hubs allow in names.
    static func isName(_ text: String) -> Bool {
      !text.isEmpty && text.utf8.count <= 96 && !text.hasPrefix(".")
        && text.utf8.allSatisfy { byte in
          let scalar = Unicode.Scalar(byte)
          return scalar.isASCII
            && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
              || "-._".unicodeScalars.contains(scalar))
        }
    }

    private static func check(_ path: String, _ text: String) throws(WeightmillError) {
      guard path.isEmpty || isPlain(path) else {
        throw WeightmillError(
          .usage, text, "names no file of the model", remedy: "write hf://OWNER/NAME/FILE")
      }
    }

    /// Whether a path leads to a file below, by plain names.
    static func isPlain(_ path: String) -> Bool {
      path.utf8.count <= 1024 && path.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != 0x5C }
        && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
          !$0.isEmpty && $0 != "." && $0 != ".."
        }
    }

    /// A branch's name as people paste it from the page's address: `refs%2Fpr%2F1`.
    private static func decoded(_ text: Substring) -> String {
      var bytes: [UInt8] = []
      var rest = text.utf8[...]
      while let byte = rest.popFirst() {
        let digits = String(decoding: rest.prefix(2), as: UTF8.self)
        if byte == UInt8(ascii: "%"), digits.utf8.count == 2, let value = UInt8(digits, radix: 16) {
          bytes.append(value)
          rest = rest.dropFirst(2)
        } else {
          bytes.append(byte)
        }
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }
#endif

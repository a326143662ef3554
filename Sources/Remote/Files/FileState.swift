#if Remote
  import WeightmillTensors

  /// What a server says by which two states of a file can be told apart.
  struct FileState: Sendable {
    /// The size.
    let byteCount: Int
    /// What the hub calls it, who says where the file is.
    let linkedTag: String?
    /// What the server of the bytes calls it.
    let tag: String?
    /// The time of its last change.
    let modified: String?

    /// The longest name of a state that is kept.
    private static let longest = 200

    init(byteCount: Int, linkedTag: String?, outcome: ExchangeOutcome) {
      func bounded(_ text: String?) -> String? {
        text.map { printable(String($0.prefix(Self.longest))) }
      }
      self.byteCount = byteCount
      self.linkedTag = bounded(linkedTag)
      tag = bounded(outcome.header("ETag"))
      modified = bounded(outcome.header("Last-Modified"))
    }

    /// The name for people and journals.
    var name: String {
      linkedTag ?? tag ?? modified.map { "of \($0)" } ?? "without a name"
    }

    /// Whether it is the same state of the file, as far as it can be told.
    func isSame(as other: FileState) -> Bool {
      guard byteCount == other.byteCount else { return false }
      if let linkedTag, let theirs = other.linkedTag { return linkedTag == theirs }
      if let tag, let theirs = other.tag { return tag == theirs }
      if let modified, let theirs = other.modified { return modified == theirs }
      return (tag == nil) == (other.tag == nil)
    }
  }

  /// What a `Content-Range` says: `bytes 0-99/1000`.
  package struct ContentRange: Equatable {
    /// The bytes that are sent; `nil` when none can be.
    package let range: Range<Int>?
    /// The size of the file.
    package let byteCount: Int

    package init?(_ text: String?) {
      guard let text else { return nil }
      let words = text.split(separator: " ", omittingEmptySubsequences: true)
      guard words.count == 2, words[0].lowercased() == "bytes" else { return nil }
      let parts = words[1].split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 2, let byteCount = Self.number(parts[1]) else { return nil }
      self.byteCount = byteCount
      if parts[0] == "*" {
        range = nil
        return
      }
      let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
      guard ends.count == 2, let first = Self.number(ends[0]), let last = Self.number(ends[1]),
        first <= last, last < byteCount
      else { return nil }
      range = first..<last + 1
    }

    private static func number(_ text: Substring) -> Int? {
      text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }
  }
#endif

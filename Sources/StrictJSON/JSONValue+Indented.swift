extension JSONValue {
  /// The value as JSON text for people: an element on each line, indented by two spaces.
  public var indented: String { indented(by: 0) + "\n" }

  private func indented(by depth: Int) -> String {
    let inner = String(repeating: "  ", count: depth + 1)
    let outer = String(repeating: "  ", count: depth)
    func block(_ open: String, _ lines: [String], _ close: String) -> String {
      lines.isEmpty
        ? open + close
        : "\(open)\n" + lines.map { inner + $0 }.joined(separator: ",\n") + "\n\(outer)\(close)"
    }
    switch self {
    case .array(let values):
      return block("[", values.map { $0.indented(by: depth + 1) }, "]")
    case .object(let object):
      let lines = object.members.map {
        Self.quotedText($0.name) + ": " + $0.value.indented(by: depth + 1)
      }
      return block("{", lines, "}")
    default: return description
    }
  }
}

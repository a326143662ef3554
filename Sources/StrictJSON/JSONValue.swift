/// A JSON value exactly as it stands in the file.
package enum JSONValue: Equatable, Sendable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// The digits as written: `1e-06` and `0.000001` differ here, and so do `2` and `2.0`.
  case number(String)
  /// A text, its escapes resolved.
  case string(String)
  /// Values in order.
  case array([JSONValue])
  /// Names and their values.
  case object(JSONObject)
}

/// The members of a JSON object in the order of the file; no two have the same name.
package struct JSONObject: Equatable, Sendable {
  /// One member of an object.
  package struct Member: Equatable, Sendable {
    /// The name, escapes resolved.
    package let name: String
    /// The value.
    package let value: JSONValue

    /// Makes a member.
    ///
    /// - Parameters:
    ///   - name: The name.
    ///   - value: The value.
    package init(name: String, value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  /// The members, in the order of the file.
  package private(set) var members: [Member]

  /// Makes an object.
  ///
  /// - Parameter members: The members, no two of the same name.
  package init(members: [Member]) { self.members = members }

  /// The value of a member, or `nil`; names are compared byte for byte.
  ///
  /// A member that is given a value keeps its position, a new one becomes the last.
  ///
  /// - Parameter name: The member's name.
  package subscript(_ name: String) -> JSONValue? {
    get { members.first { $0.name.utf8.elementsEqual(name.utf8) }?.value }
    set {
      let index = members.firstIndex { $0.name.utf8.elementsEqual(name.utf8) }
      switch (index, newValue) {
      case (let index?, let value?): members[index] = Member(name: name, value: value)
      case (let index?, nil): members.remove(at: index)
      case (nil, let value?): members.append(Member(name: name, value: value))
      case (nil, nil): break
      }
    }
  }

  /// The value of a member, `null` counting as absent.
  ///
  /// - Parameter name: The member's name.
  /// - Returns: The value, or `nil`.
  package func nonNull(_ name: String) -> JSONValue? {
    let value = self[name]
    return value == .null ? nil : value
  }
}

extension JSONValue {
  /// The members, if this is an object.
  package var object: JSONObject? {
    if case .object(let object) = self { object } else { nil }
  }

  /// The elements, if this is an array.
  package var array: [JSONValue]? {
    if case .array(let array) = self { array } else { nil }
  }

  /// The text, if this is a string.
  package var string: String? {
    if case .string(let string) = self { string } else { nil }
  }

  /// The truth value, if this is one.
  package var bool: Bool? {
    if case .bool(let bool) = self { bool } else { nil }
  }

  /// The number, if this is one written as an integer that fits 64 bits.
  ///
  /// `2.0` and `-0` are not: a size written so comes from a broken or a hostile writer.
  package var integer: Int? {
    guard case .number(let digits) = self, digits != "-0" else { return nil }
    return Int(digits)
  }

  /// The number, if this is one and it is finite.
  package var double: Double? {
    guard case .number(let digits) = self, let value = Double(digits), value.isFinite else {
      return nil
    }
    return value
  }
}

extension JSONValue: CustomStringConvertible {
  /// The value as compact JSON, strings in quotation marks.
  package var description: String {
    switch self {
    case .null: "null"
    case .bool(let bool): "\(bool)"
    case .number(let digits): digits
    case .string(let text): Self.quotedText(text)
    case .array(let values): "[" + values.map(\.description).joined(separator: ",") + "]"
    case .object(let object):
      "{"
        + object.members.map { Self.quotedText($0.name) + ":" + $0.value.description }
        .joined(separator: ",") + "}"
    }
  }

  static func quotedText(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

extension JSONValue {
  /// The value as JSON text for people: an element on each line, indented by two spaces.
  package var indented: String { indented(by: 0) + "\n" }

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

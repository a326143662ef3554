import WeightmillGGUF
package import WeightmillModels
package import WeightmillTensors

/// A change of a file's metadata that is asked for.
package enum MetadataEdit: Sendable {
  /// A key gets another name.
  case rename(String, to: String)
  /// A key goes; with `*` at its end, all that begin so.
  case remove(String)
  /// A key, or an element of its array, gets a value.
  case set(Assignment)
  /// A special token is chosen by its text.
  case special(SpecialTokenRole, text: String)
  /// A special token is chosen by its id.
  case specialID(SpecialTokenRole, Int)
  /// The chat templates, all of them.
  case chatTemplates(ChatTemplates)

  /// The value of a key, as it was typed.
  package struct Assignment: Equatable, Sendable {
    /// The key.
    package let key: String
    /// The type that was asked for, if one was.
    package let type: ValueType?
    /// The value: a text, a number, a JSON array.
    package let text: String

    /// Describes an assignment.
    package init(key: String, type: ValueType?, text: String) {
      self.key = key
      self.type = type
      self.text = text
    }
  }
}

extension MetadataEdit.Assignment {
  /// The largest file that a value is read from.
  private static let maximumBytes = 64 << 20

  /// Reads `KEY=VALUE`, `KEY=TYPE:VALUE`, `KEY=@FILE` or `KEY=TYPE:@FILE`; `@@` is one `@`.
  ///
  /// - Parameter argument: What was typed.
  /// - Throws: `usage` for something else; `noInput` and `malformed` for a file that is no text.
  package init(_ argument: String) throws(WeightmillError) {
    let (key, rest) = try MetadataEdit.pair(argument, "--set", form: "KEY=VALUE or KEY=TYPE:VALUE")
    var type: ValueType?
    var text = rest
    if let colon = rest.utf8.firstIndex(of: UInt8(ascii: ":")),
      let named = ValueType(name: rest[..<colon])
    {
      type = named
      text = String(rest[rest.utf8.index(after: colon)...])
    }
    if text.hasPrefix("@@") {
      text.removeFirst()
    } else if text.hasPrefix("@") {
      text = try Self.content(String(text.dropFirst()))
    }
    self.init(key: key, type: type, text: text)
  }

  private static func content(_ path: String) throws(WeightmillError) -> String {
    let file = try InputFile(path)
    guard file.byteCount <= maximumBytes else {
      throw WeightmillError(
        .malformed, path,
        "is \(file.byteCount) bytes long; values of at most \(maximumBytes) are read")
    }
    let bytes = try file.bytes(at: 0, count: file.byteCount)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw WeightmillError(.malformed, path, "is not UTF-8 text")
    }
    return text
  }
}

extension MetadataEdit {
  /// Takes `NAME=REST` apart at the first `=`.
  ///
  /// - Parameters:
  ///   - argument: What was typed.
  ///   - option: The option it was given to.
  ///   - form: What it should look like.
  /// - Returns: Both parts.
  /// - Throws: `usage` when there is no `=`, or nothing in front of it.
  package static func pair(
    _ argument: String, _ option: String, form: String
  ) throws(WeightmillError) -> (name: String, rest: String) {
    guard let sign = argument.utf8.firstIndex(of: UInt8(ascii: "=")), sign > argument.startIndex
    else {
      throw WeightmillError(.usage, option, "\(quoted(argument)) is not of the form \(form)")
    }
    return (String(argument[..<sign]), String(argument[argument.utf8.index(after: sign)...]))
  }

  /// Finds the role of `--special-token ROLE=…`.
  package static func role(
    _ name: String, _ option: String
  ) throws(WeightmillError) -> SpecialTokenRole {
    guard let role = SpecialTokenRole.named(name) else {
      throw WeightmillError(
        .usage, option, "there is no special token \(quoted(name))",
        remedy: "take one of " + SpecialTokenRole.all.map(\.name).joined(separator: ", "))
    }
    return role
  }
}

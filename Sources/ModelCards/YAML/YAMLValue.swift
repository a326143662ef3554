/// A value of a YAML text, as PyYAML's safe loader tells them apart.
package indirect enum YAMLValue: Equatable, Sendable {
  /// A scalar, and what it is taken for.
  case scalar(String, ScalarKind)
  /// Values in order.
  case sequence([YAMLValue])
  /// Names and their values, in the order of the text.
  case mapping([Member])

  /// What a scalar is.
  package enum ScalarKind: Equatable, Sendable {
    /// A text.
    case text
    /// Nothing: `~`, `null`, or no value at all.
    case null
    /// `true`, `yes`, `on` and their opposites.
    case bool
    /// An integer or a real number.
    case number
    /// A day, or a moment.
    case date
  }

  /// One name of a mapping.
  package struct Member: Equatable, Sendable {
    /// The name, whatever kind of scalar it is.
    package let name: String
    /// The value.
    package let value: YAMLValue
  }

  /// The text, if this is one.
  package var text: String? {
    if case .scalar(let text, .text) = self { text } else { nil }
  }

  /// Whether there is no value.
  package var isNull: Bool {
    if case .scalar(_, .null) = self { true } else { false }
  }

  /// The elements, if this is a sequence.
  package var elements: [YAMLValue]? {
    if case .sequence(let elements) = self { elements } else { nil }
  }

  /// The members, if this is a mapping.
  package var members: [Member]? {
    if case .mapping(let members) = self { members } else { nil }
  }

  /// The value of a member; of two with one name the last.
  ///
  /// - Parameter name: The name.
  package subscript(_ name: String) -> YAMLValue? {
    members?.last { $0.name.utf8.elementsEqual(name.utf8) }?.value
  }
}

extension YAMLValue.ScalarKind {
  /// What a plain scalar is, by the rules of YAML 1.1 as PyYAML has them.
  ///
  /// - Parameter text: The scalar.
  init(plain text: String) {
    let bytes = Array(text.utf8)
    if ["", "~", "null", "Null", "NULL"].contains(text) {
      self = .null
    } else if Self.truths.contains(text) {
      self = .bool
    } else if Self.isNumber(bytes) {
      self = .number
    } else if Self.isDate(bytes) {
      self = .date
    } else {
      self = .text
    }
  }

  private static let truths: Set<String> = [
    "yes", "Yes", "YES", "no", "No", "NO", "true", "True", "TRUE", "false", "False", "FALSE", "on",
    "On", "ON", "off", "Off", "OFF",
  ]

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// Whether all bytes are digits of a base, or underscores, and there is one.
  private static func areDigits(_ bytes: some Collection<UInt8>, upTo last: UInt8 = 0x39) -> Bool {
    !bytes.isEmpty && bytes.allSatisfy { (0x30...last).contains($0) || $0 == 0x5F }
  }

  private static func isNumber(_ text: [UInt8]) -> Bool {
    let rest = text.first == 0x2B || text.first == 0x2D ? text.dropFirst() : text[...]
    guard let first = rest.first else { return false }
    let word = String(decoding: rest, as: UTF8.self)
    if [".inf", ".Inf", ".INF"].contains(word) { return true }
    if [".nan", ".NaN", ".NAN"].contains(String(decoding: text, as: UTF8.self)) { return true }
    if word.hasPrefix("0b") { return areDigits(rest.dropFirst(2), upTo: 0x31) }
    if word.hasPrefix("0x") {
      let digits = rest.dropFirst(2)
      return !digits.isEmpty
        && digits.allSatisfy {
          isDigit($0) || $0 == 0x5F || (0x41...0x46).contains($0) || (0x61...0x66).contains($0)
        }
    }
    let parts = rest.split(separator: 0x3A, omittingEmptySubsequences: false)
    if parts.count > 1 { return isSexagesimal(parts) }
    if first == 0x30, rest.count > 1, areDigits(rest.dropFirst(), upTo: 0x37) { return true }
    if isDigit(first), first != 0x30 || rest.count == 1, areDigits(rest) { return true }
    return isReal(rest, hasSign: rest.count < text.count)
  }

  /// `1:30`, `190:20:30`, `190:20:30.15`.
  private static func isSexagesimal(_ parts: [ArraySlice<UInt8>]) -> Bool {
    func isBelow60(_ part: ArraySlice<UInt8>) -> Bool {
      (1...2).contains(part.count) && part.allSatisfy(isDigit)
        && (part.count == 1 || (part.first ?? 0x39) <= 0x35)
    }
    guard let first = parts.first, let last = parts.last, let start = first.first, isDigit(start),
      areDigits(first), parts.dropFirst().dropLast().allSatisfy(isBelow60)
    else { return false }
    let pieces = last.split(separator: 0x2E, maxSplits: 1, omittingEmptySubsequences: false)
    guard isBelow60(pieces[0]) else { return false }
    if pieces.count == 2 { return pieces[1].isEmpty || areDigits(pieces[1]) }
    return start != 0x30
  }

  /// `1.5`, `1.`, `.5`, `1.5e+3`: an exponent has a sign, and without a point there is none.
  private static func isReal(_ text: ArraySlice<UInt8>, hasSign: Bool) -> Bool {
    guard let point = text.firstIndex(of: 0x2E) else { return false }
    let whole = text[..<point]
    var fraction = text[text.index(after: point)...]
    if let e = fraction.firstIndex(where: { $0 == 0x65 || $0 == 0x45 }) {
      let exponent = fraction[fraction.index(after: e)...]
      guard exponent.first == 0x2B || exponent.first == 0x2D, exponent.count > 1,
        exponent.dropFirst().allSatisfy(isDigit)
      else { return false }
      fraction = fraction[..<e]
    }
    if whole.isEmpty {
      return !hasSign && fraction.first.map(isDigit) == true && areDigits(fraction)
    }
    return whole.first.map(isDigit) == true && areDigits(whole)
      && (fraction.isEmpty || areDigits(fraction))
  }

  /// `2024-01-31`, or with a time behind it.
  private static func isDate(_ text: [UInt8]) -> Bool {
    let parts = text.prefix { isDigit($0) || $0 == 0x2D }
      .split(separator: 0x2D, omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].count == 4, !parts[1].isEmpty, !parts[2].isEmpty else {
      return false
    }
    let day = parts[0].count + parts[1].count + parts[2].count + 2
    if text.count == day { return parts[1].count == 2 && parts[2].count == 2 }
    guard parts[1].count <= 2, parts[2].count <= 2 else { return false }
    let rest = text[day...].drop { $0 == 0x20 }
    guard let mark = text[day...].first, mark == 0x54 || mark == 0x74 || mark == 0x20 else {
      return false
    }
    let time = (mark == 0x20 ? rest : text[(day + 1)...]).split(
      separator: 0x3A, omittingEmptySubsequences: false)
    return time.count >= 3 && time[0].count <= 2 && time[0].allSatisfy(isDigit)
      && time[1].count == 2 && time[1].allSatisfy(isDigit)
      && time[2].prefix(2).count == 2 && time[2].prefix(2).allSatisfy(isDigit)
  }
}

import WeightmillModels
public import WeightmillTensors

/// The type of tensors whose names match a pattern: `--tensor-type 'ffn_down=q6_k'`.
public struct TensorTypeRule: Sendable {
  /// The regular expression, as it was written.
  package let pattern: String
  /// The type.
  package let type: TensorType

  /// Reads `PATTERN=TYPE`.
  ///
  /// - Parameter text: A regular expression that is looked for anywhere in the name, and a type.
  /// - Throws: `usage` when it is something else.
  public init(_ text: String) throws(WeightmillError) {
    guard let sign = text.lastIndex(of: "="), sign > text.startIndex else {
      throw WeightmillError(
        .usage, "--tensor-type", "\(quoted(text)) is not of the form PATTERN=TYPE",
        remedy: "for example 'ffn_down=q6_k'")
    }
    type = try QuantizationOptions.type(
      named: String(text[text.index(after: sign)...]), for: "--tensor-type")
    pattern = String(text[..<sign])
    guard (try? Regex(pattern)) != nil else {
      throw WeightmillError(
        .usage, "--tensor-type", "\(quoted(pattern)) is no regular expression",
        remedy: "a backslash before a sign takes its meaning away")
    }
  }

  /// The rules of a file: `PATTERN=TYPE`, separated by spaces or line ends.
  ///
  /// - Parameter path: The file.
  /// - Returns: The rules in the order of the file.
  /// - Throws: `noInput`; `malformed` when the file holds something else.
  public static func all(path: String) throws(WeightmillError) -> [TensorTypeRule] {
    try FileKind.refusePlaceholder(path)
    let file = try InputFile(path)
    guard file.byteCount <= 1 << 20,
      let text = String(validating: try file.bytes(at: 0, count: file.byteCount), as: UTF8.self)
    else {
      throw WeightmillError(.malformed, path, "is no UTF-8 text of at most 1 MiB")
    }
    var rules: [TensorTypeRule] = []
    for (number, line) in text.split(whereSeparator: \.isNewline).enumerated() {
      for entry in line.split(whereSeparator: \.isWhitespace) {
        do throws(WeightmillError) {
          rules.append(try TensorTypeRule(String(entry)))
        } catch {
          throw WeightmillError(
            .malformed, path, error.problem, at: "line \(number + 1)", remedy: error.remedy)
        }
      }
    }
    return rules
  }

  /// The rule as it is written.
  var text: String { "\(pattern)=\(type.name.lowercased())" }

  /// What finds the pattern in a name; `nil` never happens to a rule that was made.
  var matcher: TensorNameMatcher? { TensorNameMatcher(pattern) }
}

/// Looks for a pattern anywhere in tensors' names, whatever the case of letters.
struct TensorNameMatcher {
  private let regex: Regex<AnyRegexOutput>

  init?(_ pattern: String) {
    guard let regex = try? Regex(pattern) else { return nil }
    self.regex = regex.ignoresCase()
  }

  /// Whether the pattern is in the name.
  func matches(_ name: String) -> Bool { (try? regex.firstMatch(in: name)) != nil }
}

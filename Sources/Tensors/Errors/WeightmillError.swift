/// A failure: what went wrong, in which file, where, and what to do about it.
///
/// Every throwing function of the library throws this type. `description` is one line in which
/// control characters are escaped, so that names from hostile files cannot drive a terminal.
public struct WeightmillError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The class of a failure; `exitCode` is what the command line returns for it.
  public enum Code: Int32, Sendable {
    /// The command line does not make sense.
    case usage = 64
    /// A file breaks the rules of its format.
    case malformed = 65
    /// There is no such file, folder or tensor.
    case noInput = 66
    /// The file is well formed, but holds something Weightmill does not read or write.
    case unsupported = 69
    /// A defect of Weightmill itself.
    case `internal` = 70
    /// The output cannot be created, or must not be.
    case cannotWrite = 73
    /// The operating system failed to read or write.
    case inputOutput = 74
    /// The file asks for something only a hostile file asks for.
    case refused = 77
    /// The inputs are sound but do not belong together.
    case mismatch = 78
    /// The user stopped the work (SIGINT, SIGTERM, SIGHUP).
    case interrupted = 130

    /// The process exit code, from `sysexits.h` where one fits.
    public var exitCode: Int32 { rawValue }
  }

  /// The class of the failure.
  public let code: Code
  /// The file or folder concerned, as the user would name it.
  public let file: String
  /// The problem, without a full stop.
  public let problem: String
  /// The position in the file: a byte offset, a tensor, a line.
  public let position: String?
  /// The remedy: what the user can do about it.
  public let remedy: String?

  /// Creates an error.
  ///
  /// - Parameters:
  ///   - code: The class of the failure.
  ///   - file: The file or folder concerned.
  ///   - problem: What is wrong, without a full stop.
  ///   - position: Where in the file: a byte offset, a tensor, a line.
  ///   - remedy: What the user can do about it.
  public init(
    _ code: Code, _ file: String, _ problem: String, at position: String? = nil,
    remedy: String? = nil
  ) {
    self.code = code
    self.file = file
    self.problem = problem
    self.position = position
    self.remedy = remedy
  }

  /// The error as one line: `FILE: what is wrong (where); what to do`.
  public var description: String {
    var line = "\(file): \(problem)"
    if let position { line += " (\(position))" }
    if let remedy { line += "; \(remedy)" }
    return printable(line)
  }
}

/// The text with control, direction-changing and invisible characters escaped as `\u{…}`.
///
/// - Parameter text: Any text, usually from a file.
/// - Returns: The text, safe to show on a terminal.
package func printable(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x61C, 0x200B..<0x2010, 0x2028..<0x202F, 0x2060..<0x2070, 0xFEFF,
      0xFFF9..<0xFFFC, 0xE0000..<0xE1000:
      result += "\\u{\(String(scalar.value, radix: 16))}"
    default:
      result.unicodeScalars.append(scalar)
    }
  }
  return result
}

/// The text in quotation marks, escaped, and shortened when it is long.
///
/// - Parameters:
///   - text: Any text, usually a name from a file.
///   - limit: How many characters to show at most; how many bytes, once escaped, at most twice.
/// - Returns: The text to show.
package func quoted(_ text: String, limit: Int = 80) -> String {
  var shown = ""
  for (index, scalar) in text.unicodeScalars.enumerated() {
    let next = printable(String(Character(scalar)))
    guard index < limit, shown.utf8.count + next.utf8.count <= 2 * limit else {
      return "\"\(shown)…\""
    }
    shown += next
  }
  return "\"\(shown)\""
}

/// Something in the candidate's file.
public struct Finding: Codable, Equatable, Sendable {
  /// How much it matters.
  public enum Severity: String, Codable, Sendable {
    /// Worth knowing.
    case note
    /// Likely a mistake.
    case warning
    /// The file is wrong, or llama.cpp will refuse it.
    case error
  }

  /// How much it matters.
  public var severity: Severity
  /// A short name of the check, such as `zeroed-blocks`.
  public var check: String
  /// The tensor it is about, if it is about one.
  public var tensor: String?
  /// One line for people.
  public var message: String

  /// Makes one.
  package init(severity: Severity, check: String, tensor: String? = nil, message: String) {
    self.severity = severity
    self.check = check
    self.tensor = tensor
    self.message = message
  }
}

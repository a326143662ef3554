import WeightmillTensors

/// Something in the candidate's file.
public struct Finding: Codable, Equatable, Sendable {
  /// The weight of a finding.
  public enum Severity: String, Codable, Sendable {
    /// Worth knowing.
    case note
    /// Likely a mistake.
    case warning
    /// The file is wrong, or llama.cpp will refuse it.
    case error
  }

  /// The finding's weight.
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

/// Findings in the order in which they were made; texts from files are escaped.
struct FindingList {
  /// The findings.
  private(set) var all: [Finding] = []

  /// Adds a finding.
  ///
  /// - Parameters:
  ///   - severity: How much it matters.
  ///   - check: The name of the check.
  ///   - tensor: The tensor, if it is about one.
  ///   - message: One line.
  mutating func add(
    _ severity: Finding.Severity, _ check: String, tensor: String? = nil,
    _ message: String
  ) {
    all.append(
      Finding(
        severity: severity, check: check, tensor: tensor, message: printable(message)))
  }

  /// Adds an error.
  mutating func error(_ check: String, tensor: String? = nil, _ message: String) {
    add(.error, check, tensor: tensor, message)
  }

  /// Adds a warning.
  mutating func warning(_ check: String, tensor: String? = nil, _ message: String) {
    add(.warning, check, tensor: tensor, message)
  }

  /// Adds a note.
  mutating func note(_ check: String, tensor: String? = nil, _ message: String) {
    add(.note, check, tensor: tensor, message)
  }
}

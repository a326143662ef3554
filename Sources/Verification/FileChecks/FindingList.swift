import WeightmillTensors

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

/// A number of parameters as file names give it.
package enum SizeLabel {
  /// Two digits at least: `13B`, `5.0M`.
  ///
  /// - Parameter parameters: The number of parameters.
  /// - Returns: The label.
  package static func of(_ parameters: Int) -> String {
    let units: [(Double, String)] = [(1e12, "T"), (1e9, "B"), (1e6, "M")]
    let (unit, suffix) = units.first { Double(parameters) >= $0.0 } ?? (1e3, "K")
    let scaled = Double(parameters) / unit
    if scaled.rounded() >= 10 { return "\(Int(scaled.rounded()))\(suffix)" }
    let tenths = Int((scaled * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)\(suffix)"
  }
}

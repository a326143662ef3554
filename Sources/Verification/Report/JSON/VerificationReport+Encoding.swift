public import WeightmillTensors

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension VerificationReport {
  /// How JSON writes what it has no number for.
  static let nonFinite = (positive: "Infinity", negative: "-Infinity", notNumber: "NaN")

  /// The report as JSON text, names sorted, indented; `formats/verification-report.md` describes it.
  ///
  /// - Returns: The text, a line end at its end.
  /// - Throws: `internal` when it cannot be encoded, which is a defect.
  public func json() throws(WeightmillError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: Self.nonFinite.positive, negativeInfinity: Self.nonFinite.negative,
      nan: Self.nonFinite.notNumber)
    guard let data = try? encoder.encode(self) else {
      throw WeightmillError(.internal, candidate.name, "the report cannot be encoded as JSON")
    }
    return String(decoding: data, as: UTF8.self) + "\n"
  }
}

import WeightmillStrictJSON
package import WeightmillTensors

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension VerificationReport {
  /// The largest report that is read, in bytes. One of 80 layers is about 400 kB.
  package static let maximumBytes = 16 << 20

  private static let remedy = "write it anew with verify-logits --json"

  /// Reads a report that was written earlier.
  ///
  /// - Parameter path: The file.
  /// - Throws: `noInput`, `refused`, `inputOutput`; as `init(json:location:)` does.
  package init(path: String) throws(WeightmillError) {
    let file = try InputFile(path)
    guard file.byteCount <= Self.maximumBytes else { throw Self.tooLarge(file.byteCount, path) }
    try self.init(json: try file.bytes(at: 0, count: file.byteCount), location: path)
  }

  /// Reads a report from JSON text.
  ///
  /// - Parameters:
  ///   - json: UTF-8 text, at most `maximumBytes`.
  ///   - location: The file it comes from, for messages.
  /// - Throws: `malformed` when it is no strict JSON or a field is missing or wrong; `unsupported`
  ///   when its schema has another number.
  package init(json: [UInt8], location: String) throws(WeightmillError) {
    guard json.count <= Self.maximumBytes else { throw Self.tooLarge(json.count, location) }
    // Foundation's decoder takes the last of two fields of the same name, and more.
    let value = try JSONParser.parse(json, file: location)
    try Self.checkSchema(value, location)
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: Self.nonFinite.positive, negativeInfinity: Self.nonFinite.negative,
      nan: Self.nonFinite.notNumber)
    do {
      self = try decoder.decode(Self.self, from: Data(json))
    } catch {
      throw Self.wrongField(error as? DecodingError, location)
    }
    try checkNumbers(location)
  }

  private static func tooLarge(_ count: Int, _ location: String) -> WeightmillError {
    WeightmillError(
      .malformed, location, "is \(count) bytes long; a report has at most \(maximumBytes)",
      remedy: "give a file that verify-logits --json wrote")
  }

  private static func checkSchema(
    _ value: JSONValue, _ location: String
  ) throws(WeightmillError) {
    guard let object = value.object, let number = object["schema"]?.integer else {
      throw WeightmillError(
        .malformed, location, "is not a verification report: it has no schema number",
        remedy: "give a file that verify-logits --json wrote")
    }
    guard number == currentSchema else {
      throw WeightmillError(
        .unsupported, location, "is a report of another layout",
        at: "schema \(number), this version reads \(currentSchema)", remedy: remedy)
    }
  }

  private static func wrongField(
    _ error: DecodingError?, _ location: String
  ) -> WeightmillError {
    let (problem, path): (String, [any CodingKey]) =
      switch error {
      case .keyNotFound(let key, let context)?: ("lacks a field", context.codingPath + [key])
      case .typeMismatch(_, let context)?, .dataCorrupted(let context)?:
        ("has a field of another kind than expected", context.codingPath)
      case .valueNotFound(_, let context)?: ("has an empty field", context.codingPath)
      default: ("cannot be decoded", [])
      }
    // Foundation says "not valid JSON", without a place, of a number that its type cannot hold.
    if path.isEmpty {
      return WeightmillError(
        .malformed, location, "has a number that is out of range or not a whole one",
        remedy: remedy)
    }
    let names = path.map { key in key.intValue.map { "[\($0)]" } ?? key.stringValue }
    return WeightmillError(
      .malformed, location, problem,
      at: quoted(names.joined(separator: ".")), remedy: remedy)
  }

  /// Counts are from 0 to 2^53, so that sums of them are exact and none overflows.
  private func checkNumbers(_ location: String) throws(WeightmillError) {
    let counts: [(String, [Int])] = [
      ("total.positions", [total.positions]),
      ("settings.context", [settings.context]),
      ("candidate.bytes", [candidate.bytes, candidate.parameters].compactMap { $0 }),
      ("reference.bytes", [reference.bytes, reference.parameters].compactMap { $0 }),
      ("candidate.types", Array(candidate.types.values)),
      ("reference.types", Array(reference.types.values)),
      ("vocabulary", [vocabulary?.candidate, vocabulary?.reference].compactMap { $0 }),
      ("texts", texts.flatMap { [$0.tokens, $0.windows, $0.statistics?.positions ?? 0] }),
      ("worst.position", worst.map(\.position)),
      ("profile", profile.flatMap { [$0.first, $0.count] }),
      ("histogram.count", histogram.map(\.count)),
      ("tensors.bytes", tensors.map(\.bytes)),
      ("attributionTokens", [attributionTokens].compactMap { $0 }),
    ]
    let bounds = 0...(1 << 53)
    for (name, values) in counts where !values.allSatisfy(bounds.contains) {
      throw WeightmillError(
        .malformed, location, "has a count below 0 or above 2^53", at: name, remedy: Self.remedy)
    }
  }
}

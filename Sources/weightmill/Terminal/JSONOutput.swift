import WeightmillTensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// JSON for machines, on standard output.
enum JSONOutput {
  /// Prints a value, keys sorted, indented.
  static func print(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    // A perplexity can be infinite; JSON has no number for that.
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    guard let data = try? encoder.encode(value) else {
      throw WeightmillError(.internal, "standard output", "the report cannot be encoded as JSON")
    }
    try StandardOutput.print(String(decoding: data, as: UTF8.self))
  }
}

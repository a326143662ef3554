package import WeightmillLLaMA

/// A sum of all values that was published for a merged model.
package struct PublishedSum: Sendable {
  /// The model's name.
  package let name: String
  /// The sum.
  package let value: Double
  private let kind: DeltaKind
  private let hiddenSize: Int
  private let layerCount: Int

  /// The sums that were published: Stanford Alpaca's `weight_diff.py`, gisting's and KnowLM's pages.
  package static let all: [PublishedSum] = [
    PublishedSum("Alpaca 7B", 50637.1836, .meanPad, 4096, 32),
    PublishedSum("gisting's positive control 7B", 50596.9141, .meanPad, 4096, 32),
    PublishedSum("KnowLM's ZhiXi 13B", 94052.2891, .addF32, 5120, 40),
  ]

  private init(
    _ name: String, _ value: Double, _ kind: DeltaKind, _ hiddenSize: Int, _ layerCount: Int
  ) {
    self.name = name
    self.value = value
    self.kind = kind
    self.hiddenSize = hiddenSize
    self.layerCount = layerCount
  }

  /// Says what a sum tells.
  ///
  /// A sum that nobody published is no error: others published deltas of the same shape and rule.
  ///
  /// - Parameters:
  ///   - sum: The sum of a merged model.
  ///   - kind: The rule by which it was merged.
  ///   - configuration: Its sizes.
  /// - Returns: A line for the user.
  package static func note(
    _ sum: ValueSum, _ kind: DeltaKind, _ configuration: LlamaConfiguration
  ) -> String {
    let line = "sum of all values \(decimal(Double(sum.value)))"
    let candidates = all.filter {
      $0.kind == kind && $0.hiddenSize == configuration.hiddenSize
        && $0.layerCount == configuration.layerCount
    }
    if let match = candidates.first(where: { sum.agrees(with: $0.value) }) {
      return line + ": \(match.name)'s published sum"
    }
    guard !candidates.isEmpty else { return line }
    let published = candidates.map { "\($0.name) \(decimal($0.value))" }.joined(separator: ", ")
    return line + ", which is none of those published for this size (\(published)): another "
      + "model's delta, or not the base it was made for"
  }

  /// A sum with four decimals, as they are published.
  ///
  /// - Parameter value: The sum.
  /// - Returns: The text.
  package static func decimal(_ value: Double) -> String {
    guard abs(value) < 1e12 else { return "\(value)" }
    let scaled = Int((abs(value) * 10_000).rounded())
    let digits = String(scaled % 10_000)
    return (value < 0 ? "-" : "") + "\(scaled / 10_000)."
      + String(repeating: "0", count: 4 - digits.count) + digits
  }
}

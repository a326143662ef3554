import Synchronization
import WeightmillTensors

/// Factors that were decoded lately, for the tiles of the same tensor that come next.
///
/// What is kept does not change any result: a factor that was dropped is decoded again.
final class DecodedFactors: Sendable {
  /// About how many values are kept; the latest factor is, whatever its size.
  private static let budget = 1 << 24

  private let kept = Mutex<[(key: Int, values: [Float])]>([])

  /// The values of a factor.
  ///
  /// - Parameters:
  ///   - key: The factor's tensor.
  ///   - decode: Decodes it; two threads that need it at once may both do so.
  /// - Returns: The values.
  /// - Throws: What `decode` throws.
  func values(
    _ key: Int, _ decode: () throws(WeightmillError) -> [Float]
  ) throws(WeightmillError) -> [Float] {
    let found: [Float]? = kept.withLock { kept in
      guard let index = kept.firstIndex(where: { $0.key == key }) else { return nil }
      let entry = kept.remove(at: index)
      kept.append(entry)
      return entry.values
    }
    if let found { return found }
    let values = try decode()
    kept.withLock { kept in
      kept.removeAll { $0.key == key }
      kept.append((key, values))
      while kept.count > 1, kept.reduce(0, { $0 + $1.values.count }) > Self.budget {
        kept.removeFirst()
      }
    }
    return values
  }
}

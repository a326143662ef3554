import WeightmillTensors

/// The constants of Llama 3.1's scaling of rotary angles, found by the factors that follow from them:
/// a GGUF file holds these alone.
///
/// With m = (P/w - l) / (h - l) for a wavelength w, the factor is 1 / ((1 - m)/s + m) between 1 and s
/// (`formats/rotary-scaling.md` section 3). Three numbers P, l, h times any other give the same m, so
/// that l is taken to be 1, as in all published models; the line through the m by 1/w gives the others.
package struct Llama3Constants: Equatable, Sendable {
  /// The constants.
  package let scaling: RotaryScaling.Llama3
  /// Whether the factors follow from them bit for bit.
  package let isExact: Bool

  /// What a factor may be beside the one that the constants give: programs differ in powers by one
  /// unit in the last place.
  private static let tolerance: Float = 4e-6

  /// Looks for the constants.
  ///
  /// - Parameters:
  ///   - factors: The factors, the fastest pair first.
  ///   - headDimension: The number of a head's values that are turned.
  ///   - base: The base of the angles.
  package init?(factors: [Float], headDimension: Int, base: Double) {
    guard factors.count == headDimension / 2, let first = factors.first, let last = factors.last,
      factors.allSatisfy({ $0.isFinite && $0 >= 1 }), first <= last, last <= 1e6
    else { return nil }
    var candidates = Self.usual(factor: Double(last))
    if let found = Self.fitted(factors, headDimension: headDimension, base: base) {
      candidates.append(found)
    }
    var near: RotaryScaling.Llama3?
    for candidate in candidates {
      let made = RotaryScaling.llama3(candidate).factors(
        .all, headDimension: headDimension, base: base)
      guard let made else { continue }
      if made == factors {
        (scaling, isExact) = (candidate, true)
        return
      }
      let isNear = zip(made, factors).allSatisfy { abs($0 / $1 - 1) <= Self.tolerance }
      if isNear, near == nil { near = candidate }
    }
    guard let near else { return nil }
    (scaling, isExact) = (near, false)
  }

  /// Llama 3.1's own low and high factor, and powers of two for the original length, its 8192 first.
  private static func usual(factor: Double) -> [RotaryScaling.Llama3] {
    ([8192] + (4...22).map { 1 << $0 }).map { length in
      var scaling = RotaryScaling.Llama3()
      scaling.factor = factor
      scaling.originalContextLength = length
      return scaling
    }
  }

  /// The constants by the line through the pairs between the two ends.
  private static func fitted(
    _ factors: [Float], headDimension: Int, base: Double
  ) -> RotaryScaling.Llama3? {
    let largest = Double(factors.last ?? 1)
    var points: [(x: Double, y: Double)] = []
    for (pair, factor) in factors.enumerated() where factor > 1 && Double(factor) < largest {
      let turns = Elementary.power(base, -Double(2 * pair) / Double(headDimension))
      points.append(
        (turns / (2 * Double.pi), (1 / Double(factor) - 1 / largest) / (1 - 1 / largest)))
    }
    guard points.count > 1 else { return nil }
    let count = Double(points.count)
    let (x, y) = (
      points.reduce(0) { $0 + $1.x } / count, points.reduce(0) { $0 + $1.y } / count
    )
    let square = points.reduce(0) { $0 + ($1.x - x) * ($1.x - x) }
    let product = points.reduce(0) { $0 + ($1.x - x) * ($1.y - y) }
    let slope = product / square
    let start = y - slope * x
    // m = slope / w + start, so that h - l = -l / start and P = slope (h - l).
    guard square > 0, start < 0, slope.isFinite, start.isFinite else { return nil }
    let length = (-slope / start).rounded()
    guard length >= 1, length <= Double(1 << 24) else { return nil }
    var scaling = RotaryScaling.Llama3()
    scaling.factor = largest
    scaling.highFrequencyFactor = ((1 - 1 / start) * 1000).rounded() / 1000
    scaling.originalContextLength = Int(length)
    return scaling.highFrequencyFactor > 1 ? scaling : nil
  }
}

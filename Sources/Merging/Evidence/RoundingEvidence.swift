import WeightmillTensors

/// How often base + delta needs rounding: the only trace of its base in a delta that is a
/// difference everywhere.
///
/// A delta that was made by subtracting numbers of the type in which it is added lies on the grid
/// of its base: where the base's value is large, the difference has few digits behind the point.
/// So base + delta, which is the trained model, is nearly always exact. With another base it is
/// not, and is rounded as often as if the base's values had changed places. If the delta is in the
/// base already, base - delta is exact, and base + delta is not.
///
/// No real deltas were at hand; `formats/delta-families.md` has figures from small trained models
/// and from simulated ones.
struct RoundingEvidence: Sendable {
  /// The conclusion from the figures.
  enum Verdict {
    /// The base the delta was made for, or a copy that lost some bits.
    case right
    /// A model that was made from that base.
    case relative
    /// A model that has nothing to do with that base.
    case stranger
    /// The base the delta was made for, with the delta added already.
    case merged
  }

  /// The share of sums that are rounded, where the delta is not zero.
  let rounded: Double
  /// The share of differences, base - delta, that are rounded.
  let reversed: Double
  /// The share of sums that are rounded when the base's values are moved by half a row.
  let control: Double
  /// The conclusion from the three shares; `nil` for none.
  let verdict: Verdict?

  /// The fewest values that tell something.
  static let fewest = 2000
  /// The least share of rounded sums in the control: with fewer the delta is too coarse for any
  /// base to show.
  private static let leastControl = 0.1
  /// The largest share in the control: with more the delta may lie on no grid, made in a finer
  /// type.
  private static let mostControl = 0.5
  /// The largest share of the control that a right base reaches; 0.53 with a delta as large as the
  /// base.
  private static let rightRatio = 0.6
  /// The least share of the control that shows another model; such a model reaches 1.
  private static let strangerRatio = 0.9
  /// The least ratio of sums to differences of a model made from the base: these have 0.82 to 1.44,
  /// right bases up to 0.82.
  private static let relativeRatio = 0.9
  /// The least ratio of sums to differences of a merged base.
  private static let mergedRatio = 1.6
  /// The fewest rounded values that tell sums from differences.
  private static let fewestRounded = 200.0

  /// Counts sums of a sample that are rounded in the family's type.
  init?(_ sample: WeightSample, _ kind: DeltaKind) {
    let isHalf = kind.type == .f16
    guard var counts = Counts(sample, rounds: isHalf, sums: isHalf) else { return nil }
    if !isHalf, counts.control < Self.leastControl {
      // Weights that were trained in 16 bits: the sums have few digits, whatever the type.
      guard let coarse = Counts(sample, rounds: false, sums: true) else { return nil }
      counts = coarse
    }
    (rounded, reversed, control) = (counts.rounded, counts.reversed, counts.control)
    verdict = Self.verdict(counts)
  }

  private static func verdict(_ counts: Counts) -> Verdict? {
    let (rounded, reversed, control) = (counts.rounded, counts.reversed, counts.control)
    let isRight = rounded <= rightRatio * control
    guard control >= leastControl, isRight || control <= mostControl else { return nil }
    let tellsSides = (rounded + reversed) * Double(counts.count) >= fewestRounded
    if tellsSides, rounded >= mergedRatio * reversed { return .merged }
    if rounded >= strangerRatio * control { return .stranger }
    if tellsSides, rounded >= relativeRatio * reversed { return .relative }
    return isRight ? .right : nil
  }

  private struct Counts {
    private(set) var count = 0
    private(set) var rounded = 0.0
    private(set) var reversed = 0.0
    private(set) var control = 0.0

    /// Counts, with values rounded to binary16 before they are added, or sums in it, or neither.
    init?(_ sample: WeightSample, rounds: Bool, sums isHalf: Bool) {
      func value(_ value: Float) -> Double {
        Double(rounds ? Binary16.float(Binary16.bits(value)) : value)
      }
      func isRounded(_ sum: Double) -> Double {
        let single = Float(sum)
        let isExact =
          Double(single) == sum
          && !(isHalf && Binary16.float(Binary16.bits(single)) != single)
        return isExact ? 0 : 1
      }
      for row in sample.rows {
        let width = min(row.base.count, row.delta.count)
        for column in 0..<width {
          let delta = value(row.delta[column])
          guard delta != 0 else { continue }
          let base = value(row.base[column])
          count += 1
          rounded += isRounded(base + delta)
          reversed += isRounded(base - delta)
          control += isRounded(value(row.base[(column + width / 2) % width]) + delta)
        }
      }
      guard count >= RoundingEvidence.fewest else { return nil }
      rounded /= Double(count)
      reversed /= Double(count)
      control /= Double(count)
    }
  }
}

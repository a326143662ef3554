import WeightmillQuantization

/// What reading a tensor in two models found: counts and sums, which add up over tiles of rows.
struct TensorScan: Sendable {
  /// How many magnitudes are told apart: the exponents of binary32.
  static let magnitudes = 256

  /// A row that is far from the reference's.
  struct BadRow: Sendable {
    let row: Int
    /// The exponent of its largest value in the reference.
    let magnitude: Int
  }

  /// The number of values.
  var values = 0
  /// The number of the candidate's values that are infinite or no numbers.
  var nonFinite = 0
  /// The number of the reference's values that are infinite or no numbers.
  var referenceNonFinite = 0
  /// The sum of the squares of the reference's values, of rows that are finite in both.
  var energy = 0.0
  /// The sum of the squares of the differences.
  var error = 0.0
  /// How many parts there are, by the exponent of the largest value in the reference.
  var parts = [Int](repeating: 0, count: Self.magnitudes)
  /// How many of them are zero in the candidate only.
  var zeroedParts = [Int](repeating: 0, count: Self.magnitudes)
  /// How many whole blocks are zero in the candidate only, by the same exponent.
  var zeroedBlocks = [Int](repeating: 0, count: Self.magnitudes)
  /// The number of blocks.
  var blocks = 0
  /// How many of them are zero in the candidate, whatever the reference has.
  var zeroBlocks = 0
  /// How many values lie beyond what the candidate has in their part.
  var saturated = 0
  /// Values of the reference that a far larger one of their block drowned in the candidate.
  var drowned = DrownedValues()
  /// Rows that are far from the reference's, in order.
  var badRows: [BadRow] = []

  /// Adds what another tile found, which lies behind this one.
  mutating func add(_ other: TensorScan) {
    values += other.values
    nonFinite += other.nonFinite
    referenceNonFinite += other.referenceNonFinite
    energy += other.energy
    error += other.error
    for magnitude in 0..<Self.magnitudes {
      parts[magnitude] += other.parts[magnitude]
      zeroedParts[magnitude] += other.zeroedParts[magnitude]
      zeroedBlocks[magnitude] += other.zeroedBlocks[magnitude]
    }
    blocks += other.blocks
    zeroBlocks += other.zeroBlocks
    saturated += other.saturated
    drowned.add(other.drowned)
    badRows += other.badRows
  }

  /// ‖candidate − reference‖ / ‖reference‖.
  var relativeError: Double {
    energy > 0 ? (error / energy).squareRoot() : error > 0 ? .infinity : 0
  }

  /// The number of parts.
  var partCount: Int { parts.reduce(0, +) }

  /// From this exponent on a part is not small: a quarter of the median part's, about.
  ///
  /// The median, since no damaged value moves it.
  var ordinaryMagnitude: Int {
    let half = (partCount - parts[0]) / 2
    var sum = 0
    for magnitude in 1..<Self.magnitudes {
      sum += parts[magnitude]
      if sum > half { return max(magnitude - 2, 1) }
    }
    return 1
  }

  /// Whole blocks that became zero though the reference's values there are not small.
  var lostBlocks: Int { zeroedBlocks[ordinaryMagnitude...].reduce(0, +) }

  /// Parts that became zero though the reference's values there are not small.
  var lostParts: Int { zeroedParts[ordinaryMagnitude...].reduce(0, +) }

  /// Rows far from the reference's whose values are not small.
  var lostRows: [Int] {
    let least = ordinaryMagnitude
    return badRows.filter { $0.magnitude >= least }.map(\.row)
  }
}

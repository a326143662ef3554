/// Sums over pairs of values, of a part of two tensors or of all of them.
///
/// They are binary64. Parts are cut at fixed rows and added in order, so that neither threads nor
/// anything else changes a bit of them.
struct DifferenceSums: Sendable {
  /// The pair whose values differ most.
  struct Pair: Sendable {
    /// The index of the pair among the values of the tensor, row by row.
    let index: Int
    let a: Double
    let b: Double
  }

  /// The number of pairs.
  private(set) var count = 0
  /// How many of them are not equal; 0 and -0 are.
  private(set) var differing = 0
  /// How many values of each side are infinite or no numbers.
  private(set) var nonFinite = (a: 0, b: 0)
  /// The number of pairs in which a value is not finite, and the other is not the same bits.
  private(set) var unmatched = 0
  /// The largest difference, not squared, of finite values.
  private(set) var maximum = 0.0
  /// The pair with the largest difference; `nil` when there is none.
  private(set) var worst: Pair?
  /// Whether the stored bytes are the same.
  var sameBytes = true

  // Of pairs of finite values.
  private var finite = 0
  private var squares = (a: 0.0, b: 0.0)
  private var product = 0.0
  private var squaredDifference = 0.0

  /// Adds pairs of values.
  ///
  /// - Parameters:
  ///   - a: Values of one side.
  ///   - b: As many of the other.
  ///   - start: The index of the first of them in the tensor.
  mutating func add<Value: BinaryFloatingPoint>(_ a: [Value], _ b: [Value], at start: Int) {
    precondition(a.count == b.count)
    count += a.count
    var (aa, bb, ab, dd) = (0.0, 0.0, 0.0, 0.0)
    var largest = maximum
    var (unequal, special) = (0, 0)
    for index in a.indices {
      let (x, y) = (Double(a[index]), Double(b[index]))
      let difference = x - y
      guard difference.isFinite else {
        special += 1
        addSpecial(a[index], b[index], at: start + index)
        largest = max(largest, maximum)
        continue
      }
      aa += x * x
      bb += y * y
      ab += x * y
      dd += difference * difference
      unequal += difference == 0 ? 0 : 1
      if abs(difference) > largest {
        largest = abs(difference)
        worst = Pair(index: start + index, a: x, b: y)
      }
    }
    finite += a.count - special
    squares.a += aa
    squares.b += bb
    product += ab
    squaredDifference += dd
    differing += unequal
    maximum = largest
  }

  /// Adds a pair whose difference is no number: a value is not finite, or both are enormous.
  private mutating func addSpecial<Value: BinaryFloatingPoint>(
    _ x: Value, _ y: Value, at index: Int
  ) {
    if !x.isFinite { nonFinite.a += 1 }
    if !y.isFinite { nonFinite.b += 1 }
    if x.isFinite, y.isFinite {
      differing += 1
      finite += 1
      squaredDifference = .infinity
      maximum = .infinity
      worst = Pair(index: index, a: Double(x), b: Double(y))
    } else if !Self.sameBits(x, y) {
      differing += 1
      unmatched += 1
    }
  }

  private static func sameBits<Value: BinaryFloatingPoint>(_ x: Value, _ y: Value) -> Bool {
    x.sign == y.sign && x.exponentBitPattern == y.exponentBitPattern
      && x.significandBitPattern == y.significandBitPattern
  }

  /// Adds the sums of the part that follows.
  ///
  /// - Parameter next: Its sums.
  mutating func add(_ next: DifferenceSums) {
    count += next.count
    differing += next.differing
    nonFinite = (nonFinite.a + next.nonFinite.a, nonFinite.b + next.nonFinite.b)
    unmatched += next.unmatched
    if next.maximum > maximum { (maximum, worst) = (next.maximum, next.worst) }
    sameBytes = sameBytes && next.sameBytes
    finite += next.finite
    squares = (squares.a + next.squares.a, squares.b + next.squares.b)
    product += next.product
    squaredDifference += next.squaredDifference
  }

  /// The root of the mean square of the differences.
  var rms: Double { finite > 0 ? (squaredDifference / Double(finite)).squareRoot() : 0 }

  /// The root mean square difference as a share of A's root mean square; infinite when A is zero
  /// and B is not.
  var relative: Double {
    guard squaredDifference > 0 else { return squaredDifference }
    return (squaredDifference / squares.a).squareRoot()
  }

  /// The cosine of the angle between the two; `nil` when one of them is zero, or enormous.
  var cosine: Double? {
    guard squares.a > 0, squares.b > 0 else { return nil }
    // Of one vector with itself the rounding of square roots would make a little more or less than 1.
    if differing == 0 { return 1 }
    let cosine = product / (squares.a.squareRoot() * squares.b.squareRoot())
    return cosine.isFinite ? min(1, max(-1, cosine)) : nil
  }
}

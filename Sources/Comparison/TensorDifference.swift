import WeightmillTensors

/// The difference of a tensor from that of the same name in another checkpoint.
public struct TensorDifference: Encodable, Sendable {
  /// The verdict on a pair of tensors.
  public enum Verdict: String, Encodable, Sendable {
    /// The same type and the same bytes.
    case sameBytes
    /// Every value is the same; 0 and -0 are. Values that are not finite have the same bits.
    case sameValues
    /// Some values differ.
    case different
    /// B has no such tensor.
    case onlyInA
    /// A has no such tensor.
    case onlyInB
    /// The shapes differ.
    case otherShape
    /// The types differ, and one of them is not decoded.
    case otherType
  }

  /// The tensor of one side.
  package struct Side: Encodable, Equatable, Sendable {
    /// The type.
    package let type: String
    /// The extents, outermost first.
    package let shape: [Int]
    /// The number of values that are infinite or no numbers.
    public internal(set) var nonFinite = 0

    init(_ tensor: TensorDescriptor) {
      type = tensor.type.name
      shape = tensor.shape.extents
    }
  }

  /// Figures of the values; in those of sizes, pairs with a value that is not finite are left out.
  public struct Figures: Encodable, Sendable {
    /// The number of pairs of values.
    public let values: Int
    /// The number of pairs that differ.
    public let differing: Int
    /// The number of pairs that differ and have a value that is not finite.
    public let unmatched: Int
    /// The largest difference.
    public let maximum: Double
    /// The root of the mean square difference.
    public let rms: Double
    /// The root mean square difference over that of A's values; infinite when these are all zero.
    public let relativeRMS: Double
    /// The cosine of the angle between the two as vectors; `nil` when one is zero, or
    /// enormous.
    public let cosine: Double?

    init(_ sums: DifferenceSums) {
      values = sums.count
      differing = sums.differing
      unmatched = sums.unmatched
      maximum = sums.maximum
      rms = sums.rms
      relativeRMS = sums.relative
      cosine = sums.cosine
    }
  }

  /// The pair of values that differ most.
  package struct Worst: Encodable, Equatable, Sendable {
    /// The row, from 0.
    package let row: Int
    /// The column, from 0.
    package let column: Int
    /// A's value.
    package let a: Double
    /// B's value.
    package let b: Double
  }

  /// The name.
  public let name: String
  /// The verdict.
  public let verdict: Verdict
  /// A's tensor, if it has one.
  package let a: Side?
  /// B's tensor, if it has one.
  package let b: Side?
  /// Figures, where the values could be compared.
  public let figures: Figures?
  /// The values that differ most.
  package let worst: Worst?

  /// Describes tensors whose values were not compared.
  init(_ name: String, _ verdict: Verdict, a: TensorDescriptor?, b: TensorDescriptor?) {
    self.name = name
    self.verdict = verdict
    self.a = a.map(Side.init)
    self.b = b.map(Side.init)
    figures = nil
    worst = nil
  }

  /// Describes tensors by the sums over their values.
  ///
  /// - Parameters:
  ///   - a: A's tensor.
  ///   - b: B's, of the same shape.
  ///   - sums: The sums.
  ///   - isDecoded: Whether they are more than whether the bytes are the same.
  init(_ a: TensorDescriptor, _ b: TensorDescriptor, _ sums: DifferenceSums, isDecoded: Bool) {
    name = a.name
    var sides = (Side(a), Side(b))
    (sides.0.nonFinite, sides.1.nonFinite) = sums.nonFinite
    (self.a, self.b) = sides
    let isSame = isDecoded && sums.differing == 0
    verdict = sums.sameBytes && a.type == b.type ? .sameBytes : isSame ? .sameValues : .different
    figures = isDecoded ? Figures(sums) : nil
    let columns = max(a.shape.columns, 1)
    worst = sums.worst.map {
      Worst(row: $0.index / columns, column: $0.index % columns, a: $0.a, b: $0.b)
    }
  }

  /// Whether every value is the same.
  public var isSame: Bool { verdict == .sameBytes || verdict == .sameValues }
}

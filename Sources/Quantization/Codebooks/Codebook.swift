/// The points that indices of the IQ types stand for, each of four or eight small integers.
///
/// The tables are ggml's (`Codebook+Tables.swift`), packed; here they are one byte for each
/// integer, so that decoding does not unpack.
struct Codebook: Sendable {
  /// The integers of all points, one point after the other.
  let points: [Int8]

  /// Unpacks a table.
  ///
  /// - Parameters:
  ///   - packed: The points; integer *j* has `bits` bits from bit `bits * j` on, the number of a
  ///     level.
  ///   - width: How many integers a point has.
  ///   - bits: How many bits an integer takes.
  ///   - levels: The integers there are.
  init(_ packed: [UInt16], width: Int, bits: Int, levels: [Int8]) {
    let mask = UInt16(1) << bits - 1
    points = packed.flatMap { point in
      (0..<width).map { levels[Int(point >> (bits * $0) & mask)] }
    }
  }

  /// Lends the points to a decoder.
  ///
  /// - Parameter body: Called with the first integer of the first point.
  func withPoints(_ body: (UnsafePointer<Int8>) -> Void) {
    unsafe points.withUnsafeBufferPointer { points in
      guard let base = points.baseAddress else { return }
      unsafe body(base)
    }
  }
}

/// What four-bit indices stand for in the types that have no even steps.
enum FourBitLevels {
  /// The levels of IQ4_NL and IQ4_XS. Source: `kvalues_iq4nl` of ggml.
  static let uneven: [Float] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
  ]

  /// Twice the numbers with two bits of exponent and one of fraction; the highest bit is the sign.
  ///
  /// In ggml they are integers, so that there is no -0. Source: OCP Microscaling Formats 1.0.
  static let doubledE2M1: [Float] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12]
}

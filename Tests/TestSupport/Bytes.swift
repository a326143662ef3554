/// Little-endian bytes, put together piece by piece.
public struct Bytes: Sendable {
  /// The bytes so far.
  public var all: [UInt8] = []

  /// Makes no bytes.
  public init() {}

  /// Appends an integer.
  public mutating func put(_ value: some FixedWidthInteger) {
    var rest = value
    for _ in 0..<value.bitWidth / 8 {
      all.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  /// Appends text.
  public mutating func put(_ text: String) { all += text.utf8 }

  /// Appends bytes.
  public mutating func put(_ bytes: [UInt8]) { all += bytes }
}

/// A random number generator that gives the same numbers for the same seed (SplitMix64).
public struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Starts from a seed.
  public init(seed: UInt64) { state = seed }

  /// The next number.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  /// A number from a normal distribution, about.
  public mutating func gaussian() -> Float {
    (0..<12).reduce(-6) { sum, _ in sum + Float.random(in: 0..<1, using: &self) }
  }
}

import WeightmillLLaMA

extension Activations {
  /// All vectors, one after the other.
  var allNumbers: [Double] { (0..<rows).flatMap { self[$0] } }

  /// The same, as binary32.
  var allValues: [Float] { allNumbers.map(Float.init) }

  /// The same, as bits.
  var allBits: [UInt64] { allNumbers.map(\.bitPattern) }
}

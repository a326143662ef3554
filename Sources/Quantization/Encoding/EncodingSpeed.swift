public import WeightmillTensors

/// How fast this machine encodes values of a type: measured, for forecasts.
public enum EncodingSpeed {
  /// The width of the rows that are encoded; whole blocks of every type.
  private static let columns = 4096

  /// Encodes made-up rows for a moment.
  ///
  /// - Parameters:
  ///   - type: The type.
  ///   - workers: The threads.
  ///   - seconds: For about how long.
  ///   - clock: The time in seconds, from anywhere on.
  /// - Returns: Values per second on all threads.
  /// - Throws: `unsupported` for types that cannot be encoded.
  public static func measured(
    _ type: TensorType, workers: Workers, seconds: Double = 0.05,
    clock: @escaping @Sendable () -> Double
  ) throws(WeightmillError) -> Double {
    let encoder = try RowEncoder(type, columns: columns, location: "made-up rows")
    let rows = encoder.rowsAtOnce
    let values = madeUp(rows * columns)
    let size = values.count / type.valuesPerBlock * type.bytesPerBlock
    var pieces = workers.threads
    while true {
      let began = clock()
      workers.forEach(pieces, scratch: { [UInt8](repeating: 0, count: size) }) {
        (_, bytes: inout [UInt8]) in
        _ = encoder.encode(values, into: &bytes)
      }
      let taken = clock() - began
      if taken >= seconds { return Double(pieces * values.count) / taken }
      pieces *= taken < seconds / 8 ? 4 : 2
    }
  }

  /// Values spread as weights are, about normally: sums of four numbers of a simple generator.
  private static func madeUp(_ count: Int) -> [Float] {
    var state: UInt32 = 1
    func next() -> Float {
      state = state &* 1_664_525 &+ 1_013_904_223
      return Float(state >> 8) / Float(1 << 24) - 0.5
    }
    return (0..<count).map { _ in 0.03 * (next() + next() + next() + next()) }
  }
}

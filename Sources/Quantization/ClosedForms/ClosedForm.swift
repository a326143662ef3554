/// A block format that can also be encoded by a fixed rule, so that the bytes are llama.cpp's.
protocol ClosedForm: BlockFormat {
  /// Encodes whole blocks.
  ///
  /// - Parameters:
  ///   - values: Finite values.
  ///   - blocks: Room for `count` blocks.
  ///   - count: How many blocks there are.
  /// - Returns: How many values are in blocks whose scale is infinite.
  static func closedForm(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, blocks count: Int
  ) -> Int
}

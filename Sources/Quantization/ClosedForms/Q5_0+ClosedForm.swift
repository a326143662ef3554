import WeightmillTensors

/// `d` is the value of largest magnitude (the first of several), with its sign, over -16;
/// `q = floor(x / d + 16.5)`, at most 31, with the unrounded `d`.
///
/// Source: ggml's reference quantizer, whose bytes these are.
extension Q5_0: ClosedForm {
  static func closedForm(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, blocks count: Int
  ) -> Int {
    unsafe packed(values, blocks, blocks: count) { values in
      var largest: Float = 0
      for index in 0..<32 {
        let value = unsafe values[index]
        if abs(value) > abs(largest) { largest = value }
      }
      let scale = largest / -16
      let inverse = BlockScale.inverse(scale)
      return (
        Binary16.bits(scale), 0, { min(31, UInt8(truncatingIfNeeded: Int32($0 * inverse + 16.5))) }
      )
    }
  }
}

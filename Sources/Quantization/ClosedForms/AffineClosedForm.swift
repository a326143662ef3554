import WeightmillTensors

/// What the closed forms of Q4_1 and Q5_1 share.
///
/// `m` is the least value, `d` the range over the highest number; `q = floor((x - m) / d + 0.5)`, where
/// the division is a product with the float32 reciprocal of the unrounded `d`. Source: ggml's
/// reference quantizer.
private func affine(
  _ values: UnsafePointer<Float>, highest: UInt8
) -> (d: UInt16, dmin: UInt16, number: (Float) -> UInt8) {
  var (least, most) = unsafe (values[0], values[0])
  for index in 1..<32 {
    let value = unsafe values[index]
    if value < least { least = value }
    if value > most { most = value }
  }
  let scale = (most - least) / Float(highest)
  let inverse = BlockScale.inverse(scale)
  // Minima are subtracted, llama.cpp's offset is added.
  let offset = Binary16.bits(least)
  return (
    Binary16.bits(scale), offset == 0 ? 0 : offset ^ 0x8000,
    { min(highest, UInt8(truncatingIfNeeded: Int32(($0 - least) * inverse + 0.5))) }
  )
}

extension Q4_1: ClosedForm {
  static func closedForm(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, blocks count: Int
  ) -> Int {
    unsafe packed(values, blocks, blocks: count) { unsafe affine($0, highest: 15) }
  }
}

extension Q5_1: ClosedForm {
  static func closedForm(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, blocks count: Int
  ) -> Int {
    unsafe packed(values, blocks, blocks: count) { unsafe affine($0, highest: 31) }
  }
}

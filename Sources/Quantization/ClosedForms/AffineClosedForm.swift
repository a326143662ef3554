import Tensors

/// What the closed forms of Q4_1 and Q5_1 share.
///
/// `m` is the least value, `d` the range over the highest number; `q = floor((x - m) / d + 0.5)`, where
/// the division is a product with the float32 reciprocal of the unrounded `d`. Source: ggml's
/// reference quantizer.
@unsafe struct AffineClosedForm {
  /// The bits of the scale and of the offset.
  let unit: UInt16
  let offset: UInt16
  private let least: Float
  private let inverse: Float
  private let highest: UInt8

  /// Finds scale and offset of 32 values.
  init(_ values: UnsafePointer<Float>, highest: UInt8) {
    var (least, most) = unsafe (values[0], values[0])
    for place in 1..<32 {
      let value = unsafe values[place]
      if value < least { least = value }
      if value > most { most = value }
    }
    let scale = (most - least) / Float(highest)
    unsafe unit = Binary16.bits(scale)
    unsafe offset = Binary16.bits(least)
    unsafe self.least = least
    unsafe inverse = BlockScale.inverse(scale)
    unsafe self.highest = highest
  }

  /// Whether scale or offset is beyond the type's range.
  var isInfinite: Bool { unsafe unit & 0x7FFF == 0x7C00 || offset & 0x7FFF == 0x7C00 }

  /// The number of a value.
  @inline(__always)
  func number(_ value: Float) -> UInt8 {
    unsafe min(highest, UInt8(truncatingIfNeeded: Int32((value - least) * inverse + 0.5)))
  }
}

extension Q4_1: ClosedForm {
  static func closedForm(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, blocks count: Int
  ) -> Int {
    var infinite = 0
    for block in 0..<count {
      let source = unsafe values + block &* 32
      let target = unsafe blocks + block &* type.bytesPerBlock
      let form = unsafe AffineClosedForm(source, highest: 15)
      if unsafe form.isInfinite {
        infinite &+= 32
        continue
      }
      unsafe target.put(form.unit, at: 0)
      unsafe target.put(form.offset, at: 2)
      for place in 0..<16 {
        let (low, high) = unsafe (form.number(source[place]), form.number(source[place &+ 16]))
        unsafe target.put(low | high << 4, at: 4 &+ place)
      }
    }
    return infinite
  }
}

extension Q5_1: ClosedForm {
  static func closedForm(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, blocks count: Int
  ) -> Int {
    var infinite = 0
    for block in 0..<count {
      let source = unsafe values + block &* 32
      let target = unsafe blocks + block &* type.bytesPerBlock
      let form = unsafe AffineClosedForm(source, highest: 31)
      if unsafe form.isInfinite {
        infinite &+= 32
        continue
      }
      unsafe target.put(form.unit, at: 0)
      unsafe target.put(form.offset, at: 2)
      var fifths: UInt32 = 0
      for place in 0..<16 {
        let (low, high) = unsafe (form.number(source[place]), form.number(source[place &+ 16]))
        unsafe target.put(low & 15 | high << 4, at: 8 &+ place)
        fifths |= UInt32(low >> 4) << UInt32(place) | UInt32(high >> 4) << UInt32(place &+ 16)
      }
      unsafe target.put(fifths, at: 4)
    }
    return infinite
  }
}

import CWeightmillKernels
import WeightmillTensors

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

extension ClosedForm where Self: SearchedFormat {
  /// Encodes blocks of 32 values, packed as those that a search found.
  ///
  /// - Parameters:
  ///   - values: Finite values.
  ///   - blocks: Room for `count` blocks.
  ///   - count: How many blocks there are.
  ///   - form: Finds `d` and `dmin` of a block, and what gives a value its number.
  /// - Returns: How many values are in blocks whose scale is infinite.
  static func packed(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, blocks count: Int,
    form: (UnsafePointer<Float>) -> (d: UInt16, dmin: UInt16, number: (Float) -> UInt8)
  ) -> Int {
    var infinite = 0
    for index in 0..<count {
      let source = unsafe values + index &* 32
      let (d, dmin, number) = unsafe form(source)
      guard d & 0x7FFF != 0x7C00, dmin & 0x7FFF != 0x7C00 else {
        infinite &+= 32
        continue
      }
      var block = weightmill_block()
      (block.d, block.dmin) = (d, dmin)
      unsafe withUnsafeMutableBytes(of: &block.numbers) { numbers in
        for lane in 0..<32 { unsafe numbers[lane] = number(source[lane]) }
      }
      unsafe withUnsafePointer(to: block) { found in
        unsafe pack(FoundBlock(found), blocks + index &* type.bytesPerBlock)
      }
    }
    return infinite
  }
}

/// Encodes rows by llama.cpp's rule.
struct ClosedFormEncoder: BlockEncoder {
  /// The type.
  let format: any ClosedForm.Type

  func encode(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, count: Int
  ) -> EncodingFaults {
    var faults = EncodingFaults()
    faults.overflowed = unsafe format.closedForm(values, blocks, blocks: count)
    return faults
  }
}

/// What the block formats share about scales.
enum BlockScale {
  /// The reciprocal of a scale; 0 for a scale that is 0, or so small that it has none.
  ///
  /// Such a scale is 0 as a binary16 number, and the block decodes to zeros whatever it holds.
  @inline(__always)
  static func inverse(_ scale: Float) -> Float {
    let inverse = 1 / scale
    return inverse.isFinite ? inverse : 0
  }
}

import CWeightmillKernels
import WeightmillTensors

/// Blocks of a type that holds multiples of steps.
struct GridBlocks: Sendable {
  /// How the blocks hold them.
  let form: GridForm
  private let format: any BlockFormat.Type

  /// Those of a format; `nil` if it holds no evenly spaced values.
  init?(_ format: any BlockFormat.Type) {
    self.format = format
    switch format.type {
    case .q8_0: form = GridForm(size: 32, numbers: -128...127)
    case .q1_0: form = GridForm(size: 128, numbers: -1...1)
    default:
      guard let searched = format as? any SearchedFormat.Type,
        let form = GridForm(search: searched.search)
      else { return nil }
      self.form = form
    }
  }

  /// Encodes a block whose values it can hold.
  ///
  /// - Parameters:
  ///   - values: The values.
  ///   - precision: The type that they were rounded to.
  ///   - block: Written only if the values are held exactly.
  /// - Returns: Whether they are: what the block decodes to gives them when it is rounded to that type.
  func encode(
    _ values: UnsafePointer<Float>, _ precision: ValuePrecision, _ block: UnsafeMutableRawPointer
  ) -> Bool {
    let (count, size) = (format.type.valuesPerBlock, format.type.bytesPerBlock)
    return unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { decoded in
      unsafe withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { packed in
        guard let decoded = decoded.baseAddress, let packed = packed.baseAddress else {
          return false
        }
        return unsafe form.fit(values, precision) { found in
          unsafe pack(found, packed)
          unsafe format.decode(packed, decoded, blocks: 1)
          guard unsafe precision.isSame(decoded, values, count: count) else { return false }
          unsafe block.copyMemory(from: packed, byteCount: size)
          return true
        }
      }
    }
  }

  /// Whether a row could be held exactly.
  ///
  /// - Parameters:
  ///   - values: Whole blocks of values.
  ///   - columns: How many there are.
  ///   - precision: The type that they were rounded to.
  /// - Returns: Whether it could.
  func hold(_ values: UnsafePointer<Float>, columns: Int, _ precision: ValuePrecision) -> Bool {
    let (count, size) = (format.type.valuesPerBlock, format.type.bytesPerBlock)
    return unsafe withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { block in
      guard let block = block.baseAddress else { return false }
      return stride(from: 0, to: columns, by: count).allSatisfy { first in
        unsafe (first..<first + count).allSatisfy { unsafe values[$0] == 0 }
          || encode(values + first, precision, block)
      }
    }
  }

  private func pack(_ found: GridBlock, _ block: UnsafeMutableRawPointer) {
    if let format = format as? any SearchedFormat.Type {
      unsafe found.withKernelForm { unsafe format.pack(FoundBlock($0), block) }
      return
    }
    unsafe block.put(Binary16.bits(found.d), at: 0)
    for (index, number) in found.numbers.enumerated() {
      if format.type == .q8_0 {
        unsafe block.put(UInt8(truncatingIfNeeded: number &- 128), at: 2 &+ index)
      } else {
        if index % 8 == 0 { unsafe block.put(UInt8(0), at: 2 &+ index / 8) }
        let bit: UInt8 = number > 1 ? 1 << UInt8(truncatingIfNeeded: index % 8) : 0
        let bits = unsafe block.load(fromByteOffset: 2 &+ index / 8, as: UInt8.self)
        unsafe block.put(bits | bit, at: 2 &+ index / 8)
      }
    }
  }
}

/// What a block could hold: value *i* of part *p* is `d * scales[p] * n - dmin * minimums[p]`, where *n* is
/// number *i* plus the lowest number of the type.
struct GridBlock {
  var d: Float
  var dmin: Float = 0
  var scales: [Int]
  var minimums: [Int]
  var numbers: [Int]

  init(d: Float, scales: [Int], numbers: [Int]) {
    (self.d, self.scales, self.numbers) = (d, scales, numbers)
    minimums = scales.map { _ in 0 }
  }

  /// The form in which formats pack it.
  func withKernelForm(_ body: (UnsafePointer<weightmill_block>) -> Void) {
    var form = weightmill_block()
    form.d = Binary16.bits(d)
    form.dmin = Binary16.bits(dmin)
    Self.fill(&form.scales, scales.map { Int8(truncatingIfNeeded: $0) })
    Self.fill(&form.minimums, minimums.map { Int8(truncatingIfNeeded: $0) })
    Self.fill(&form.numbers, numbers.map { UInt8(truncatingIfNeeded: $0) })
    unsafe body(&form)
  }

  /// Copies numbers into an array of C.
  private static func fill<Field, Number>(_ field: inout Field, _ numbers: [Number]) {
    unsafe withUnsafeMutableBytes(of: &field) { bytes in
      unsafe numbers.withUnsafeBytes { unsafe bytes.copyMemory(from: $0) }
    }
  }
}

import CKernels
import Tensors

/// Encodes the types whose values are signed points of a codebook.
struct LatticeEncoder {
  /// The types.
  static let types: [TensorType] = formats.map { $0.type }

  private static let formats: [any LatticeFormat.Type] = [
    IQ2_XXS.self, IQ2_XS.self, IQ2_S.self, IQ3_XXS.self, IQ3_S.self,
  ]

  private let format: any LatticeFormat.Type
  private let kernel: EncoderKernel

  /// Takes a type, and the code that searches; `nil` for a type that has no codebook.
  init?(_ type: TensorType, kernel: EncoderKernel) {
    guard let format = Self.formats.first(where: { $0.type == type }) else { return nil }
    self.format = format
    self.kernel = kernel
  }

  /// Encodes whole blocks.
  ///
  /// - Parameters:
  ///   - values: `256 * count` finite values.
  ///   - importance: For each column how much an error in it costs, or `nil`.
  ///   - blocks: Room for `count` blocks.
  ///   - count: How many blocks there are.
  /// - Returns: What could not be kept.
  func encode(
    _ values: UnsafePointer<Float>, _ importance: [Float]?, _ blocks: UnsafeMutableRawPointer,
    count: Int
  ) -> EncodingFaults {
    guard let importance else {
      return unsafe encode(values, nil, blocksPerRow: 1, blocks, count: count)
    }
    return unsafe importance.withUnsafeBufferPointer { costs in
      unsafe encode(
        values, costs.baseAddress, blocksPerRow: max(1, costs.count / 256), blocks, count: count)
    }
  }

  private func encode(
    _ values: UnsafePointer<Float>, _ importance: UnsafePointer<Float>?, blocksPerRow: Int,
    _ blocks: UnsafeMutableRawPointer, count: Int
  ) -> EncodingFaults {
    let lattice = format.lattice
    var faults = EncodingFaults()
    var block = LatticeBlock()
    var choice = LatticeChoice()
    unsafe lattice.withKernelForm { form in
      for number in 0..<count {
        unsafe block.load(
          values + 256 * number, importance.map { unsafe $0 + 256 * (number % blocksPerRow) })
        unsafe search(lattice, form, block, &choice)
        if choice.overflows { faults.overflowed += 256 }
        let target = unsafe UnsafeMutableRawBufferPointer(
          start: blocks + number * format.type.bytesPerBlock, count: format.type.bytesPerBlock)
        unsafe target.initializeMemory(as: UInt8.self, repeating: 0)
        if choice.scale != 0 { unsafe format.pack(choice, block, target) }
        if !choice.overflows, let bytes = target.baseAddress {
          faults.lost += unsafe LostValues.count(
            values + 256 * number, bytes, as: format, part: lattice.valuesPerScale, isOfPoints: true
          )
        }
      }
    }
    return faults
  }

  private func search(
    _ lattice: Lattice, _ form: UnsafePointer<weightmill_lattice>, _ block: LatticeBlock,
    _ choice: inout LatticeChoice
  ) {
    guard let exponent = block.exponent else {
      choice = LatticeChoice()
      return
    }
    let scales = (
      to: Float(sign: .plus, exponent: exponent, significand: 1 / lattice.unit),
      from: Float(sign: .plus, exponent: -exponent, significand: lattice.unit)
    )
    guard let level = kernel.level else {
      var search = LatticeSearch(lattice, block, scales: scales)
      choice = search.run()
      return
    }
    let result = unsafe weightmill_lattice_search(
      form, block.magnitudes, block.weights, block.odd, scales.to, scales.from, Int32(level),
      &choice.multipliers, &choice.patterns)
    choice.scale = UInt16(truncatingIfNeeded: result)
    choice.overflows = result & UInt32(WEIGHTMILL_OVERFLOWS) != 0
  }
}

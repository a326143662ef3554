import CKernels
package import Tensors

/// Encodes the types whose values are signed points of a codebook.
package enum LatticeEncoder {
  /// The types.
  package static let types: [TensorType] = formats.map { $0.type }

  private static let formats: [any LatticeFormat.Type] = [
    IQ2_XXS.self, IQ2_XS.self, IQ2_S.self, IQ3_XXS.self, IQ3_S.self,
  ]

  /// Encodes whole rows of a type.
  ///
  /// - Parameters:
  ///   - type: One of `types`.
  ///   - values: Finite values.
  ///   - importance: For each column how much an error in it costs, or `nil`.
  ///   - bytes: Where to write; must have room for the blocks.
  ///   - kernel: Who searches.
  /// - Returns: What could not be kept.
  package static func encode(
    _ type: TensorType, _ values: [Float], importance: [Float]?, into bytes: inout [UInt8],
    kernel: LatticeKernel
  ) -> EncodingFaults {
    guard let format = formats.first(where: { $0.type == type }) else { return EncodingFaults() }
    precondition(values.count % 256 == 0 && values.count / 256 * type.bytesPerBlock <= bytes.count)
    precondition(importance.map { !$0.isEmpty && $0.count % 256 == 0 } ?? true)
    return unsafe values.withUnsafeBufferPointer { source in
      unsafe bytes.withUnsafeMutableBytes { target in
        guard let from = source.baseAddress, let to = target.baseAddress else {
          return EncodingFaults()
        }
        guard let importance else {
          return unsafe encode(format, from, nil, 1, to, blocks: source.count / 256, kernel)
        }
        return unsafe importance.withUnsafeBufferPointer { costs in
          unsafe encode(
            format, from, costs.baseAddress, costs.count / 256, to, blocks: source.count / 256,
            kernel)
        }
      }
    }
  }

  /// Encodes blocks.
  ///
  /// - Parameters:
  ///   - format: The type.
  ///   - values: `256 * count` values.
  ///   - importance: How much an error in each column costs, or `nil`.
  ///   - blocksPerRow: How many blocks a row has.
  ///   - blocks: Where to write.
  ///   - count: How many blocks there are.
  ///   - kernel: Who searches.
  /// - Returns: What could not be kept.
  static func encode(
    _ format: any LatticeFormat.Type, _ values: UnsafePointer<Float>,
    _ importance: UnsafePointer<Float>?, _ blocksPerRow: Int, _ blocks: UnsafeMutableRawPointer,
    blocks count: Int, _ kernel: LatticeKernel
  ) -> EncodingFaults {
    let lattice = format.lattice
    var faults = EncodingFaults()
    var block = LatticeBlock()
    var choice = LatticeChoice()
    unsafe lattice.withKernelForm { form in
      for number in 0..<count {
        unsafe block.load(
          values + 256 * number, importance.map { unsafe $0 + 256 * (number % blocksPerRow) })
        unsafe search(lattice, form, block, kernel, &choice)
        if choice.overflows { faults.overflowed += 256 }
        let target = unsafe UnsafeMutableRawBufferPointer(
          start: blocks + number * format.type.bytesPerBlock, count: format.type.bytesPerBlock)
        unsafe target.initializeMemory(as: UInt8.self, repeating: 0)
        if choice.scale != 0 { unsafe format.pack(choice, block, target) }
      }
    }
    return faults
  }

  private static func search(
    _ lattice: Lattice, _ form: UnsafePointer<weightmill_lattice>, _ block: LatticeBlock,
    _ kernel: LatticeKernel, _ choice: inout LatticeChoice
  ) {
    guard let exponent = block.exponent else {
      choice = LatticeChoice()
      return
    }
    let scales = (
      to: Float(sign: .plus, exponent: exponent, significand: 1 / lattice.unit),
      from: Float(sign: .plus, exponent: -exponent, significand: lattice.unit)
    )
    if kernel == .oracle {
      var search = LatticeSearch(lattice, block, scales: scales)
      choice = search.run()
      return
    }
    let result = unsafe weightmill_lattice_search(
      form, block.magnitudes, block.weights, block.odd, scales.to, scales.from, kernel.level,
      &choice.multipliers, &choice.patterns)
    choice.scale = UInt16(truncatingIfNeeded: result)
    choice.overflows = result & UInt32(WEIGHTMILL_OVERFLOWS) != 0
  }
}

import WeightmillTensors

/// Encodes the types whose values are points of a codebook, with signs or moved by delta.
struct LatticeEncoder: BlockEncoder {
  /// The type.
  let format: any LatticeFormat.Type
  /// For each column what an error in it costs; `nil`: all the same.
  let weights: [Float]?
  /// The code that searches.
  let search: any ScaleSearch

  func encode(
    _ values: UnsafePointer<Float>, _ blocks: UnsafeMutableRawPointer, count: Int
  ) -> EncodingFaults {
    guard let weights else {
      return unsafe encode(values, nil, blocksPerRow: 1, blocks, count: count)
    }
    return unsafe weights.withUnsafeBufferPointer { weights in
      unsafe encode(
        values, weights.baseAddress, blocksPerRow: max(1, weights.count / 256), blocks, count: count
      )
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
    for number in 0..<count {
      let source = unsafe values + 256 * number
      unsafe block.load(
        source, importance.map { unsafe $0 + 256 * (number % blocksPerRow) },
        keepsSigns: lattice.hasDelta)
      choose(lattice, block, &choice)
      if choice.overflows { faults.overflowed += 256 }
      let target = unsafe UnsafeMutableRawBufferPointer(
        start: blocks + number * format.type.bytesPerBlock, count: format.type.bytesPerBlock)
      unsafe target.initializeMemory(as: UInt8.self, repeating: 0)
      if choice.scale != 0 { unsafe format.pack(choice, block, target) }
    }
    return faults
  }

  private func choose(_ lattice: Lattice, _ block: LatticeBlock, _ choice: inout LatticeChoice) {
    guard let exponent = block.exponent else {
      choice = LatticeChoice()
      return
    }
    let scales = (
      to: Float(sign: .plus, exponent: exponent, significand: 1 / lattice.unit),
      from: Float(sign: .plus, exponent: -exponent, significand: lattice.unit)
    )
    search.searchPoints(lattice, block, scales: scales, &choice)
  }
}

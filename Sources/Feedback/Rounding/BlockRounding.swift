import CWeightmillKernels
import WeightmillQuantization
package import WeightmillTensors

/// Rounds rows of weights to blocks of a type, each column's error being made up for in those that follow.
package struct BlockRounding: Sendable {
  private let type: TensorType
  private let factor: MomentFactor
  private let form: Form
  /// What is left to lose in each column, as the searches take it.
  private let weights: [Float]
  /// For each group of 256 columns what an error in one of them leaves to the later ones: `[from][to]`.
  private let factors: [[Float]]

  /// How blocks of the type are made.
  private enum Form: Sendable {
    /// Steps first, then numbers one by one.
    case stepped(SteppedBlocks)
    /// Whole, by the encoder of each block's columns.
    case whole([RowEncoder], RowDecoder)
  }

  /// Prepares rounding.
  ///
  /// - Parameters:
  ///   - type: The type; rows are whole blocks of it.
  ///   - factor: What carries errors.
  ///   - location: The file to be written, for messages.
  /// - Throws: `unsupported` when the type cannot be written.
  package init(
    _ type: TensorType, _ factor: MomentFactor, location: String
  ) throws(WeightmillError) {
    self.type = type
    self.factor = factor
    let costs = factor.diagonal.map { $0 * $0 }
    weights = ColumnWeights.weights(costs, blockSize: type.valuesPerBlock)
    if let stepped = SteppedBlocks(type) {
      form = .stepped(stepped)
    } else {
      var encoders: [RowEncoder] = []
      for first in stride(from: 0, to: factor.size, by: type.valuesPerBlock) {
        encoders.append(
          try RowEncoder(
            type, guide: .importance(Array(weights[first..<first + type.valuesPerBlock])),
            columns: type.valuesPerBlock, location: location))
      }
      form = .whole(encoders, try RowDecoder(type, location: location))
    }
    factors = (0..<factor.blocks).map { block in
      let columns = factor.columns(ofBlock: block)
      let size = MomentFactor.block
      var factors = [Float](repeating: 0, count: size * size)
      for (from, j) in columns.enumerated() {
        for (to, k) in columns.enumerated() where k > j {
          factors[from * size + to] = factor.matrix[j, k] / factor.diagonal[k]
        }
      }
      return factors
    }
  }

  /// Rows that were rounded.
  package struct Rounded {
    /// Targets less what was written, like the targets.
    package private(set) var errors: PanelMatrix
    /// The blocks, row by row.
    package var bytes: [UInt8]
    /// Whether all values are within the type's range.
    package var isWithin = true

    /// Frees the memory of the errors.
    mutating func forgetErrors() { errors = PanelMatrix(rows: 0, columns: 0) }
  }

  /// Rounds rows.
  ///
  /// - Parameters:
  ///   - targets: What they should be: a column for each row.
  ///   - product: Buffers.
  /// - Returns: The blocks, and their errors.
  package func round(_ targets: PanelMatrix, _ product: inout PanelProduct) -> Rounded {
    let columns = targets.rows
    let rowBytes = columns / type.valuesPerBlock * type.bytesPerBlock
    var rounded = Rounded(
      errors: PanelMatrix(rows: columns, columns: targets.columns),
      bytes: [UInt8](repeating: 0, count: rowBytes * targets.columns))
    var scratch = Scratch(type)
    let values = PanelMatrix(rows: MomentFactor.block, columns: targets.columns)
    for block in 0..<factor.blocks {
      let group = factor.columns(ofBlock: block)
      product.multiply(
        LeftSide(
          matrix: factor.matrix, rows: group, depth: 0..<group.lowerBound, isTransposed: true),
        RightSide(rounded.errors), to: RightSide(values), adds: false)
      for panel in 0..<targets.panels {
        begin(panel, group, targets, values)
        for first in stride(from: 0, to: group.count, by: type.valuesPerBlock) {
          let place = Place(panel: panel, group: block, first: first, columns: group)
          round(place, targets, values, &rounded, &scratch, rowBytes: rowBytes)
        }
      }
    }
    return rounded
  }

  /// What earlier groups left to this one becomes what its values shall be.
  private func begin(
    _ panel: Int, _ group: Range<Int>, _ targets: PanelMatrix, _ values: PanelMatrix
  ) {
    let width = PanelMatrix.width
    let value = unsafe values.address(panel: panel)
    let target = unsafe targets.address(panel: panel, row: group.lowerBound)
    for (row, column) in group.enumerated() {
      let left = 1 / factor.diagonal[column]
      for lane in row * width..<(row + 1) * width {
        unsafe value[lane] = target[lane] + value[lane] * left
      }
    }
  }

  /// A block of 16 rows: the panel of rows, the group of columns and the first column within it.
  private struct Place {
    let panel: Int
    let group: Int
    let first: Int
    let columns: Range<Int>

    /// The first column of the block.
    var column: Int { columns.lowerBound + first }
  }

  /// One thread's buffers.
  private struct Scratch {
    var rows: [Float]
    var settled: [Float]
    var numbers: [UInt8]
    var bytes: [UInt8]
    var blocks = SteppedBlocks.Blocks()

    init(_ type: TensorType) {
      let width = PanelMatrix.width
      rows = [Float](repeating: 0, count: type.valuesPerBlock * width)
      settled = rows
      numbers = [UInt8](repeating: 0, count: type.valuesPerBlock * width)
      bytes = [UInt8](repeating: 0, count: type.bytesPerBlock * width)
    }
  }

  private func round(
    _ place: Place, _ targets: PanelMatrix, _ values: PanelMatrix, _ rounded: inout Rounded,
    _ scratch: inout Scratch, rowBytes: Int
  ) {
    let (size, width) = (type.valuesPerBlock, PanelMatrix.width)
    let lanes = min(width, targets.columns - place.panel * width)
    settle(place, targets, values, &scratch)
    for row in 0..<lanes {
      for column in 0..<size {
        scratch.rows[row * size + column] = scratch.settled[column * width + row]
      }
    }
    let first = place.panel * width * rowBytes + place.column / size * type.bytesPerBlock
    switch form {
    case .stepped(let stepped):
      if !fit(stepped, place, lanes: lanes, &scratch) { rounded.isWithin = false }
      carry(place, stepped, targets, values, rounded.errors, &scratch)
      unsafe rounded.bytes.withUnsafeMutableBytes { bytes in
        unsafe scratch.numbers.withUnsafeBufferPointer { numbers in
          guard let to = bytes.baseAddress, let from = numbers.baseAddress else { return }
          for row in 0..<lanes {
            unsafe stepped.pack(
              &scratch.blocks, row: row, numbers: from, to + (first + row * rowBytes))
          }
        }
      }
    case .whole(let encoders, let decoder):
      let encoder = encoders[place.column / size]
      if !encode(encoder, decoder, lanes: lanes, &scratch) { rounded.isWithin = false }
      for row in 0..<lanes {
        let block = scratch.bytes[row * type.bytesPerBlock..<(row + 1) * type.bytesPerBlock]
        let to = first + row * rowBytes
        rounded.bytes.replaceSubrange(to..<to + type.bytesPerBlock, with: block)
      }
      let error = unsafe rounded.errors.address(panel: place.panel, row: place.column)
      let target = unsafe targets.address(panel: place.panel, row: place.column)
      for row in 0..<lanes {
        for column in 0..<size {
          let index = column * width + row
          unsafe error[index] = target[index] - scratch.rows[row * size + column]
        }
      }
      carry(place, nil, targets, values, rounded.errors, &scratch)
    }
  }

  /// Finds the steps of a block.
  private func fit(
    _ stepped: SteppedBlocks, _ place: Place, lanes: Int, _ scratch: inout Scratch
  ) -> Bool {
    unsafe scratch.rows.withUnsafeBufferPointer { rows in
      unsafe weights.withUnsafeBufferPointer { weights in
        guard let from = rows.baseAddress, let costs = weights.baseAddress else { return true }
        return unsafe stepped.fit(
          from, rows: lanes, weights: costs + place.column, search: .best, into: &scratch.blocks)
      }
    }
  }

  /// Encodes a block of each row as a whole; the rows become what is stored.
  private func encode(
    _ encoder: RowEncoder, _ decoder: RowDecoder, lanes: Int, _ scratch: inout Scratch
  ) -> Bool {
    let rows = Array(scratch.rows[..<(lanes * type.valuesPerBlock)])
    let faults = encoder.encode(rows, into: &scratch.bytes)
    decoder.decode(scratch.bytes, into: &scratch.rows)
    return faults.overflowed == 0
  }

  /// What a block's values come to if nothing of it is rounded.
  private func settle(
    _ place: Place, _ targets: PanelMatrix, _ values: PanelMatrix, _ scratch: inout Scratch
  ) {
    let size = MomentFactor.block
    unsafe scratch.settled.withUnsafeMutableBufferPointer { settled in
      guard let to = settled.baseAddress else { return }
      unsafe to.update(
        from: values.address(panel: place.panel, row: place.first),
        count: type.valuesPerBlock * PanelMatrix.width)
      unsafe factors[place.group].withUnsafeBufferPointer { factors in
        guard let factors = factors.baseAddress else { return }
        var block = unsafe weightmill_carrying()
        unsafe block.width = type.valuesPerBlock
        unsafe block.targets = UnsafePointer(
          targets.address(panel: place.panel, row: place.column))
        unsafe block.values = to
        unsafe block.factors = factors + (place.first * size + place.first)
        unsafe block.stride = size
        unsafe EncoderKernel.best.settle(&block)
      }
    }
  }

  /// Chooses the numbers of a block, or carries on the errors of one that is written.
  private func carry(
    _ place: Place, _ stepped: SteppedBlocks?, _ targets: PanelMatrix, _ values: PanelMatrix,
    _ errors: PanelMatrix, _ scratch: inout Scratch
  ) {
    let part = stepped?.valuesPerPart ?? type.valuesPerBlock
    let size = MomentFactor.block
    unsafe factors[place.group].withUnsafeBufferPointer { factors in
      unsafe scratch.numbers.withUnsafeMutableBufferPointer { numbers in
        unsafe scratch.blocks.steps.withUnsafeBufferPointer { steps in
          unsafe scratch.blocks.offsets.withUnsafeBufferPointer { offsets in
            guard let factors = factors.baseAddress else { return }
            var block = unsafe weightmill_carrying(
              width: type.valuesPerBlock, end: place.columns.count - place.first, part: part,
              low: stepped?.numbers.lowerBound ?? 0, high: stepped?.numbers.upperBound ?? 0,
              uneven: stepped?.isUneven == true ? 1 : 0, steps: steps.baseAddress,
              offsets: offsets.baseAddress,
              targets: targets.address(panel: place.panel, row: place.column),
              values: values.address(panel: place.panel, row: place.first),
              errors: errors.address(panel: place.panel, row: place.column),
              factors: factors + (place.first * size + place.first), stride: size,
              numbers: numbers.baseAddress)
            if stepped == nil {
              unsafe EncoderKernel.best.carryOn(&block)
            } else {
              unsafe EncoderKernel.best.carry(&block)
            }
          }
        }
      }
    }
  }
}

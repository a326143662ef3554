import WeightmillTensors

/// A matrix whose codes are stored row by row, in the order of the matrix, with scales for blocks of
/// rows and columns.
struct RowScaledMatrix: QuantizedMatrix {
  /// The form of a code.
  enum Code: Sendable {
    /// An eight-bit floating-point number of this type.
    case float(TensorType)
    /// An integer of eight bits, signed.
    case integer
    /// So many bits in words of 32, with half of their range added.
    case packed(bits: Int)
  }

  /// The form of zero points, which are subtracted from codes.
  enum ZeroPoints: Sendable {
    /// One byte each, signed, in a tensor of the scales' shape.
    case integers(Int)
    /// Packed as the codes are, but along the rows: the zero points of 32 / bits rows in a word.
    case packed(Int)
  }

  let tensor: TensorDescriptor
  let codes: Int
  let parts: [Int]
  let code: Code
  let scales: Int
  let zeros: ZeroPoints?
  /// The rows that share a scale.
  let blockRows: Int
  let groups: ColumnGroups
  /// The scales of a row.
  let groupCount: Int

  func decode(
    _ rows: Range<Int>, of catalogue: any Catalogue, into bytes: inout MutableRawSpan,
    at offset: Int
  ) throws(WeightmillError) {
    guard !rows.isEmpty else { return }
    let blocks = rows.lowerBound / blockRows..<(rows.upperBound - 1) / blockRows + 1
    let scales = try readScales(blocks, of: catalogue)
    let zeros = try readZeros(blocks, of: catalogue)
    let stored = catalogue.tensors[codes]
    let read = try catalogue.bytes(rows: rows, ofTensor: codes)
    var values = [Float](repeating: 0, count: tensor.shape.columns)
    for row in rows {
      unpack(read, at: (row - rows.lowerBound) * stored.bytesPerRow, into: &values)
      groups.scale(
        &values, by: scales, minus: zeros,
        from: (row / blockRows - blocks.lowerBound) * groupCount)
      ScalarRows.store(
        values, as: tensor.type, into: &bytes,
        at: offset + (row - rows.lowerBound) * tensor.bytesPerRow)
    }
  }

  /// The codes of a row as numbers.
  private func unpack(_ bytes: [UInt8], at start: Int, into values: inout [Float]) {
    switch code {
    case .float(let type):
      values = ScalarRows.values(Array(bytes[start..<start + values.count]), as: type)
    case .integer:
      for column in values.indices {
        values[column] = Float(Int8(bitPattern: bytes[start + column]))
      }
    case .packed(let bits):
      let half = Float(1 << (bits - 1))
      for column in values.indices {
        // Fields of 2, 4 and 8 bits do not go over from one byte to the next.
        let position = column * bits
        let field = bytes[start + position / 8] >> UInt8(position % 8) & UInt8(1 << bits - 1)
        values[column] = Float(field) - half
      }
    }
  }

  /// The scales of some blocks of rows. A scale for each row may be stored as a vector.
  private func readScales(
    _ blocks: Range<Int>, of catalogue: any Catalogue
  ) throws(WeightmillError) -> [Float] {
    if catalogue.tensors[scales].shape.extents.count < 2 {
      return Array(try catalogue.scales(rows: 0..<1, ofTensor: scales)[blocks])
    }
    return try catalogue.scales(rows: blocks, ofTensor: scales)
  }

  private func readZeros(
    _ blocks: Range<Int>, of catalogue: any Catalogue
  ) throws(WeightmillError) -> [Float] {
    switch zeros {
    case nil: return []
    case .integers(let index):
      let isVector = catalogue.tensors[index].shape.extents.count < 2
      let bytes = try catalogue.bytes(rows: isVector ? 0..<1 : blocks, ofTensor: index)
      let values = bytes.map { Float(Int8(bitPattern: $0)) }
      return isVector ? Array(values[blocks]) : values
    case .packed(let index):
      guard case .packed(let bits) = code else { return [] }
      let perWord = 32 / bits
      let first = blocks.lowerBound / perWord
      let words = try catalogue.words(
        rows: first..<(blocks.upperBound - 1) / perWord + 1, ofTensor: index)
      let half = Float(1 << (bits - 1))
      return blocks.flatMap { row in
        (0..<groupCount).map { group in
          let word = words[(row / perWord - first) * groupCount + group]
          let field = word >> UInt32(row % perWord * bits) & (UInt32(1) << UInt32(bits) - 1)
          return Float(Int32(bitPattern: field)) - half
        }
      }
    }
  }
}

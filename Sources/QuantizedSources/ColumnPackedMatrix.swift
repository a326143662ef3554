import WeightmillTensors

/// A matrix of GPTQ's or AWQ's, which is stored transposed: a row of the matrix is a column of the
/// stored codes, or of an eighth of it, and has its scales and zero points in columns, too.
///
/// A stored row holds a code of every row of the matrix, so all of the tensor passes by for a few
/// rows of the matrix. It is read in panels (`PanelCache`): as many of its columns as fit in
/// one are collected in one pass, and kept for the rows that are asked for next.
struct ColumnPackedMatrix: QuantizedMatrix {
  /// The direction in which codes lie side by side in a word.
  enum Packing: Sendable {
    /// Along the inputs: a word holds codes of one output (GPTQ). Codes may go over to the next word.
    case inputs
    /// Along the outputs: a word holds the codes of one input for eight outputs (AWQ), which have
    /// these places in it.
    case outputs(places: [Int])

    /// The number of outputs in a column of words.
    var outputs: Int {
      switch self {
      case .inputs: 1
      case .outputs(let places): places.count
      }
    }
  }

  /// What is done to stored zero points.
  enum ZeroPoints: Sendable {
    /// They are stored as they are.
    case whole
    /// One less is stored. One is added to each field of a word at once, as GPTQModel does on
    /// loading: from a field that has all bits set, one is carried to the next, which undoes the
    /// borrowing of files that were saved in that way. Fields of three bits are added to one by one.
    case lessOne
  }

  /// About how many bytes of a tensor are read at a time.
  private static let bandBytes = 1 << 20
  /// The rows of a panel are a multiple of this, so that its zero points begin with a whole word.
  private static let rowStep = 32

  let tensor: TensorDescriptor
  let codes: Int
  let parts: [Int]
  let packing: Packing
  let bits: Int
  let scales: Int
  let zeros: Int
  let zeroPoints: ZeroPoints
  let groups: ColumnGroups
  let panels: PanelCache

  func decode(
    _ rows: Range<Int>, of catalogue: any Catalogue, into bytes: inout MutableRawSpan,
    at offset: Int
  ) throws(WeightmillError) {
    let height = panelRows(of: catalogue)
    var values = [Float](repeating: 0, count: tensor.shape.columns)
    var row = rows.lowerBound
    while row < rows.upperBound {
      let number = row / height
      let panel = try panels.panel(number, of: codes) { () throws(WeightmillError) in
        let first = number * height
        return try read(first..<min(first + height, tensor.shape.rows), of: catalogue)
      }
      for row in row..<min(panel.rows.upperBound, rows.upperBound) {
        unpack(row, of: panel, into: &values)
        groups.scale(
          &values, by: panel.scales, minus: panel.zeros,
          from: (row - panel.rows.lowerBound) * panel.groupCount)
        ScalarRows.store(
          values, as: tensor.type, into: &bytes,
          at: offset + (row - rows.lowerBound) * tensor.bytesPerRow)
      }
      row = panel.rows.upperBound
    }
  }

  /// How many rows of the matrix a panel has: their codes, scales and zero points fit in it.
  private func panelRows(of catalogue: any Catalogue) -> Int {
    let codeBytes = 4 * catalogue.tensors[codes].shape.rows / packing.outputs
    let bytes = codeBytes + 8 * catalogue.tensors[scales].shape.rows
    return max(panels.panelBytes / max(bytes, 1) / Self.rowStep, 1) * Self.rowStep
  }

  /// Unpacks the codes of a row.
  private func unpack(_ row: Int, of panel: ColumnPanel, into values: inout [Float]) {
    switch packing {
    case .inputs:
      PackedFields.unpack(
        panel.words, from: (row - panel.rows.lowerBound) * panel.wordCount, bits: bits,
        into: &values)
    case .outputs(let places):
      let local = row - panel.rows.lowerBound
      let first = local / places.count * panel.wordCount
      let shift = UInt32(places[local % places.count] * bits)
      let mask = UInt32(1) << UInt32(bits) - 1
      for column in values.indices {
        values[column] = Float(Int32(bitPattern: panel.words[first + column] >> shift & mask))
      }
    }
  }

  // MARK: Reading a panel

  private func read(
    _ rows: Range<Int>, of catalogue: any Catalogue
  ) throws(WeightmillError) -> ColumnPanel {
    let perWord = packing.outputs
    let columns = rows.lowerBound / perWord..<(rows.upperBound + perWord - 1) / perWord
    let (height, groupCount) = (
      catalogue.tensors[codes].shape.rows, catalogue.tensors[scales].shape.rows
    )
    var panel = ColumnPanel(rows: rows, wordCount: height, groupCount: groupCount)
    panel.words = [UInt32](repeating: 0, count: columns.count * height)
    for band in bands(codes, of: catalogue) {
      let words = try catalogue.words(rows: band, ofTensor: codes)
      Self.transpose(words, columns, of: band, into: &panel.words, height: height)
    }
    panel.scales = [Float](repeating: 0, count: rows.count * groupCount)
    for band in bands(scales, of: catalogue) {
      let values = try catalogue.scales(rows: band, ofTensor: scales)
      Self.transpose(values, rows, of: band, into: &panel.scales, height: groupCount)
    }
    panel.zeros = [Float](repeating: 0, count: rows.count * groupCount)
    for band in bands(zeros, of: catalogue) {
      try readZeros(band, of: catalogue, into: &panel)
    }
    return panel
  }

  /// Ranges of a tensor's rows that are read at once.
  private func bands(_ index: Int, of catalogue: any Catalogue) -> [Range<Int>] {
    let tensor = catalogue.tensors[index]
    return (0..<tensor.shape.rows).rowRanges(
      columns: tensor.bytesPerRow, values: Self.bandBytes)
  }

  /// Copies some columns of a band of rows to where they are rows.
  private static func transpose<Number: BitwiseCopyable>(
    _ numbers: [Number], _ columns: Range<Int>, of band: Range<Int>, into target: inout [Number],
    height: Int
  ) {
    guard !band.isEmpty else { return }
    let width = numbers.count / band.count
    for column in columns {
      let first = (column - columns.lowerBound) * height
      for row in band {
        target[first + row] = numbers[(row - band.lowerBound) * width + column]
      }
    }
  }

  private func readZeros(
    _ band: Range<Int>, of catalogue: any Catalogue, into panel: inout ColumnPanel
  ) throws(WeightmillError) {
    let stored = try catalogue.words(rows: band, ofTensor: zeros)
    let width = stored.count / max(band.count, 1)
    let words = zeroPoints == .lessOne && bits != 3 ? stored.map { $0 &+ ones } : stored
    var fields = [Float](repeating: 0, count: panel.rows.count)
    let first = panel.rows.lowerBound * bits / 32
    for group in band {
      PackedFields.unpack(
        words, from: (group - band.lowerBound) * width + first, bits: bits, into: &fields)
      for row in fields.indices {
        var field = fields[place(of: row)]
        if zeroPoints == .lessOne, bits == 3 { field = field == 7 ? 0 : field + 1 }
        panel.zeros[row * panel.groupCount + group] = field
      }
    }
  }

  /// A one in each field of a word.
  private var ones: UInt32 { UInt32.max / (UInt32(1) << UInt32(bits) - 1) }

  /// The place of a row's zero point among those of its panel.
  private func place(of row: Int) -> Int {
    guard case .outputs(let places) = packing else { return row }
    return row / places.count * places.count + places[row % places.count]
  }
}

extension StoredModules {
  /// The scales and zero points beside the codes of a module that GPTQ or AWQ packed.
  ///
  /// - Parameters:
  ///   - module: The module's name.
  ///   - codes: The index of its `qweight`.
  /// - Returns: Their indices.
  /// - Throws: `mismatch` when one is missing, `unsupported` for other types than are read.
  func scalesAndZeros(
    _ module: String, _ codes: Int
  ) throws(WeightmillError) -> (scales: Int, zeros: Int) {
    let (scales, zeros) = (try required(module, "scales"), try required(module, "qzeros"))
    try check(codes, types: [.i32])
    try check(zeros, types: [.i32])
    try check(scales, types: ScalarRows.encodable)
    return (scales, zeros)
  }

  /// The number of groups, for which there must be as many rows of scales and of zero points.
  ///
  /// - Parameters:
  ///   - scales: The index of the scales.
  ///   - zeros: The index of the zero points.
  ///   - inputs: How many inputs the matrix has.
  ///   - width: The inputs of a group.
  ///   - outputs: How many outputs the matrix has.
  ///   - zeroWords: The words that hold a group's zero points.
  /// - Returns: The number.
  /// - Throws: `mismatch` when scales or zero points have another shape.
  func groupCount(
    _ scales: Int, _ zeros: Int, inputs: Int, width: Int, outputs: Int, zeroWords: Int
  ) throws(WeightmillError) -> Int {
    let count = ColumnGroups.count(columns: inputs, width: width)
    let reason = "\(inputs) inputs in groups of \(width) and \(outputs) outputs need"
    try check(scales, is: [count, outputs], reason)
    try check(zeros, is: [count, zeroWords], reason)
    return count
  }
}

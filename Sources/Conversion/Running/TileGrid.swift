import WeightmillTensors

/// A range of rows of one tensor that is read, converted and written at once.
struct ConversionTile {
  /// The tensor's index in the plan's items.
  let item: Int
  /// The rows.
  let rows: Range<Int>
  /// The offset of the rows in the tensor's bytes.
  let offset: Int
  /// The offset of the rows in the file, in bytes.
  let position: Int
}

/// The cutting of tensors into tiles, for as many threads as memory allows.
///
/// Neither changes a byte of the output.
struct TileGrid {
  /// About how many values a tile holds at most: they fit the second cache as what they are read as,
  /// and larger ones are not faster.
  private static let maximumValues = 1 << 18

  /// The threads.
  let workers: Workers
  /// About how many values a tile holds.
  private let values: Int
  private let items: [ConversionPlan.Item]

  /// Cuts a plan's tensors.
  ///
  /// - Parameters:
  ///   - plan: The plan.
  ///   - workers: The threads that are wanted; fewer are used if memory is short.
  ///   - memory: How many bytes of buffers all threads may have together.
  ///   - path: The output, for messages.
  /// - Throws: `usage` when memory is too small for one row of one thread.
  init(
    _ plan: ConversionPlan, workers: Workers, memory: Int, path: String
  ) throws(WeightmillError) {
    items = plan.items
    // The rows of a tensor without values may be of any length: they are never read.
    let read = plan.items.filter { !$0.tensor.shape.isEmpty }
    // Read, added to, decoded in strips, encoded.
    let perValue = read.reduce(1) { most, item in
      let columns = item.tensor.shape.columns
      let bytes = plan.source.tensors[item.index].bytesPerRow * 2 + item.tensor.bytesPerRow
      return max(most, (bytes + columns - 1) / columns)
    }
    let least = read.reduce(1) { max($0, $1.rowGroup * $1.tensor.shape.columns) }
    let (needed, overflow) = least.multipliedReportingOverflow(by: perValue)
    let threads = overflow ? 0 : min(workers.threads, memory / needed)
    guard threads > 0 else {
      throw WeightmillError(
        .usage, path, "\(memory) bytes of buffers are too few for the longest rows",
        remedy: "give --memory \((overflow ? Int.max : needed) >> 18 + 1)MiB or more")
    }
    self.workers = Workers(threads: threads)
    values = min(Self.maximumValues, memory / threads / perValue)
  }

  /// The tiles of a file, in the order in which the input's files are read from beginning to end.
  func tiles(
    _ file: OutputLayout.File, of plan: ConversionPlan, without finished: Set<Int>
  ) -> [ConversionTile] {
    let tensors = file.tensors.filter { item, _ in
      !items[item].tensor.shape.isEmpty && !finished.contains(item)
    }
    let inOrder = tensors.map { (plan.source.readingOrdinal(ofTensor: items[$0.item].index), $0) }
      .sorted { $0.0 < $1.0 }
    return inOrder.flatMap { _, tensor in tiles(tensor.item, at: tensor.position) }
  }

  /// Cuts a tensor into ranges of rows; a small one is one tile, one without values none.
  func tiles(_ index: Int, at position: Int) -> [ConversionTile] {
    let item = items[index]
    guard !item.tensor.shape.isEmpty else { return [] }
    let shape = item.tensor.shape
    let ranges = (0..<shape.rows)
      .rowRanges(columns: shape.columns, values: values, group: item.rowGroup)
    return ranges.map { rows in
      let offset = rows.lowerBound * item.tensor.bytesPerRow
      return ConversionTile(item: index, rows: rows, offset: offset, position: position + offset)
    }
  }
}

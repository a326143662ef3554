import Tensors

/// Where the rows of a strided view lie in its storage, in as few runs as possible.
struct StridedRows {
  /// Values at `start`, `start + stride`, …; counted in values.
  struct Run: Equatable {
    let start: Int
    let count: Int
    let stride: Int
  }

  private let offset: Int
  private let columns: Int
  private let outerExtents: [Int]
  private let outerStrides: [Int]
  private let columnStride: Int

  init(_ view: PickleTensor) {
    offset = view.offset
    columns = view.shape.columns
    outerExtents = view.shape.extents.dropLast()
    outerStrides = view.strides.dropLast()
    // A single value has no neighbours, whatever its stride says.
    columnStride = columns <= 1 ? 1 : view.strides.last ?? 1
  }

  /// Whether rows that come later lie later in the storage.
  var isAscending: Bool {
    var reach = max(columns - 1, 0) * columnStride
    for (extent, stride) in zip(outerExtents, outerStrides).reversed() where extent > 1 {
      guard stride > reach else { return false }
      reach += (extent - 1) * stride  // within the storage, which was checked
    }
    return true
  }

  /// The runs of some rows, in order; neighbours that touch are one run.
  func runs(_ rows: Range<Int>) -> [Run] {
    guard columns > 0 else { return [] }
    var runs: [Run] = []
    for row in rows {
      let start = start(ofRow: row)
      if columnStride == 1, let last = runs.last, last.start + last.count == start {
        runs[runs.count - 1] = Run(start: last.start, count: last.count + columns, stride: 1)
      } else {
        runs.append(Run(start: start, count: columns, stride: columnStride))
      }
    }
    return runs
  }

  private func start(ofRow row: Int) -> Int {
    var rest = row
    var start = offset
    for (extent, stride) in zip(outerExtents, outerStrides).reversed() {
      start += rest % extent * stride
      rest /= extent
    }
    return start
  }
}

/// A matrix whose rows' neighbours lie side by side: `w.T` of a contiguous one.
struct TransposedRows {
  private let offset: Int
  private let columnStride: Int

  /// Returns `nil` for every other view.
  init?(_ view: PickleTensor) {
    guard view.strides.count == 2, view.strides[0] == 1, view.strides[1] > 1,
      view.shape.columns > 1, view.shape.rows > 1
    else { return nil }
    offset = view.offset
    columnStride = view.strides[1]
  }

  /// Where the column's value of row 0 lies; that of row *r* is *r* values on.
  func start(ofColumn column: Int) -> Int { offset + column * columnStride }
}

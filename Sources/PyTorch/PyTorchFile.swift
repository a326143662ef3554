public import WeightmillTensors

/// A checkpoint written by `torch.save`: a zip file, or stacked pickles before PyTorch 1.6.
///
/// The pickle inside is run by an interpreter that can only describe tensors; the tensors' bytes
/// are read in place, row by row, whatever their strides.
public final class PyTorchFile: FileCatalogue {
  /// The largest compressed storage of which columns are read, in bytes: each tile of rows inflates
  /// it anew.
  private static let largestInflated = 64 << 20
  /// Storages up to this size are compared with their checksum at once, in bytes.
  private static let largestChecked = 32 << 10

  /// The path.
  public let location: String
  /// The tensors, in the order of the dictionary.
  public let tensors: [TensorDescriptor]
  /// Notes for the user on what of the file was left out.
  public let notes: [String]
  private let file: InputFile
  private let views: [PickleTensor]
  private let storages: [String: StoredBytes]
  private let isBigEndian: Bool

  /// Opens a file and checks everything but the tensors' values.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - selection: Which tensors are wanted.
  /// - Throws: `noInput`; `malformed`; `refused` for what only hostile files hold; `unsupported`.
  public convenience init(
    path: String, selection: TensorSelection = .model
  ) throws(WeightmillError) {
    try self.init(file: InputFile(path), selection: selection)
  }

  /// Whether a file begins like one of PyTorch before 1.6.
  ///
  /// - Parameter head: The file's first bytes, 32 or more if it has them.
  /// - Returns: Whether a pickle of torch's magic number comes first.
  package static func isLegacy(_ head: [UInt8]) -> Bool {
    LegacyArchive.beginning(of: head) != nil
  }

  private init(
    file: consuming InputFile, selection: TensorSelection
  ) throws(WeightmillError) {
    let outcome: PickleInterpreter.Outcome
    if let archive = try LegacyArchive(file) {
      (outcome, storages, isBigEndian) = (archive.outcome, archive.storages, false)
    } else {
      let archive = try TorchArchive(file)
      outcome = try archive.runPickle(file)
      (storages, isBigEndian) = (
        try archive.storages(outcome.storages, path: file.path), archive.isBigEndian
      )
    }
    let dictionary = try StateDictionary(outcome, selection: selection, file: file.path)
    for key in Set(dictionary.tensors.map(\.tensor.storage.key)).sorted() {
      try storages[key]?.checkSmall(upTo: Self.largestChecked, in: file)
    }
    notes = dictionary.notes
    location = file.path
    views = dictionary.tensors.map(\.tensor)
    tensors = dictionary.tensors.map { name, tensor in
      TensorDescriptor(name: name, type: tensor.type, shape: tensor.shape)
    }
    self.file = file
  }

  /// Shows all bytes of the file that are read from now on.
  package func show(to watcher: (any ReadWatcher)?) { file.show(to: watcher) }

  /// Reads rows, gathering them where the strides ask for it.
  public func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let view = views[index]
    // The strides of a view without values were not checked against its storage.
    guard !view.shape.isEmpty else { return }
    let size = view.type.bytesPerBlock
    if let transposed = TransposedRows(view) {
      try readTransposed(transposed, rows, ofTensor: index, into: &bytes, at: offset)
    } else {
      let strided = StridedRows(view)
      guard strided.isAscending || storages[view.storage.key]?.isDeflated != true else {
        throw compressed(index)
      }
      try readRuns(strided.runs(rows), ofTensor: index, into: &bytes, at: offset)
    }
    if isBigEndian, size > 1 {
      let end = offset + rows.count * view.shape.columns * size
      // A complex number is two numbers.
      Self.swapBytes(&bytes, from: offset, to: end, size: view.type == .c64 ? size / 2 : size)
    }
  }

  private func readRuns(
    _ runs: [StridedRows.Run], ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let size = views[index].type.bytesPerBlock
    var position = offset
    for run in runs {
      switch run.stride {
      case 1:
        try readStorage(
          index, at: run.start * size, count: run.count * size, into: &bytes, at: position)
      default:
        try gather(run, ofTensor: index, into: &bytes, at: position)
      }
      position += run.count * size
    }
  }

  /// Reads rows of a transposed matrix: a column of the rows lies side by side, and is read at once.
  private func readTransposed(
    _ transposed: TransposedRows, _ rows: Range<Int>, ofTensor index: Int,
    into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let size = views[index].type.bytesPerBlock
    let columns = views[index].shape.columns
    guard !rows.isEmpty else { return }
    if let storage = storages[views[index].storage.key], storage.isDeflated,
      storage.byteCount > Self.largestInflated
    {
      throw compressed(index)
    }
    var column = [UInt8](repeating: 0, count: rows.count * size)
    for columnIndex in 0..<columns {
      let start = (transposed.start(ofColumn: columnIndex) + rows.lowerBound) * size
      let count = column.count
      try column.withMutableBytes { (span) throws(WeightmillError) in
        // Too many small ranges to keep for a checksum.
        try readUnchecked(index, at: start, count: count, into: &span, at: 0)
      }
      for row in 0..<rows.count {
        bytes.copy(
          column, from: row * size, count: size, to: offset + (row * columns + columnIndex) * size)
      }
    }
  }

  /// Each step backwards would inflate a storage from its beginning.
  private func compressed(_ index: Int) -> WeightmillError {
    WeightmillError(
      .unsupported, location, "holds a transposed tensor in a compressed entry",
      at: "tensor \(quoted(tensors[index].name))", remedy: "load and save it again with PyTorch")
  }

  /// Reads values that do not lie side by side, through a window of the storage.
  private func gather(
    _ run: StridedRows.Run, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let size = views[index].type.bytesPerBlock
    let window = max(1, min(run.count, (1 << 16) / max(run.stride * size, 1)))
    var done = 0
    while done < run.count {
      let count = min(window, run.count - done)
      let reach = (count - 1) * run.stride + 1
      var scratch = [UInt8](repeating: 0, count: reach * size)
      let start = (run.start + done * run.stride) * size
      try scratch.withMutableBytes { (span) throws(WeightmillError) in
        try readStorage(index, at: start, count: reach * size, into: &span, at: 0)
      }
      for element in 0..<count {
        bytes.copy(
          scratch, from: element * run.stride * size, count: size,
          to: offset + (done + element) * size)
      }
      done += count
    }
  }

  /// Reads bytes of a storage, and takes them into its checksum.
  private func readStorage(
    _ index: Int, at position: Int, count: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let storage = views[index].storage
    try storages[storage.key]?.read(
      at: storage.view.lowerBound + position, count: count, from: file, into: &bytes, at: offset)
  }

  private func readUnchecked(
    _ index: Int, at position: Int, count: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let storage = views[index].storage
    try storages[storage.key]?.readUnchecked(
      at: storage.view.lowerBound + position, count: count, from: file, into: &bytes, at: offset)
  }

  private static func swapBytes(
    _ bytes: inout MutableRawSpan, from start: Int, to end: Int, size: Int
  ) {
    unsafe bytes.withUnsafeMutableBytes { buffer in
      for value in stride(from: start, to: end, by: size) {
        for index in 0..<size / 2 { unsafe buffer.swapAt(value + index, value + size - 1 - index) }
      }
    }
  }
}

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

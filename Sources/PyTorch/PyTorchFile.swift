public import Tensors

/// A checkpoint written by `torch.save` as a zip file (PyTorch 1.6 and later).
///
/// The pickle inside is run by an interpreter that can only describe tensors; the tensors' bytes
/// are read in place, row by row, whatever their strides.
public final class PyTorchFile: Catalogue {
  /// The largest compressed storage of which columns are read, in bytes: each tile of rows inflates
  /// it anew.
  private static let largestInflated = 64 << 20

  public let location: String
  public let tensors: [TensorDescriptor]
  /// What of the file was left out.
  public let notes: [String]
  private let file: InputFile
  private let views: [PickleTensor]
  private let entries: [ZipArchive.Entry]
  private let inflaters: [String: InflatedEntry]
  private let checksums: [String: StorageChecksum]
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

  private init(
    file: consuming InputFile, selection: TensorSelection
  ) throws(WeightmillError) {
    let archive = try TorchArchive(file)
    let program = ByteCursor(
      try archive.read(archive.pickle, from: file), file: "\(file.path), \(archive.pickle.name)")
    let (arena, root) = try PickleInterpreter.run(program)
    let dictionary = try StateDictionary(
      arena: arena, root: root, selection: selection, file: file.path)
    let named = dictionary.tensors
    self.notes = dictionary.notes
    var entries: [ZipArchive.Entry] = []
    var inflaters: [String: InflatedEntry] = [:]
    var checksums: [String: StorageChecksum] = [:]
    var storages: [String: PickleStorage] = [:]
    for (name, tensor) in named {
      let entry = try archive.entry(of: tensor.storage, path: file.path)
      guard
        storages.updateValue(tensor.storage, forKey: entry.name) ?? tensor.storage
          == tensor.storage
      else {
        throw WeightmillError(
          .refused, file.path, "two tensors see different storages in the same bytes",
          at: "tensor \(quoted(name))")
      }
      if entry.method == .deflated, inflaters[entry.name] == nil {
        inflaters[entry.name] = InflatedEntry(entry)
      }
      if checksums[entry.name] == nil { checksums[entry.name] = StorageChecksum(entry) }
      entries.append(entry)
    }
    self.location = file.path
    self.file = file
    self.views = named.map(\.tensor)
    self.tensors = named.map { name, tensor in
      TensorDescriptor(name: name, type: tensor.storage.type, shape: tensor.shape)
    }
    self.entries = entries
    self.inflaters = inflaters
    self.checksums = checksums
    self.isBigEndian = archive.isBigEndian
  }

  public func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let view = views[index]
    let size = view.storage.type.bytesPerBlock
    if let transposed = TransposedRows(view) {
      try readTransposed(transposed, rows, ofTensor: index, into: &bytes, at: offset)
    } else {
      try readRuns(StridedRows(view).runs(rows), ofTensor: index, into: &bytes, at: offset)
    }
    if isBigEndian, size > 1 {
      let end = offset + rows.count * view.shape.columns * size
      Self.swapBytes(&bytes, from: offset, to: end, size: size)
    }
  }

  private func readRuns(
    _ runs: [StridedRows.Run], ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let size = views[index].storage.type.bytesPerBlock
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
    let size = views[index].storage.type.bytesPerBlock
    let columns = views[index].shape.columns
    guard !rows.isEmpty else { return }
    guard inflaters[entries[index].name] == nil || entries[index].size <= Self.largestInflated
    else {
      throw WeightmillError(
        .unsupported, location, "holds a transposed tensor in a compressed entry",
        at: "tensor \(quoted(tensors[index].name))", remedy: "load and save it again with PyTorch")
    }
    var column = [UInt8](repeating: 0, count: rows.count * size)
    for place in 0..<columns {
      let start = (transposed.start(ofColumn: place) + rows.lowerBound) * size
      let count = column.count
      try column.withMutableBytes { (span) throws(WeightmillError) in
        // Too many small ranges to keep for a checksum.
        try readUnchecked(index, at: start, count: count, into: &span, at: 0)
      }
      for row in 0..<rows.count {
        bytes.copy(
          column, from: row * size, count: size, to: offset + (row * columns + place) * size)
      }
    }
  }

  /// Reads values that do not lie side by side, through a window of the storage.
  private func gather(
    _ run: StridedRows.Run, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let size = views[index].storage.type.bytesPerBlock
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
      for place in 0..<count {
        bytes.copy(
          scratch, from: place * run.stride * size, count: size,
          to: offset + (done + place) * size)
      }
      done += count
    }
  }

  /// Reads bytes of a storage, and takes them into its checksum.
  private func readStorage(
    _ index: Int, at position: Int, count: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    try readUnchecked(index, at: position, count: count, into: &bytes, at: offset)
    try checksums[entries[index].name]?.add(
      position, bytes, from: offset, count: count, path: location)
  }

  private func readUnchecked(
    _ index: Int, at position: Int, count: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let entry = entries[index]
    if let inflater = inflaters[entry.name] {
      try inflater.read(at: position, count: count, from: file, into: &bytes, at: offset)
    } else {
      try file.read(at: entry.dataOffset + position, count: count, into: &bytes, at: offset)
    }
  }

  private static func swapBytes(
    _ bytes: inout MutableRawSpan, from start: Int, to end: Int, size: Int
  ) {
    unsafe bytes.withUnsafeMutableBytes { buffer in
      for value in stride(from: start, to: end, by: size) {
        for place in 0..<size / 2 { unsafe buffer.swapAt(value + place, value + size - 1 - place) }
      }
    }
  }
}

import SystemPackage
import WeightmillGGUF
package import WeightmillOutput
package import WeightmillTensors

/// Changes of a file's metadata that are to be made: in place, or in a new file.
package struct MetadataPlan {
  /// How they are made.
  package enum Way: Equatable {
    /// There is nothing to do.
    case nothing
    /// A range of the header is replaced, tensors stay where they are.
    case inPlace(RangeReplacement)
    /// The file is written anew, under another name or in place of the old one.
    case copy(to: String, overwrites: Bool, replacesSource: Bool)
  }

  /// The changes.
  package let edited: EditedMetadata
  /// The way.
  package let way: Way
  /// Remarks for the user.
  package let notes: [String]
  private let source: MetadataFile

  /// Chooses the way.
  init(
    _ source: MetadataFile, _ edited: EditedMetadata, output: String?, overwrites: Bool,
    notes: [String]
  ) throws(WeightmillError) {
    self.source = source
    self.edited = edited
    var notes = notes
    if let output {
      way = .copy(to: output, overwrites: overwrites, replacesSource: false)
    } else {
      way = try Self.way(source, edited.metadata, replaces: overwrites, notes: &notes)
    }
    if case .copy = way, source.file.version < 3 {
      notes.append("GGUF \(source.file.version) becomes GGUF 3")
    }
    self.notes = notes
  }

  private static func way(
    _ source: MetadataFile, _ metadata: GGUFMetadata, replaces: Bool, notes: inout [String]
  ) throws(WeightmillError) -> Way {
    let (file, path) = (source.file, source.path)
    guard metadata != file.metadata else { return .nothing }
    guard file.identity != nil else {
      throw WeightmillError(
        .cannotWrite, path, "is read by its address, and cannot be changed there",
        remedy: "give --output with the name of a new file")
    }
    let entry = try? FilePath(path).stat(followTargetSymlink: false)
    guard entry?.type != .symbolicLink else {
      throw WeightmillError(
        .cannotWrite, path, "is a link to another file, which would be changed",
        remedy: "give that file, or --output with another name")
    }
    if let header = try file.header(with: metadata) {
      let old = try file.bytes(at: 0, count: header.count)
      guard let range = RangeReplacement(of: old, by: header, at: 0, fileSize: file.fileSize)
      else { return .nothing }
      if let links = entry?.linkCount, links > 1 {
        notes.append("the file has \(links) names, and is changed under all of them")
      }
      return .inPlace(range)
    }
    guard replaces else {
      let why =
        metadata["general.alignment"] == file.metadata["general.alignment"]
        ? "the header becomes longer or shorter" : "tensors are aligned anew"
      throw WeightmillError(
        .cannotWrite, path, "\(why), so all tensors move",
        remedy: "give --output NEW.gguf, or --force to write the file anew in its place")
    }
    return .copy(to: path, overwrites: true, replacesSource: true)
  }

  /// What is written: the whole file, or a range of the header.
  package func byteCount() throws(WeightmillError) -> Int {
    switch way {
    case .nothing: 0
    case .inPlace(let range): range.count
    case .copy(let path, _, _): try layout(path).byteCount
    }
  }

  private func layout(_ path: String) throws(WeightmillError) -> GGUFLayout {
    try GGUFLayout(metadata: edited.metadata, tensors: source.file.tensors, path: path)
  }

  /// Refuses what `write` would refuse before it begins.
  ///
  /// - Throws: `cannotWrite`.
  package func checkOutput() throws(WeightmillError) {
    guard case .copy(let path, let overwrites, let replacesSource) = way else { return }
    try OutputFile.check(
      path, overwrite: overwrites, inputs: replacesSource ? [] : [source.path])
  }

  /// Makes the changes.
  ///
  /// - Parameters:
  ///   - cancellation: A way to stop; a change in place is not stopped half-way.
  ///   - progress: Called with the bytes that are written and all of them.
  /// - Throws: `cannotWrite`, `inputOutput`, `interrupted`; `mismatch` when the file has changed since it
  ///   was read.
  package func write(
    _ cancellation: Cancellation, progress: (Int, Int) -> Void
  ) throws(WeightmillError) {
    switch way {
    case .nothing: return
    case .inPlace(let range):
      try cancellation.check(source.path)
      try range.perform(
        on: source.path, source.file.identity, backup: HeaderBackup.path(of: source.path))
    case .copy(let path, let overwrites, let replacesSource):
      let output = try OutputFile(
        path, overwrite: overwrites, inputs: replacesSource ? [] : [source.path])
      if replacesSource { try output.keepPermissions(of: path) }
      try copy(to: output, path, cancellation, progress)
    }
  }

  private func copy(
    to output: OutputFile, _ path: String, _ cancellation: Cancellation,
    _ progress: (Int, Int) -> Void
  ) throws(WeightmillError) {
    let layout = try layout(path)
    let file = source.file
    let target = try output.begin(nil, byteCount: layout.byteCount)
    try target.write(layout.header, count: layout.header.count, at: 0)
    var done = layout.header.count
    for (index, tensor) in file.tensors.enumerated() {
      var copied = 0
      while copied < tensor.byteCount {
        try cancellation.check(path)
        let count = min(Self.pieceBytes, tensor.byteCount - copied)
        let start = file.dataStart + file.offsets[index] + copied
        let bytes = try file.bytes(at: start, count: count)
        try target.write(bytes, count: count, at: layout.positions[index] + copied)
        copied += count
        done += count
        progress(done, layout.byteCount)
      }
    }
    try output.commit(cancellation)
  }

  /// How many bytes of tensors are copied at once.
  private static let pieceBytes = 4 << 20
}

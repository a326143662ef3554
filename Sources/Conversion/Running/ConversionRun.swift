internal import Quantization
internal import Synchronization
public import Tensors

/// How far a conversion has come.
public struct ConversionProgress: Sendable {
  /// Bytes of the output written.
  public let done: Int
  /// Bytes of the output in all.
  public let total: Int
}

/// A way to stop a conversion from another thread, or from a signal.
public final class Cancellation: Sendable {
  private let flag = Atomic<Bool>(false)

  /// Makes one that is not cancelled.
  public init() {}

  /// Asks for the work to stop soon.
  public func cancel() { flag.store(true, ordering: .relaxed) }

  /// Whether the work shall stop.
  public var isCancelled: Bool { flag.load(ordering: .relaxed) }

  /// Stops the writing of an output if it shall stop.
  func check(_ path: String) throws(WeightmillError) {
    guard !isCancelled else {
      throw WeightmillError(.interrupted, path, "was not finished: interrupted")
    }
  }
}

/// Executes a plan: reads, converts and writes tiles of rows on several threads.
///
/// The bytes that are written do not depend on the number of threads.
public struct ConversionRun: Sendable {
  /// About how many values a tile holds: 1 MiB of them as float32, whatever they are written as.
  private static let tileValues = 1 << 18

  private let plan: ConversionPlan
  private let workers: Workers
  private let cancellation: Cancellation
  private let progress: @Sendable (ConversionProgress) -> Void

  /// Prepares a run.
  ///
  /// - Parameters:
  ///   - plan: What to do.
  ///   - workers: The threads.
  ///   - cancellation: A way to stop it.
  ///   - progress: Called, from any thread, when a tile is written.
  public init(
    _ plan: ConversionPlan, workers: Workers, cancellation: Cancellation = Cancellation(),
    progress: @escaping @Sendable (ConversionProgress) -> Void = { _ in }
  ) {
    self.plan = plan
    self.workers = workers
    self.cancellation = cancellation
    self.progress = progress
  }

  /// Refuses an output that cannot be, or must not be, written; `write` does the same.
  ///
  /// - Parameters:
  ///   - path: The file or folder.
  ///   - overwrite: Whether what is there may be replaced.
  /// - Throws: `cannotWrite` or `usage`; `unsupported` when the format cannot hold a tensor.
  public func checkOutput(_ path: String, overwrite: Bool) throws(WeightmillError) {
    switch plan.output {
    case .gguf: try OutputFile.check(path, overwrite: overwrite, inputs: plan.inputs)
    case .splitGGUF:
      try OutputShards.check(
        path, names: plan.layout(path: path).files.compactMap(\.name), overwrite: overwrite,
        inputs: plan.inputs)
    case .huggingFace:
      try OutputFolder.check(
        path, files: plan.layout(path: path).files.compactMap(\.name), overwrite: overwrite,
        inputs: plan.inputs, origins: plan.origins)
    }
  }

  /// Writes the output; it appears under its name when it is complete.
  ///
  /// - Parameters:
  ///   - path: The file or folder.
  ///   - overwrite: Whether what is there may be replaced; other files of a folder are left alone.
  ///   - isStrict: Whether a value that is not finite, or is lost beside a far larger one, is an
  ///     error.
  ///   - beforeCommit: Called when everything is written; if it throws, nothing is left.
  /// - Returns: What was done.
  /// - Throws: `cannotWrite`, `inputOutput`, `interrupted`; `malformed` for values that are not
  ///   finite where a block format cannot hold them, or anywhere if `isStrict`; `unsupported` for
  ///   those that are too large for their type, or lost if `isStrict`; the errors of reading; what
  ///   stands in the plan's way.
  public func write(
    to path: String, overwrite: Bool, isStrict: Bool = false,
    beforeCommit: () throws(WeightmillError) -> Void = {}
  ) throws(WeightmillError) -> ConversionReport {
    if let obstacle = plan.obstacle { throw obstacle }
    let layout = try plan.layout(path: path)
    let converters = try converters(path: path)
    let output = try output(path, layout, overwrite: overwrite)
    let faults = Mutex([ValueFaults](repeating: ValueFaults(), count: plan.items.count))
    let done = Atomic<Int>(0)
    for file in layout.files {
      let target = try output.begin(file.name, byteCount: file.byteCount)
      try target.write(file.header, count: file.header.count, at: 0)
      done.wrappingAdd(file.header.count, ordering: .relaxed)
      let tiles = tiles(file)
      try workers.forEach(tiles.count, scratch: { TileBuffers() }) {
        (place, buffers: inout TileBuffers) throws(WeightmillError) in
        try cancellation.check(path)
        let tile = tiles[place]
        let found = try converters[tile.item].convert(tile.rows, of: plan.source, with: &buffers)
        if found != ValueFaults() { faults.withLock { $0[tile.item].add(found) } }
        let size = tile.rows.count * plan.items[tile.item].tensor.bytesPerRow
        try target.write(buffers.output, count: size, at: tile.position)
        let sum = done.wrappingAdd(size, ordering: .relaxed).newValue
        progress(ConversionProgress(done: sum, total: layout.byteCount))
      }
    }
    let report = report(layout, faults.withLock { $0 })
    if isStrict { try report.requireSound(location: plan.source.location) }
    try beforeCommit()
    try output.commit(cancellation)
    return report
  }

  private func output(
    _ path: String, _ layout: OutputLayout, overwrite: Bool
  ) throws(WeightmillError) -> any Output {
    switch plan.output {
    case .gguf: return try OutputFile(path, overwrite: overwrite, inputs: plan.inputs)
    case .splitGGUF:
      return try OutputShards(
        path, names: layout.files.compactMap(\.name), overwrite: overwrite, inputs: plan.inputs)
    case .huggingFace:
      return try OutputFolder(
        path, files: layout.files.compactMap(\.name), overwrite: overwrite, inputs: plan.inputs,
        origins: plan.origins)
    }
  }

  private func report(_ layout: OutputLayout, _ faults: [ValueFaults]) -> ConversionReport {
    ConversionReport(
      byteCount: layout.byteCount,
      faults: zip(plan.items, faults).filter { $1 != ValueFaults() }.map { item, found in
        ConversionReport.Fault(
          tensor: item.tensor, nonFinite: found.nonFinite, overflowed: found.overflowed,
          lost: found.lost, isMerged: plan.isMerged)
      })
  }

  private func converters(path: String) throws(WeightmillError) -> [TileConverter] {
    var converters: [TileConverter] = []
    for item in plan.items {
      converters.append(try TileConverter(item, from: plan.source, method: plan.method, path: path))
    }
    return converters
  }

  private struct Tile {
    let item: Int
    let rows: Range<Int>
    let position: Int
  }

  /// Cuts the tensors of a file into tiles of rows; small tensors are one tile.
  private func tiles(_ file: OutputLayout.File) -> [Tile] {
    var tiles: [Tile] = []
    for (place, position) in file.tensors where plan.items[place].tensor.byteCount > 0 {
      let item = plan.items[place]
      let size = item.tensor.bytesPerRow
      let group = item.rowGroup
      let columns = max(item.tensor.shape.columns, 1)
      let height = max(1, Self.tileValues / columns / group) * group
      for first in stride(from: 0, to: item.tensor.shape.rows, by: height) {
        let rows = first..<min(first + height, item.tensor.shape.rows)
        tiles.append(Tile(item: place, rows: rows, position: position + first * size))
      }
    }
    return tiles
  }
}

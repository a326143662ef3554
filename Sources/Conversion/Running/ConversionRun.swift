internal import GGUF
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

/// What a conversion did.
public struct ConversionReport: Sendable {
  /// The size of the file in bytes.
  public let byteCount: Int
  /// How many values of the output are infinite or not numbers, by tensor.
  public let nonFinite: [(tensor: String, count: Int)]
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
}

/// Executes a plan: reads, converts and writes tiles of rows on several threads.
///
/// The bytes of the file do not depend on the number of threads.
public struct ConversionRun: Sendable {
  /// About how many bytes of output a tile holds.
  private static let tileBytes = 1 << 20

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
  ///   - path: The file.
  ///   - overwrite: Whether a file of that name may be replaced.
  /// - Throws: `cannotWrite` or `usage`.
  public func checkOutput(_ path: String, overwrite: Bool) throws(WeightmillError) {
    try OutputFile.check(path, overwrite: overwrite, inputs: plan.inputs)
  }

  private struct Tile {
    let item: Int
    let rows: Range<Int>
    let position: Int
  }

  /// Writes the file; it appears under its name when it is complete.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - overwrite: Whether a file of that name may be replaced.
  ///   - beforeCommit: Called when everything is written; if it throws, nothing is left.
  /// - Returns: What was done.
  /// - Throws: `cannotWrite`, `inputOutput`, `interrupted`; `malformed` for values that are not
  ///   finite where a block format cannot hold them; the errors of reading.
  public func write(
    to path: String, overwrite: Bool, beforeCommit: () throws(WeightmillError) -> Void = {}
  ) throws(WeightmillError) -> ConversionReport {
    let layout = try plan.layout(path: path)
    let converters = try converters(path: path)
    let file = try OutputFile(path, overwrite: overwrite, inputs: plan.inputs)
    try file.resize(to: layout.byteCount)
    try file.write(layout.header, count: layout.header.count, at: 0)
    let tiles = tiles(layout.positions)
    let losses = Mutex([Int](repeating: 0, count: plan.items.count))
    let done = Atomic<Int>(layout.header.count)
    try workers.forEach(tiles.count, scratch: { TileBuffers() }) {
      (place, buffers: inout TileBuffers) throws(WeightmillError) in
      guard !cancellation.isCancelled else {
        throw WeightmillError(.interrupted, path, "was not finished: interrupted")
      }
      let tile = tiles[place]
      let loss = try converters[tile.item].convert(tile.rows, of: plan.source, with: &buffers)
      if loss > 0 { losses.withLock { $0[tile.item] += loss } }
      let size = tile.rows.count * plan.items[tile.item].tensor.bytesPerRow
      try file.write(buffers.output, count: size, at: tile.position)
      let sum = done.wrappingAdd(size, ordering: .relaxed).newValue
      progress(ConversionProgress(done: sum, total: layout.byteCount))
    }
    try beforeCommit()
    try file.commit()
    let counts = losses.withLock { $0 }
    return ConversionReport(
      byteCount: layout.byteCount,
      nonFinite: zip(plan.items, counts).filter { $1 > 0 }.map { ($0.tensor.name, $1) })
  }

  private func converters(path: String) throws(WeightmillError) -> [TileConverter] {
    var converters: [TileConverter] = []
    for item in plan.items {
      converters.append(try TileConverter(item, from: plan.source, path: path))
    }
    return converters
  }

  /// Cuts the tensors into tiles of rows; small tensors are one tile.
  private func tiles(_ positions: [Int]) -> [Tile] {
    var tiles: [Tile] = []
    for (place, item) in plan.items.enumerated() where item.tensor.byteCount > 0 {
      let size = item.tensor.bytesPerRow
      let group = item.rowGroup
      let height = max(1, Self.tileBytes / size / group) * group
      for first in stride(from: 0, to: item.tensor.shape.rows, by: height) {
        let rows = first..<min(first + height, item.tensor.shape.rows)
        tiles.append(Tile(item: place, rows: rows, position: positions[place] + first * size))
      }
    }
    return tiles
  }
}

internal import Synchronization
import WeightmillModels
import WeightmillQuantization
public import WeightmillTensors

/// Compares two checkpoints value by value, in tiles of rows on several threads.
///
/// Memory is a tile of both sides for each thread, however large the tensors are.
public struct CheckpointComparison: Sendable {
  /// About how many values a tile holds.
  private static let tileValues = 1 << 18
  /// A row is read at once; those of the largest models take less than 1 MB.
  private static let maximumRowBytes = 256 << 20

  private let inputs: ComparedCheckpoints
  private let pairs: [TensorPair]
  private let onlyInB: [TensorDescriptor]

  /// Finds the tensors of the same names.
  ///
  /// - Parameter inputs: The checkpoints.
  /// - Throws: `malformed` when two tensors of one have the same name; `unsupported` when rows are
  ///   too long.
  public init(_ inputs: ComparedCheckpoints) throws(WeightmillError) {
    self.inputs = inputs
    let (a, b) = (try TensorIndex(inputs.a), try TensorIndex(inputs.b))
    var pairs: [TensorPair] = []
    for (index, tensor) in inputs.a.tensors.enumerated() {
      let pair = TensorPair(
        a: index, tensor, b: b[tensor.name].map { ($0, inputs.b.tensors[$0]) })
      if pair.isRead {
        for (catalogue, tensor) in [(inputs.a, tensor), (inputs.b, pair.other ?? tensor)] {
          guard tensor.bytesPerRow <= Self.maximumRowBytes || tensor.shape.isEmpty else {
            throw WeightmillError(
              .unsupported, catalogue.location,
              "tensor \(quoted(tensor.name)) has rows of \(tensor.bytesPerRow) bytes")
          }
        }
      }
      pairs.append(pair)
    }
    self.pairs = pairs
    onlyInB = inputs.b.tensors.filter { a[$0.name] == nil }
  }

  /// The number of bytes read of both sides.
  package var byteCount: Int {
    pairs.reduce(0) { $0 + ($1.isRead ? $1.tensor.byteCount + ($1.other?.byteCount ?? 0) : 0) }
  }

  /// Compares the checkpoints.
  ///
  /// - Parameters:
  ///   - workers: The threads; the figures do not depend on their number.
  ///   - cancellation: A way to stop.
  ///   - progress: Called, from any thread, with the bytes read so far.
  /// - Returns: The differences.
  /// - Throws: Reading errors, `interrupted`.
  public func run(
    workers: Workers, cancellation: Cancellation = Cancellation(),
    progress: @escaping @Sendable (Int) -> Void = { _ in }
  ) throws(WeightmillError) -> CheckpointDifference {
    let tiles = tiles
    let sums = Mutex([DifferenceSums](repeating: DifferenceSums(), count: tiles.count))
    let done = Atomic<Int>(0)
    try workers.forEach(tiles.count, until: cancellation, scratch: { PairBuffers() }) {
      (number, buffers: inout PairBuffers) throws(WeightmillError) in
      let (pair, rows) = (pairs[tiles[number].pair], tiles[number].rows)
      let found = try pair.compare(rows, of: inputs, with: &buffers)
      sums.withLock { $0[number] = found }
      let size = rows.count * (pair.tensor.bytesPerRow + (pair.other?.bytesPerRow ?? 0))
      progress(done.wrappingAdd(size, ordering: .relaxed).newValue)
    }
    try cancellation.check(inputs.a.location, "compared")
    return difference(tiles, sums.withLock { $0 })
  }

  private struct PairTile {
    let pair: Int
    let rows: Range<Int>
  }

  /// Cuts tensors into ranges of rows, the same ones whatever the number of threads.
  private var tiles: [PairTile] {
    pairs.indices.filter { pairs[$0].isRead && !pairs[$0].tensor.shape.isEmpty }.flatMap { pair in
      let shape = pairs[pair].tensor.shape
      let columns = max(shape.columns, 1)
      // Heads are read whole where rows change places, unless they are enormous.
      let fits = inputs.rowGroup <= 16 * Self.tileValues / columns
      let group = fits && shape.rows % inputs.rowGroup == 0 ? inputs.rowGroup : 1
      return (0..<shape.rows)
        .rowRanges(columns: columns, values: Self.tileValues, group: group)
        .map { PairTile(pair: pair, rows: $0) }
    }
  }

  private func difference(_ tiles: [PairTile], _ sums: [DifferenceSums]) -> CheckpointDifference {
    var byPair = [DifferenceSums](repeating: DifferenceSums(), count: pairs.count)
    for (tile, found) in zip(tiles, sums) { byPair[tile.pair].add(found) }
    var total = DifferenceSums()
    for (pair, found) in zip(pairs, byPair) where pair.isDecoded { total.add(found) }
    return CheckpointDifference(
      zip(pairs, byPair).map { $0.difference($1) }
        + onlyInB.map { TensorDifference($0.name, .onlyInB, a: nil, b: $0) },
      total)
  }
}

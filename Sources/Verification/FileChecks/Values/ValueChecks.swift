import Synchronization
import WeightmillLLaMA
import WeightmillTensors

/// Reads every tensor once, beside the reference's, and says what is odd about the values.
struct ValueChecks: Sendable {
  /// About how many values a tile of rows holds.
  private static let tileValues = 1 << 17

  let candidate: ModelRows
  let reference: ModelRows?
  let workers: Workers

  private struct CheckedTile {
    let rows: Range<Int>
    let isCompared: Bool
  }

  private struct Scratch {
    var ours = RowBuffers()
    var theirs = RowBuffers()
  }

  /// Reads all tensors.
  ///
  /// - Parameters:
  ///   - cancellation: A way to stop.
  ///   - progress: Called after each tensor with the share of the values that have been read.
  /// - Returns: What was found.
  /// - Throws: The errors of reading; `interrupted`.
  func findings(
    cancellation: Cancellation, progress: (Double) -> Void
  ) throws(WeightmillError) -> [Finding] {
    var findings = FindingList()
    var judge = ValueJudge(candidate: candidate, reference: reference)
    let roles = candidate.model.roles
    let total = roles.reduce(0) { $0 + (candidate.tensor($1)?.shape.count ?? 0) }
    var done = 0
    for role in roles {
      guard let tensor = candidate.tensor(role) else { continue }
      judge.add(role, tensor, try scan(role, tensor, cancellation))
      done += tensor.shape.count
      progress(Double(done) / Double(max(total, 1)))
    }
    try TiedOutputCheck(candidate: candidate, reference: reference).check(&findings)
    try judge.list(in: &findings)
    return findings.all
  }

  private func scan(
    _ role: TensorRole, _ tensor: TensorDescriptor, _ cancellation: Cancellation
  ) throws(WeightmillError) -> TensorScan {
    let other = reference?.tensor(role)
    let scanner = RowScanner(
      tensor.type, columns: tensor.shape.columns,
      badError: ErrorBound.row(tensor.type, reference: other?.type))
    let tiles = tiles(role, tensor, other)
    let found = Mutex([TensorScan?](repeating: nil, count: tiles.count))
    try workers.forEach(tiles.count, until: cancellation, scratch: { Scratch() }) {
      (index, scratch: inout Scratch) throws(WeightmillError) in
      let tile = tiles[index]
      try candidate.read(tile.rows, of: role, into: &scratch.ours)
      if tile.isCompared, let reference {
        try reference.read(tile.rows, of: role, into: &scratch.theirs)
      }
      let theirs = tile.isCompared ? scratch.theirs.values : scratch.ours.values
      let scan = scanner.scan(scratch.ours.values, theirs, firstRow: tile.rows.lowerBound)
      found.withLock { $0[index] = scan }
    }
    try cancellation.check(candidate.location, "checked to the end")
    // In the order of the rows, so that the sums do not depend on threads.
    return found.withLock { $0 }.compactMap(\.self).reduce(into: TensorScan()) { $0.add($1) }
  }

  /// Cuts a tensor into tiles: first the rows that both models have, then the candidate's own.
  private func tiles(
    _ role: TensorRole, _ tensor: TensorDescriptor, _ other: TensorDescriptor?
  ) -> [CheckedTile] {
    let fits = other.map { $0.shape.columns == tensor.shape.columns } ?? false
    let shared = fits ? min(tensor.shape.rows, other?.shape.rows ?? 0) : 0
    // Rows of a head change places between layouts and are read together.
    let group = role.isRotated ? candidate.model.configuration.headDimension : 1
    func cut(_ rows: Range<Int>, isCompared: Bool) -> [CheckedTile] {
      rows.rowRanges(columns: tensor.shape.columns, values: Self.tileValues, group: group)
        .map { CheckedTile(rows: $0, isCompared: isCompared) }
    }
    return cut(0..<shared, isCompared: true)
      + cut(shared..<tensor.shape.rows, isCompared: false)
  }
}

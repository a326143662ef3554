import WeightmillLLaMA
import WeightmillTensors

/// Rows of the layers' matrices in base and delta, side by side.
struct WeightSample: Sendable {
  /// The values of a row in the base and in the delta, of the same length.
  let rows: [(base: [Float], delta: [Float])]

  /// About how many rows are read.
  static let rowCount = 256
  /// The number of values of a row that are looked at.
  private static let width = 4096
  /// The matrices whose rows are in the same order in every layout.
  private static let matrices: [TensorRole.LayerTensor] = [
    .queryKeyValue, .value, .attentionOutput, .gateAndUp, .gate, .up, .down,
  ]

  /// Takes rows that have been read.
  init(rows: [(base: [Float], delta: [Float])]) { self.rows = rows }

  /// Reads the first rows of the matrices of all layers: first rows are cheap to reach in files
  /// that are deflated.
  init(base: LlamaModel, delta: LlamaModel) throws(WeightmillError) {
    let layers = base.configuration.layerCount
    let matrices = Self.matrices.filter(base.architecture.layerTensors.contains)
    let height = max(1, Self.rowCount / (layers * matrices.count))
    var rows: [(base: [Float], delta: [Float])] = []
    for layer in 0..<layers {
      for matrix in matrices {
        guard let ours = base[.layer(layer, matrix)], let theirs = delta[.layer(layer, matrix)]
        else { continue }
        for row in 0..<min(height, base.catalogue.tensors[ours].shape.rows) {
          rows.append(
            (
              try Self.values(row, of: base.catalogue, ours),
              try Self.values(row, of: delta.catalogue, theirs)
            ))
        }
      }
    }
    self.rows = rows
  }

  /// The first values of a row.
  static func values(
    _ row: Int, of catalogue: any Catalogue, _ index: Int
  ) throws(WeightmillError) -> [Float] {
    Array(try NumberRows.values(row..<row + 1, of: catalogue, index).prefix(width))
  }

  /// The share of the base's values that have at most the 8 significant bits of bfloat16.
  ///
  /// One in eight binary16 numbers has by chance. `nil` when there are too few values to tell.
  var shortShare: Double? {
    var (short, count) = (0, 0)
    for row in rows {
      for value in row.base where value != 0 {
        count += 1
        short += value.bitPattern & 0xFFFF == 0 ? 1 : 0
      }
    }
    return count >= RoundingEvidence.fewest ? Double(short) / Double(count) : nil
  }
}

import WeightmillLLaMA
import WeightmillTensors

/// The likeness of a tensor's rows in two models, by a sample spread evenly over the rows
/// that both have.
struct RowComparison: Sendable {
  /// The mean cosine of a row in one model and in the other.
  let cosine: Double
  /// How large the second model's rows are relative to the first's.
  let ratio: Double
  /// The share of rows that are the same in both, to the precision of bfloat16.
  let sameShare: Double

  /// The number of rows that are compared.
  private static let rows = 64

  /// Compares rows of a tensor.
  init(_ role: TensorRole, _ a: LlamaModel, _ b: LlamaModel) throws(WeightmillError) {
    let shared = min(a.tensor(role)?.shape.rows ?? 0, b.tensor(role)?.shape.rows ?? 0)
    let count = min(Self.rows, shared)
    var (cosines, sizeA, sizeB) = (0.0, 0.0, 0.0)
    var (directed, same) = (0, 0)
    for sample in 0..<count {
      let row = sample * shared / count
      let x = try RowSample.values(role, a, row: row)
      let y = try RowSample.values(role, b, row: row)
      var (xy, xx, yy) = (0.0, 0.0, 0.0)
      for (p, q) in zip(x, y) {
        xy += Double(p) * Double(q)
        xx += Double(p) * Double(p)
        yy += Double(q) * Double(q)
      }
      sizeA += xx
      sizeB += yy
      // Rows of tokens that never occurred may be zero; they have no direction.
      guard xx > 0, yy > 0 else { continue }
      cosines += xy / (xx * yy).squareRoot()
      directed += 1
      if zip(x, y).allSatisfy({ BFloat16.bits($0) == BFloat16.bits($1) }) { same += 1 }
    }
    cosine = directed > 0 ? cosines / Double(directed) : 0
    ratio = sizeA > 0 ? (sizeB / sizeA).squareRoot() : .infinity
    sameShare = directed > 0 ? Double(same) / Double(directed) : 0
  }
}

/// Rows of a tensor as float32 values, to judge it by.
enum RowSample {
  /// One row, rounded to binary16.
  static func values(
    _ role: TensorRole, _ model: LlamaModel, row: Int
  ) throws(WeightmillError) -> [Float] {
    guard let index = model[role] else { return [] }
    let tensor = model.catalogue.tensors[index]
    var bytes = [UInt8](repeating: 0, count: tensor.shape.columns * 2)
    try bytes.withMutableBytes { (span) throws(WeightmillError) in
      try NumberRows.read(
        row..<row + 1, of: model.catalogue, index, as: .f16, into: &span, at: 0)
    }
    return ScalarRows.values(bytes, as: .f16)
  }
}

import LLaMA
import Tensors

/// A few rows of a tensor, to judge it by.
enum RowSample {
  /// How many rows are compared.
  private static let rows = 64

  /// One row as float32 values.
  static func values(
    _ role: TensorRole, _ model: LlamaModel, row: Int
  ) throws(WeightmillError) -> [Float] {
    guard let index = model[role] else { return [] }
    let tensor = model.catalogue.tensors[index]
    guard HalfRows.types.contains(tensor.type) else {
      throw WeightmillError(
        .unsupported, model.catalogue.location,
        "tensor \(quoted(tensor.name)) is of type \(tensor.type.name), which is not read here",
        remedy: "give weights in F16, BF16 or F32")
    }
    var bytes = [UInt8](repeating: 0, count: tensor.shape.columns * 2)
    try bytes.withMutableBytes { (span) throws(WeightmillError) in
      try HalfRows.read(row..<row + 1, of: model.catalogue, index, into: &span, at: 0)
    }
    return stride(from: 0, to: bytes.count, by: 2).map {
      Binary16.float(UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8)
    }
  }

  /// The mean cosine between rows that both models have, spread evenly, and how large the second's
  /// are relative to the first's.
  static func compare(
    _ role: TensorRole, _ a: LlamaModel, _ b: LlamaModel
  ) throws(WeightmillError) -> (cosine: Double, ratio: Double) {
    let shared = min(a.tensor(role)?.shape.rows ?? 0, b.tensor(role)?.shape.rows ?? 0)
    guard shared > 0 else { return (0, .infinity) }
    var (cosines, sizeA, sizeB) = (0.0, 0.0, 0.0)
    var count = 0
    for sample in 0..<min(rows, shared) {
      let row = sample * shared / min(rows, shared)
      let x = try values(role, a, row: row)
      let y = try values(role, b, row: row)
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
      count += 1
    }
    return (
      count > 0 ? cosines / Double(count) : 0, sizeA > 0 ? (sizeB / sizeA).squareRoot() : .infinity
    )
  }
}

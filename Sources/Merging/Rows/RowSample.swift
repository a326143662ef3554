import LLaMA
import Tensors

/// Rows of a tensor as float32 values, to judge it by.
enum RowSample {
  /// One row, rounded to binary16.
  static func values(
    _ role: TensorRole, _ model: LlamaModel, row: Int
  ) throws(WeightmillError) -> [Float] {
    guard let index = model[role] else { return [] }
    let tensor = model.catalogue.tensors[index]
    guard HalfRows.readable.contains(tensor.type) else {
      throw WeightmillError(
        .unsupported, model.catalogue.location,
        "tensor \(quoted(tensor.name)) is of type \(tensor.type.name), which is not read here",
        remedy: "give weights in floating point")
    }
    var bytes = [UInt8](repeating: 0, count: tensor.shape.columns * 2)
    try bytes.withMutableBytes { (span) throws(WeightmillError) in
      try HalfRows.read(row..<row + 1, of: model.catalogue, index, into: &span, at: 0)
    }
    return stride(from: 0, to: bytes.count, by: 2).map {
      Binary16.float(UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8)
    }
  }
}

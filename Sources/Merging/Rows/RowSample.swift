import WeightmillLLaMA
import WeightmillTensors

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

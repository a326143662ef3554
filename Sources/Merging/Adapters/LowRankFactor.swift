import CWeightmillKernels
import WeightmillLLaMA
import WeightmillTensors

/// One of the two matrices of an update, as the update needs it: as it is stored, or transposed.
struct LowRankFactor: Sendable {
  /// How many values a factor may have that is kept decoded as a whole.
  static let maximumValues = 1 << 26
  /// How many columns lie side by side in a panel.
  static let panelWidth = Int(WEIGHTMILL_PANEL)

  let catalogue: any Catalogue
  /// The tensor's index in the catalogue.
  let index: Int
  let isTransposed: Bool

  private var tensor: TensorDescriptor { catalogue.tensors[index] }
  /// The tensor's name, for messages.
  var name: String { tensor.name }
  /// How it is stored.
  var type: TensorType { tensor.type }

  /// The rows of the matrix that is meant.
  var rows: Int { isTransposed ? tensor.shape.columns : tensor.shape.rows }

  /// The columns of the matrix that is meant.
  var columns: Int { isTransposed ? tensor.shape.rows : tensor.shape.columns }

  /// Some rows of a matrix that is not transposed, permuted where they are wanted in another order.
  func values(
    rows: Range<Int>, permutedBy permutation: RowPermutation? = nil
  ) throws(WeightmillError) -> [Float] {
    ScalarRows.values(
      try catalogue.bytes(rows: rows, ofTensor: index, permutedBy: permutation), as: tensor.type)
  }

  /// The whole matrix, row by row.
  func values() throws(WeightmillError) -> [Float] {
    guard isTransposed else { return try values(rows: 0..<rows) }
    var result = [Float](repeating: 0, count: rows * columns)
    for column in 0..<columns {
      let values = try values(rows: column..<column + 1)
      for (row, value) in values.enumerated() { result[row * columns + column] = value }
    }
    return result
  }

  /// The whole matrix in panels of columns: of each, row by row, zeros where columns are missing.
  func panels() throws(WeightmillError) -> [Float] {
    let (height, width) = (rows, Self.panelWidth)
    var result = [Float](
      repeating: 0, count: (columns + width - 1) / width * width * height)
    for stored in 0..<tensor.shape.rows {
      for (element, value) in try values(rows: stored..<stored + 1).enumerated() {
        let (row, column) = isTransposed ? (element, stored) : (stored, element)
        result[(column / width * height + row) * width + column % width] = value
      }
    }
    return result
  }
}

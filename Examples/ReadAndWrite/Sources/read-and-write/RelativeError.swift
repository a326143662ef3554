import Weightmill

/// How far the values of a tensor are from those of another one: the root of their mean square
/// difference over that of their mean square.
struct RelativeError: CustomStringConvertible {
  let value: Double

  /// Compares two tensors of the same shape, which may have different types.
  init(
    of candidate: any Catalogue, tensor index: Int,
    from reference: any Catalogue, tensor expected: Int
  ) throws(WeightmillError) {
    let shape = reference.tensors[expected].shape
    var squares = 0.0
    var differences = 0.0
    // Rows are read in ranges: no matrix has to fit into memory.
    let step = max(1, (1 << 16) / max(1, shape.columns))
    for first in stride(from: 0, to: shape.rows, by: step) {
      let rows = first..<min(first + step, shape.rows)
      let values = try Self.values(candidate, rows: rows, tensor: index)
      for (value, right) in zip(values, try Self.values(reference, rows: rows, tensor: expected)) {
        squares += Double(right) * Double(right)
        differences += Double(value - right) * Double(value - right)
      }
    }
    value = squares > 0 ? (differences / squares).squareRoot() : 0
  }

  /// Rows as float32, whatever type they are stored in.
  private static func values(
    _ catalogue: any Catalogue, rows: Range<Int>, tensor index: Int
  ) throws(WeightmillError) -> [Float] {
    let tensor = catalogue.tensors[index]
    let decoder = try RowDecoder(tensor.type, location: catalogue.location)
    var values = [Float](repeating: 0, count: rows.count * tensor.shape.columns)
    decoder.decode(try catalogue.bytes(rows: rows, ofTensor: index), into: &values)
    return values
  }

  /// In percent, to two digits.
  var description: String { "\((value * 10_000).rounded() / 100) %" }
}

package import WeightmillTensors

extension Catalogue {
  /// Some rows of a tensor, decoded, all of them numbers.
  ///
  /// - Parameters:
  ///   - rows: The rows.
  ///   - index: The tensor.
  /// - Returns: The values, row by row.
  /// - Throws: `malformed` for a value that is infinite or no number; `unsupported` for types that cannot be
  ///   decoded; reading errors.
  package func finiteValues(
    rows: Range<Int>, ofTensor index: Int
  ) throws(WeightmillError) -> [Float] {
    let tensor = tensors[index]
    let stored = try bytes(rows: rows, ofTensor: index)
    var values = [Float](repeating: 0, count: rows.count * tensor.shape.columns)
    try RowDecoder(tensor.type, location: location).decode(stored, into: &values)
    guard FloatScan.firstNonFinite(values) == nil else {
      throw WeightmillError(
        .malformed, location, "tensor \(quoted(tensor.name)) holds values that are not finite",
        at: "rows \(rows.lowerBound) to \(rows.upperBound - 1)",
        remedy: "the weights are damaged, or were merged with the wrong base")
    }
    return values
  }
}

package import WeightmillTensors

extension ForwardPass {
  /// How many rows a tile has; fixed, because the order of sums depends on it.
  private static let errorRows = 96

  /// The error that another version of a tensor adds to its products: the sums of ((W - W')x)² and of
  /// (Wx)² over all rows and inputs. For the gains of a norm the product is element by element.
  ///
  /// Sums are binary64 in a fixed order, whatever the number of threads.
  ///
  /// - Parameters:
  ///   - role: A matrix or a norm.
  ///   - candidate: The model with W', whose rows must have the same order as this one's.
  ///   - inputs: The vectors x, in this pass's precision.
  ///   - products: The products Wx of this pass's matrix, if they are known: they are not computed
  ///     again then. The sums have the same bits.
  /// - Returns: Both sums.
  /// - Throws: `mismatch` when the tensors have different shapes; reading errors.
  package func productError(
    of role: TensorRole, in candidate: LlamaModel, on inputs: Activations,
    products: Activations? = nil
  ) throws(WeightmillError) -> (difference: Double, size: Double) {
    let ours = try WeightMatrix(role, of: model)
    let theirs = try WeightMatrix(role, of: candidate)
    precondition(inputs.columns == ours.columns && inputs.precision == precision)
    guard ours.rows == theirs.rows, ours.columns == theirs.columns else {
      throw WeightmillError(
        .mismatch, candidate.catalogue.location,
        "\(quoted(candidate.scheme.name(of: role, in: candidate.architecture))) has \(theirs.rows) rows of "
          + "\(theirs.columns), the reference's \(ours.rows) of \(ours.columns)",
        remedy: "compare a model with the one it was made from")
    }
    precondition(
      products.map { $0.rows == inputs.rows && $0.columns == ours.rows } ?? true)
    if role.isNorm {
      return normError(try model.vector(role), try candidate.vector(role), inputs)
    }
    let sums = SharedSums(count: (ours.rows + Self.errorRows - 1) / Self.errorRows)
    try workers.forEach(sums.count, scratch: { ErrorScratch(kernels, inputs, Self.errorRows) }) {
      (number, scratch) throws(WeightmillError) in
      let first = number * Self.errorRows
      let rows = first..<min(first + Self.errorRows, ours.rows)
      try ours.read(rows, into: &scratch.ours)
      try theirs.read(rows, into: &scratch.theirs)
      sums.set(number, scratch.errors(rows, ours, theirs, inputs, products))
    }
    return sums.total
  }

  private func normError(
    _ gains: [Float], _ others: [Float], _ inputs: Activations
  ) -> (difference: Double, size: Double) {
    var squares = [Double](repeating: 0, count: inputs.columns)
    inputs.addSquares(to: &squares)
    var (difference, size) = (0.0, 0.0)
    for (column, square) in squares.enumerated() {
      let (gain, other) = (Double(gains[column]), Double(others[column]))
      difference += (gain - other) * (gain - other) * square
      size += gain * gain * square
    }
    return (difference, size)
  }
}

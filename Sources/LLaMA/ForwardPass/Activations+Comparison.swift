public import Tensors

extension Activations {
  /// Some of the vectors.
  public func selecting(_ rows: [Int]) -> Activations {
    var result = Activations(rows: rows.count, columns: columns)
    result.values = rows.flatMap { self[$0] }
    return result
  }

  /// Σ(self − other)² and Σ other².
  public func squaredDifference(from other: Activations) -> (difference: Double, size: Double) {
    var (difference, size) = (0.0, 0.0)
    for (a, b) in zip(values, other.values) {
      difference += (Double(a) - Double(b)) * (Double(a) - Double(b))
      size += Double(b) * Double(b)
    }
    return (difference, size)
  }
}

extension ForwardPass {
  /// ‖(W − W')x‖² and ‖Wx‖².
  public func productError(
    of role: TensorRole, in candidate: LlamaModel, on inputs: Activations
  ) throws(WeightmillError) -> (difference: Double, size: Double) {
    let other = ForwardPass(candidate, workers: workers)
    return try other.product(role, inputs).squaredDifference(from: product(role, inputs))
  }
}

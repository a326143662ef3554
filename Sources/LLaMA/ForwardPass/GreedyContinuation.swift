public import Tensors

extension ForwardPass {
  /// Continues tokens with the most likely next one, again and again.
  ///
  /// Of equally likely tokens the one with the lower id is taken.
  ///
  /// - Parameters:
  ///   - tokens: The ids so far, at least one.
  ///   - count: How many to add.
  ///   - end: An id that ends the text; it is not returned.
  /// - Returns: The new ids.
  /// - Throws: `mismatch` when the logits are not finite, or the text becomes longer than the model's
  ///   context; reading errors.
  public func continuation(
    of tokens: [Int], count: Int, end: Int?
  ) throws(WeightmillError) -> [Int] {
    var generation = Generation(self)
    var next = tokens
    var added: [Int] = []
    while added.count < count {
      let logits = try generation.extend(with: next)
      var best = 0
      for (id, logit) in logits.enumerated() where logit > logits[best] { best = id }
      guard logits.allSatisfy(\.isFinite) else {
        throw WeightmillError(
          .mismatch, model.catalogue.location, "predicts values that are infinite or not numbers",
          remedy: "its weights are damaged")
      }
      if best == end { break }
      added.append(best)
      next = [best]
    }
    return added
  }
}

public import Tensors

extension ForwardPass {
  /// Continues tokens with the most likely next one, again and again.
  ///
  /// Every step runs the whole text through the model: meant for checking a few tokens, not for
  /// chat. Of equally likely tokens the one with the lower id is taken.
  ///
  /// - Parameters:
  ///   - tokens: The ids so far, at least one.
  ///   - count: How many to add.
  ///   - end: An id that ends the text; it is not returned.
  /// - Returns: The new ids.
  /// - Throws: `mismatch` when the logits are not finite; reading errors.
  public func continuation(
    of tokens: [Int], count: Int, end: Int?
  ) throws(WeightmillError) -> [Int] {
    var text = tokens
    for _ in 0..<count {
      var hidden = try embed(text)
      for layer in 0..<model.configuration.layerCount {
        try apply(layer: layer, to: &hidden, windows: [0..<text.count])
      }
      var last = Activations(rows: 1, columns: hidden.columns)
      last.values = Array(hidden[text.count - 1])
      let logits = try logits(rows: 0..<model.configuration.vocabularyRows, of: normalized(last))
      var best = 0
      for (id, logit) in logits.values.enumerated() where logit > logits.values[best] { best = id }
      guard logits.values.allSatisfy(\.isFinite) else {
        throw WeightmillError(
          .mismatch, model.catalogue.location, "predicts values that are infinite or not numbers",
          remedy: "its weights are damaged")
      }
      if best == end { break }
      text.append(best)
    }
    return Array(text[tokens.count...])
  }
}

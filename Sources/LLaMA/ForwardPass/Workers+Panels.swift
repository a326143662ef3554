import Tensors

extension Workers {
  /// Does something for every panel of vectors, in any order.
  func forEachPanel(_ vectors: Activations, _ body: @Sendable (Int) -> Void) {
    // Nothing that is done here throws.
    try? forEach(vectors.panelCount, scratch: {}) { (panel, _) throws(WeightmillError) in
      body(panel)
    }
  }
}

import WeightmillTensors

extension Workers {
  /// Does something for every panel of vectors, in any order.
  func forEachPanel(_ vectors: Activations, _ body: @Sendable (Int) -> Void) {
    forEach(vectors.panelCount, scratch: {}) { (panel, _) in body(panel) }
  }
}

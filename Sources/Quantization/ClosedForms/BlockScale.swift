/// What the block formats share about scales.
enum BlockScale {
  /// The reciprocal of a scale; 0 for a scale that is 0, or so small that it has none.
  ///
  /// Such a scale is 0 as a binary16 number, and the block decodes to zeros whatever it holds.
  @inline(__always)
  static func inverse(_ scale: Float) -> Float {
    let inverse = 1 / scale
    return inverse.isFinite ? inverse : 0
  }
}

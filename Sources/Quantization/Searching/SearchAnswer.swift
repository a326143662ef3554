/// The best scales that were found for a block.
struct SearchAnswer {
  var unit: Float = 0
  var floor: Float = 0
  var scales: [Float]
  var minimums: [Float] = []
  /// From 0.
  var numbers: [Float] = []
}

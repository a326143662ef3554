import WeightmillTensors

/// KL divergence by the textbook, in double precision.
enum Divergence {
  static func mean(_ reference: [Double], _ candidate: [Double], vocabulary: Int) -> Double {
    let rows = reference.count / vocabulary
    let sum = (0..<rows).reduce(0.0) { sum, row in
      let range = row * vocabulary..<(row + 1) * vocabulary
      let p = logProbabilities(reference[range])
      let q = logProbabilities(candidate[range])
      return sum + zip(p, q).reduce(0.0) { $0 + Elementary.exponential($1.0) * ($1.0 - $1.1) }
    }
    return sum / Double(rows)
  }

  private static func logProbabilities(_ logits: ArraySlice<Double>) -> [Double] {
    let largest = logits.max() ?? 0
    let sum = logits.reduce(0.0) { $0 + Elementary.exponential($1 - largest) }
    return logits.map { $0 - largest - Elementary.logarithm(sum) }
  }
}

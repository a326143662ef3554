import WeightmillTensors

extension VerificationReport {
  /// Counts divergences in bins that are equally wide on a logarithmic scale: four to each power of
  /// ten from 1e-8 to 10.
  ///
  /// - Parameter divergences: The divergence at each position, in nats.
  /// - Returns: 38 bins: the first from 0 to 1e-8, the last from 10 on. What is not a number counts
  ///   in the last.
  package static func histogram(of divergences: [Double]) -> [HistogramBin] {
    let edges = histogramEdges
    var counts = [Int](repeating: 0, count: edges.count)
    for divergence in divergences {
      // Edges ascend: the bin is the last one that begins at or below the value.
      var (low, high) = (0, edges.count)
      while low + 1 < high {
        let middle = (low + high) / 2
        if divergence < edges[middle] { high = middle } else { low = middle }
      }
      counts[low] += 1
    }
    return edges.indices.map { index in
      HistogramBin(
        from: edges[index], to: index + 1 < edges.count ? edges[index + 1] : .infinity,
        count: counts[index])
    }
  }

  /// Where bins begin. Powers of ten are exact; between them lie 10^¼, 10^½ and 10^¾ times as much.
  private static let histogramEdges: [Double] =
    [0]
    + [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1].flatMap { power in
      [1, 1.7782794100389228, 3.1622776601683795, 5.623413251903491].map { power * $0 }
    } + [10]

  /// Takes positions that follow each other together, so that a long text can be drawn.
  ///
  /// - Parameters:
  ///   - texts: Each text's name and the divergence at each of its positions.
  ///   - bins: About how many bins to make of all texts; each text has a last one that may be smaller.
  /// - Returns: Bins of the same number of positions, in the order of the texts.
  package static func profile(
    of texts: [(text: String, divergences: [Double])], bins: Int = 400
  ) -> [ProfileBin] {
    let total = texts.reduce(0) { $0 + $1.divergences.count }
    let wanted = max(bins, 1)
    let size = max(1, total / wanted + (total % wanted > 0 ? 1 : 0))
    return texts.flatMap { text in
      stride(from: 0, to: text.divergences.count, by: size).map { first in
        let values = text.divergences[first..<min(first + size, text.divergences.count)]
        return ProfileBin(
          text: text.text, first: first, count: values.count,
          mean: values.reduce(0, +) / Double(values.count), maximum: values.max() ?? 0)
      }
    }
  }
}

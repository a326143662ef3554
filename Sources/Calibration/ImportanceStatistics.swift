package import WeightmillQuantization
package import WeightmillTensors

/// What an importance matrix says, in a few figures for each tensor and each layer: those of
/// `llama-imatrix --show-statistics`, computed in binary64.
///
/// The values are mean squares of inputs, one for each column of each matrix for which anything was
/// gathered. Source of the formulas: `tools/imatrix/imatrix.cpp` of llama.cpp; `formats/imatrix.md` section 7.
package struct ImportanceStatistics: Equatable, Sendable {
  /// Below this a column counts as unused.
  private static let leastActive = 1e-5

  /// The figures of one tensor.
  package struct Tensor: Equatable, Sendable, Encodable {
    /// The tensor's name in GGUF files.
    package let name: String
    /// The number of its layer; `nil` outside of layers.
    package let layer: Int?
    /// The number of values.
    package let values: Int
    /// The sum of the values: Σ(Act²).
    package let sum: Double
    /// The smallest value.
    package let minimum: Double
    /// The largest value.
    package let maximum: Double
    /// The mean of the values.
    package let mean: Double
    /// The standard deviation of the values.
    package let deviation: Double
    /// The share of values above 10⁻⁵.
    package let active: Double
    /// The entropy of the values as shares of their sum, in bits.
    package let entropy: Double
    /// The entropy as a share of what equal values would have; `nil` for one value.
    package let normalizedEntropy: Double?
    /// The share of values more than one standard deviation above the mean: ZD.
    package let high: Double
    /// The cosine of the angle between the sums of this tensor and those of the same one a layer before.
    package let cosine: Double?
    /// The share of the sum that the means of inputs make, Σ(mean²) / Σ(mean of squares); `nil` where means
    /// were not gathered.
    package let meanShare: Double?
  }

  /// The figures of a layer: means over its tensors, each weighted by its number of values.
  package struct Layer: Equatable, Sendable, Encodable {
    /// The number of the layer.
    package let layer: Int
    /// The mean of Σ(Act²).
    package let sum: Double
    /// The mean of ZD.
    package let high: Double
    /// The mean cosine, 0 for tensors without a layer before.
    package let cosine: Double
  }

  /// The tensors, those of one kind together, the largest sums first.
  package let tensors: [Tensor]
  /// The layers, in order.
  package let layers: [Layer]
  /// The tensors for which nothing was gathered.
  package let empty: [String]

  /// Computes the figures of a matrix.
  ///
  /// - Parameter matrix: The matrix.
  package init(_ matrix: ImportanceMatrix) {
    var (tensors, empty) = ([Tensor](), [String]())
    for name in matrix.names {
      guard let entry = matrix.entries[name] else { continue }
      if let tensor = Self.tensor(name.text, entry, in: matrix) {
        tensors.append(tensor)
      } else {
        empty.append(name.text)
      }
    }
    self.tensors = tensors.sorted {
      let (left, right) = (Self.kind($0.name), Self.kind($1.name))
      guard left == right else { return left.utf8.lexicographicallyPrecedes(right.utf8) }
      return ($1.sum, $0.name) < ($0.sum, $1.name)
    }
    self.empty = empty
    let numbers = Set(tensors.compactMap(\.layer)).sorted()
    layers = numbers.map { number in Self.layer(number, tensors.filter { $0.layer == number }) }
  }

  /// The number in `blk.NUMBER.`.
  private static func layer(of name: String) -> Int? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count > 2, parts[0] == "blk", let number = Int(parts[1]), number >= 0 else {
      return nil
    }
    return number
  }

  /// A name without its layer and ending, `attn_q`.
  package static func kind(_ name: String) -> String {
    var parts = name.split(separator: ".", omittingEmptySubsequences: false)
    if layer(of: name) != nil { parts.removeFirst(2) }
    if parts.count > 1, parts.last == "weight" { parts.removeLast() }
    return parts.joined(separator: ".")
  }

  private static func tensor(
    _ name: String, _ entry: ImportanceMatrix.Entry, in matrix: ImportanceMatrix
  ) -> Tensor? {
    var values: [Double] = []
    for (index, sum) in entry.sums.enumerated() {
      let count = entry.counts[index / entry.columns]
      if count > 0 { values.append(Double(sum) / Double(count)) }
    }
    guard let minimum = values.min(), let maximum = values.max() else { return nil }
    let number = Double(values.count)
    let sum = values.reduce(0, +)
    let mean = sum / number
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / number
    let deviation = variance.squareRoot()
    let entropy =
      sum > 0
      ? values.reduce(0.0) { total, value in
        let share = value / sum
        return share > 0 ? total - share * Elementary.logarithm(share) : total
      } : 0
    let bit = Elementary.logarithm(2)
    let layer = layer(of: name)
    return Tensor(
      name: name, layer: layer, values: values.count, sum: sum, minimum: minimum,
      maximum: maximum, mean: mean, deviation: deviation,
      active: Double(values.count { $0 > leastActive }) / number, entropy: entropy / bit,
      normalizedEntropy: values.count > 1 ? entropy / Elementary.logarithm(number) : nil,
      high: deviation > 0
        ? Double(values.count { ($0 - mean) / deviation > 1 }) / number : 0,
      cosine: layer.flatMap { number in
        let before = name.replacing(
          "blk.\(number).", with: "blk.\(number - 1).", maxReplacements: 1)
        return matrix.entries[TensorName(before)].flatMap { cosine(entry.sums, $0.sums) }
      },
      meanShare: meanShare(entry, of: sum))
  }

  private static func cosine(_ sums: [Float], _ others: [Float]) -> Double? {
    guard sums.count == others.count else { return nil }
    var (product, left, right) = (0.0, 0.0, 0.0)
    for (a, b) in zip(sums, others) {
      product += Double(a) * Double(b)
      left += Double(a) * Double(a)
      right += Double(b) * Double(b)
    }
    return left > 0 && right > 0 ? product / (left.squareRoot() * right.squareRoot()) : nil
  }

  private static func meanShare(_ entry: ImportanceMatrix.Entry, of sum: Double) -> Double? {
    guard let inputs = entry.inputSums, sum > 0 else { return nil }
    let squares = inputs.enumerated().reduce(0.0) { total, item in
      let count = Double(entry.counts[item.offset / entry.columns])
      let mean = count > 0 ? Double(item.element) / count : 0
      return total + mean * mean
    }
    return squares / sum
  }

  private static func layer(_ number: Int, _ tensors: [Tensor]) -> Layer {
    let total = tensors.reduce(0.0) { $0 + Double($1.values) }
    func mean(_ figure: (Tensor) -> Double) -> Double {
      tensors.reduce(0.0) { $0 + Double($1.values) * figure($1) } / total
    }
    return Layer(
      layer: number, sum: mean(\.sum), high: mean(\.high), cosine: mean { $0.cosine ?? 0 })
  }
}

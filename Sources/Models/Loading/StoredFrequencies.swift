import WeightmillLLaMA
import WeightmillTensors

/// Rotary frequencies that a checkpoint holds beside its configuration, from which they follow.
///
/// No program reads them, but they tell what base the weights were trained with: Code Llama's beside
/// Llama 2's `params.json` are of another base.
struct StoredFrequencies {
  /// The base that the frequencies are of, where it is another than the configuration's.
  private let other: (tensor: String, base: Double)?
  private let configuration: LlamaConfiguration

  /// How far a frequency may be from the configuration's: numbers in bfloat16 are within 0.4 %.
  private static let tolerance = 0.05

  /// Reads the first frequencies that a checkpoint holds; those of scaled angles may be scaled or not, and
  /// tell nothing.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - catalogue: The checkpoint's tensors under their scheme's names, frequencies among them.
  /// - Throws: Reading errors.
  init(_ model: LlamaModel, _ catalogue: any Catalogue) throws(WeightmillError) {
    configuration = model.configuration
    let count = configuration.headDimension / 2
    let index = catalogue.tensors.firstIndex { tensor in
      guard case .rotaryFrequencies? = model.scheme.role(of: tensor.name, in: model.architecture)
      else { return false }
      return tensor.shape.extents == [count] && [.f32, .bf16, .f16].contains(tensor.type)
    }
    guard let index, count > 1, configuration.rotaryScaling == .none else {
      other = nil
      return
    }
    let tensor = catalogue.tensors[index]
    let values = ScalarRows.values(
      try catalogue.bytes(rows: 0..<1, ofTensor: index), as: tensor.type
    ).map(Double.init)
    let base = Self.base(of: values)
    let expected = configuration.ropeBase
    guard let base, abs(base / expected - 1) > Self.tolerance else {
      other = nil
      return
    }
    other = (tensor.name, base)
  }

  /// The base b of frequencies b^(-i/n), i = 0 … n - 1; `nil` for numbers that are none, such as a
  /// delta's.
  private static func base(of values: [Double]) -> Double? {
    // Half precision has few digits for the slowest: the last one that has enough of them counts.
    guard let last = values.lastIndex(where: { $0 > 1e-4 && $0 < 0.5 }), last > 0,
      abs(values[0] - 1) < tolerance
    else { return nil }
    let count = Double(values.count)
    let base = Elementary.exponential(
      -Elementary.logarithm(values[last]) * count / Double(last))
    let isGeometric = values[..<last].enumerated().allSatisfy { index, value in
      let expected = Elementary.exponential(-Elementary.logarithm(base) * Double(index) / count)
      return abs(value / expected - 1) < tolerance
    }
    return isGeometric ? base : nil
  }

  /// What the user should know: the frequencies' base beside the configuration's.
  var notes: [String] {
    guard let other else { return [] }
    return [
      "\(quoted(other.tensor)) holds rotary frequencies of base \(Self.short(other.base)), but the "
        + "configuration's is \(Self.short(configuration.ropeBase)), which is used: is it the "
        + "configuration of these weights (rope_theta)?"
    ]
  }

  /// A number with three digits that count.
  private static func short(_ value: Double) -> String {
    var (unit, rest) = (1.0, value)
    while rest >= 1000 { (unit, rest) = (unit * 10, rest / 10) }
    let rounded = rest.rounded() * unit
    return rounded < 1e15 ? "\(Int(rounded))" : "\(value)"
  }
}

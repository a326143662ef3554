import WeightmillCalibration
import WeightmillDigests
package import WeightmillLLaMA
public import WeightmillModels
import WeightmillQuantization
public import WeightmillTensors
import WeightmillTokenization

extension Sensitivities.Origin {
  /// Describes what is measured.
  ///
  /// - Parameters:
  ///   - model: The model, in the names of GGUF files.
  ///   - importance: What guides the encoders.
  ///   - text: The windows of the model in each type.
  ///   - sample: Those of the matrices alone.
  ///   - types: The types.
  /// - Throws: Reading errors.
  init(
    _ model: LlamaModel, importance: ImportanceMatrix?, text: CalibrationText,
    sample: CalibrationText, types: [TensorType]
  ) throws(WeightmillError) {
    self.init(
      model: try ModelDigest.of(model), text: Self.digest(of: text, sample),
      importance: importance.map(Self.digest) ?? "", tokens: text.windows.tokenCount,
      sample: sample.windows.tokenCount, names: text.names, types: types)
  }

  private static func digest(of text: CalibrationText, _ sample: CalibrationText) -> String {
    var hash = SHA256()
    hash.update(Array((text.digest + sample.digest).utf8))
    return hash.half
  }

  private static func digest(_ importance: ImportanceMatrix) -> String {
    var hash = SHA256()
    for name in importance.names {
      hash.update(Array("\(name.text)\n".utf8))
      hash.update((importance.entries[name]?.weights ?? [])[...])
    }
    return hash.half
  }

  /// What differs from what was measured before; `nil` if nothing does.
  func difference(from other: Self) -> String? {
    if model != other.model { return "it is another model" }
    if text != other.text {
      return "\(tokens) and \(sample) tokens, not the \(other.tokens) and \(other.sample) of before"
    }
    if importance != other.importance { return "another importance guides the encoders" }
    let (now, before) = (types.map(\.name), other.types.map(\.name))
    return now == before
      ? nil : "types \(now.joined(separator: ", ")), not \(before.joined(separator: ", "))"
  }
}

extension Sensitivities {
  /// Whether a model is the one that was measured.
  ///
  /// - Parameter model: The model, in the names of GGUF files.
  /// - Returns: Whether its tensors have the same names and shapes, and begin with the same values.
  /// - Throws: Reading errors.
  package func isOf(_ model: LlamaModel) throws(WeightmillError) -> Bool {
    try ModelDigest.of(model) == origin.model
  }

  /// Whether a model is the one that was measured: types that are best for another one of the same shape may not be
  /// the best for it.
  ///
  /// - Parameter model: The model.
  /// - Returns: Whether its tensors have the same names and shapes, and begin with the same values.
  /// - Throws: Reading errors.
  public func isOf(_ model: LoadedModel) throws(WeightmillError) -> Bool {
    try isOf(try model.llama.inGGUFOrder())
  }
}

extension SHA256 {
  /// The first half of its digits: nobody has a reason to forge it.
  fileprivate var half: String { String(hexadecimal.prefix(32)) }

  fileprivate mutating func update(_ values: ArraySlice<Float>) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(4 * values.count)
    for value in values {
      for shift in stride(from: 0, to: 32, by: 8) {
        bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(shift)))
      }
    }
    update(bytes)
  }
}

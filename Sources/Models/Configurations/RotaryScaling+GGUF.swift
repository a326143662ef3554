import WeightmillGGUF
import WeightmillLLaMA
import WeightmillTensors

extension RotaryScaling {
  /// Reads how a GGUF file says that rotary angles are scaled, as llama.cpp's loader reads it: a
  /// factor without a type is linear, and of YaRN nothing but factor and original length is taken.
  ///
  /// - Parameters:
  ///   - metadata: The file's metadata.
  ///   - architecture: The file's architecture.
  ///   - contextLength: The model's context length, in tokens.
  ///   - hasFactors: Whether the file has factors of frequencies for long texts as a tensor.
  ///   - location: The file, for messages.
  /// - Throws: `unsupported` for what is not computed, `malformed` for values of another type.
  init(
    gguf metadata: GGUFMetadata, of architecture: Architecture, contextLength: Int,
    hasFactors: Bool, location: String
  ) throws(WeightmillError) {
    func malformed(_ key: Architecture.Key, _ problem: String) -> WeightmillError {
      WeightmillError(
        .malformed, location, "the key \(quoted(architecture.name(of: key))) \(problem)")
    }
    func number(_ key: Architecture.Key) throws(WeightmillError) -> Double? {
      try metadata.number(architecture.name(of: key), location: location)
    }
    let typeValue = metadata[architecture.name(of: .ropeScalingType)]
    let type = typeValue?.string
    if typeValue != nil, type == nil { throw malformed(.ropeScalingType, "is no text") }
    let (newer, older) = (try number(.ropeScalingFactor), try number(.ropeScaleLinear))
    // Zero is how files say that there is none.
    let said = newer ?? older ?? 0
    let factor = said == 0 ? 1 : said
    let attention = try number(.ropeAttentionFactor) ?? 1
    let original = try number(.ropeOriginalContextLength) ?? Double(contextLength)
    guard let length = Int(exactly: original) else {
      throw malformed(.ropeOriginalContextLength, "is no length")
    }
    let isImplied = hasFactors && architecture.impliesRopeScaling
    switch type ?? (isImplied ? "longrope" : "linear") {
    case "none": self = .none
    case "linear": self = factor == 1 ? .none : .linear(factor: factor)
    case "yarn":
      var yarn = YaRN(factor: factor, originalContextLength: length)
      if attention != 1 { yarn.attentionFactor = attention * yarn.usualAttentionFactor }
      self = factor == 1 ? .none : .yarn(yarn)
    case "longrope":
      self = .longRope(LongRoPE(originalContextLength: length, attentionFactor: attention))
    default:
      throw WeightmillError(
        .unsupported, location, "uses rope scaling \(quoted(type ?? "")), which is not supported")
    }
    let isApplied = self != .none
    switch self {
    case .yarn: break
    case .longRope where factor == 1: break
    case .none where attention == 1, .linear where attention == 1: break
    default:
      throw WeightmillError(
        .unsupported, location,
        "scales rotary angles by several keys at once (\(isApplied ? name : "no type")), which is "
          + "not computed")
    }
  }
}

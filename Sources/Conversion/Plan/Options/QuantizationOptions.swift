import WeightmillGGUF
public import WeightmillQuantization
public import WeightmillTensors

/// The types of a GGUF file and the encoding of its matrices: llama-quantize's options.
public struct QuantizationOptions: Sendable {
  /// The mix of types; `nil`: all tensors of a GGUF file keep their types (llama-quantize's COPY).
  public var mix: TypeMix?
  /// The way encoders choose scales.
  public var method = EncodingMethod.best
  /// The importance of each column, if it is known.
  public var importance: ImportanceSelection?
  /// Whether text will guide the encoder, so that no type lacks importance and mixes are those with it.
  public var isCalibrated = false
  /// Types for tensors whose names match; the first that matches decides.
  public var tensorTypes: [TensorTypeRule] = []
  /// The types of tensors one by one, in place of the mix's, as an allocation has chosen them.
  package var chosenTypes: [TensorName: TensorType] = [:]
  /// The type of the output matrix, whatever the mix says.
  public var outputType: TensorType?
  /// The type of the embeddings, whatever the mix says.
  public var embeddingType: TensorType?
  /// Whether `output.weight` keeps its type.
  public var leavesOutput = false
  /// Whether all matrices get the base type of the mix.
  public var isPure = false
  /// Whether tensors may be quantized a second time.
  public var allowsRequantizing = false
  /// The layers that are left out.
  public var prunedLayers: Set<Int> = []
  /// Metadata to be written whatever the input says.
  public var overrides: [MetadataOverride] = []
  /// Whether one file is written for each file of a split input.
  public var keepsSplit = false

  /// Asks for a mix and nothing else.
  ///
  /// - Parameter mix: The mix; `nil`: all tensors keep their types.
  public init(_ mix: TypeMix?) { self.mix = mix }

  /// The types that a tensor can be given by name: those that GGUF has for weights.
  package static let types = TensorType.allCases.filter { type in
    guard type.ggufCode != nil else { return false }
    return type.isFloat ? type != .f64 : !type.isScalar && type != .q8_1 && type != .q8_K
  }

  /// A type by its name in any case of letters.
  ///
  /// - Parameters:
  ///   - name: The name, such as `q6_k`.
  ///   - option: The option it was given to.
  /// - Returns: The type.
  /// - Throws: `usage` when no tensor can be given it.
  package static func type(
    named name: String, for option: String
  ) throws(WeightmillError) -> TensorType {
    guard let type = types.first(where: { $0.name.uppercased() == name.uppercased() }) else {
      let isMix = TypeMix(name: name) != nil
      throw WeightmillError(
        .usage, option, "\(quoted(name)) is \(isMix ? "a mix of types" : "no type")",
        remedy: "types: " + types.map { $0.name.lowercased() }.joined(separator: ", "))
    }
    return type
  }
}

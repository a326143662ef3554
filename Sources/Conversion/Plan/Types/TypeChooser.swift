import WeightmillLLaMA
import WeightmillQuantization
import WeightmillTensors

/// Chooses the type of each tensor of a GGUF file: what the options say, else what the mix says.
///
/// It remembers which options decided something, so that those that did not can be reported.
struct TypeChooser {
  private let options: QuantizationOptions
  private let model: MixedModel
  private let location: String
  private let matchers: [TensorNameMatcher?]
  private var decided: [Int]
  private var leftOutput = false
  private var usedOutputType = false
  private var usedEmbeddingType = false

  /// Prepares to choose.
  ///
  /// - Parameters:
  ///   - options: What was asked for.
  ///   - model: The model, pruned if layers are left out.
  init(_ options: QuantizationOptions, _ model: LlamaModel) {
    self.options = options
    self.model = MixedModel(
      layerCount: model.configuration.layerCount, headCount: model.configuration.headCount,
      keyValueHeadCount: model.configuration.keyValueHeadCount,
      tiesEmbeddings: model.tiesEmbeddings,
      hasImportance: options.importance?.entries.isEmpty == false)
    location = model.catalogue.location
    matchers = options.tensorTypes.map(\.matcher)
    decided = [Int](repeating: 0, count: matchers.count)
  }

  /// The type of a tensor.
  ///
  /// - Parameters:
  ///   - tensor: The tensor, under its name in the GGUF file.
  ///   - role: What it is for; `nil` if that is not known.
  /// - Returns: The type, and the wanted one if the rows do not allow it.
  /// - Throws: `unsupported` when no type takes rows of that length in place of the wanted one.
  mutating func choose(
    _ tensor: TensorDescriptor, _ role: TensorRole?
  ) throws(WeightmillError) -> FittingType {
    let columns = tensor.shape.columns
    guard let mix = options.mix else { return FittingType(kept: tensor.type) }
    let choice: FittingType?
    if tensor.shape.extents.count < 2 || role?.isNorm == true {
      choice = FittingType(.f32, columns: columns)
    } else if role == .output, options.leavesOutput {
      leftOutput = true
      choice = FittingType(tensor.type, columns: columns)
    } else if let type = forced(role) ?? matched(tensor.name) {
      choice = FittingType(type, columns: columns)
    } else if options.isPure {
      choice = FittingType(mix.baseType, columns: columns)
    } else {
      choice = mix.type(of: role, in: model, columns: columns)
    }
    guard let choice else {
      throw WeightmillError(
        .unsupported, location,
        "the rows of tensor \(quoted(tensor.name)) hold \(columns) values, which no type like "
          + "\(mix.baseType.name) takes", remedy: "choose another type")
    }
    return choice
  }

  /// The type that `--output-tensor-type` or `--token-embedding-type` gives.
  private mutating func forced(_ role: TensorRole?) -> TensorType? {
    if role == .tokenEmbedding, let type = options.embeddingType {
      usedEmbeddingType = true
      return type
    }
    let isOutput = role == .output || (role == .tokenEmbedding && model.tiesEmbeddings)
    guard isOutput, let type = options.outputType else { return nil }
    usedOutputType = true
    return type
  }

  private mutating func matched(_ name: String) -> TensorType? {
    guard let index = matchers.firstIndex(where: { $0?.matches(name) == true }) else { return nil }
    decided[index] += 1
    return options.tensorTypes[index].type
  }

  /// The options that had no effect.
  var notes: [String] {
    var notes = zip(options.tensorTypes, decided).filter { $1 == 0 }
      .map { "--tensor-type \(quoted($0.0.text)) decides the type of no tensor" }
    if options.leavesOutput, !leftOutput {
      notes.append("--leave-output-tensor has no effect: there is no output.weight")
    }
    if options.outputType != nil, !usedOutputType {
      notes.append("--output-tensor-type has no effect on any tensor")
    }
    if options.embeddingType != nil, !usedEmbeddingType {
      notes.append("--token-embedding-type has no effect on any tensor")
    }
    return notes
  }
}

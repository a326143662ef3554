import WeightmillLLaMA
import WeightmillQuantization
import WeightmillTensors

/// Chooses the type of each tensor of a GGUF file: what the options say, else what the mix says.
///
/// It remembers which options decided something, so that those that did not can be reported.
struct TypeChooser {
  private let options: QuantizationOptions
  private let source: MixedSource
  private let model: MixedModel
  private let matchers: [TensorNameMatcher?]
  private var decided: [Int]
  private var leftOutput = false
  private var usedOutputType = false
  private var usedEmbeddingType = false

  /// Prepares to choose.
  ///
  /// - Parameters:
  ///   - options: What was asked for.
  ///   - source: The tensors, pruned if layers are left out.
  init(_ options: QuantizationOptions, _ source: MixedSource) {
    self.options = options
    self.source = source
    var model = source.model
    model.hasImportance =
      options.isCalibrated || options.importance?.entries.isEmpty == false
    self.model = model
    matchers = options.tensorTypes.map(\.matcher)
    decided = [Int](repeating: 0, count: matchers.count)
  }

  /// A tensor's type.
  struct Choice {
    /// The type, and the wanted one if the rows do not allow it.
    let type: FittingType
    /// Whether the tensor could have another type: neither an option nor its kind decides.
    let isFree: Bool
  }

  /// The type of a tensor.
  ///
  /// - Parameter tensor: The tensor, under its name in the GGUF file.
  /// - Returns: The type.
  /// - Throws: `unsupported` when no type takes rows of that length in place of the wanted one.
  mutating func choose(_ tensor: TensorDescriptor) throws(WeightmillError) -> Choice {
    let columns = tensor.shape.columns
    guard let mix = options.mix, let category = source.category(of: tensor) else {
      return Choice(type: FittingType(kept: tensor.type), isFree: false)
    }
    let choice: FittingType?
    var isFree = false
    if tensor.shape.extents.count < 2 || source.role(of: tensor.name)?.isNorm == true {
      choice = FittingType(.f32, columns: columns)
    } else if category == .output, options.leavesOutput {
      leftOutput = true
      choice = FittingType(tensor.type, columns: columns)
    } else if let type = forced(category) ?? matched(tensor.name) {
      choice = FittingType(type, columns: columns)
    } else if let type = options.chosenTypes[TensorName(tensor.name)] {
      isFree = true
      choice = FittingType(type, columns: columns)
    } else if options.isPure {
      choice = FittingType(mix.baseType, columns: columns)
    } else {
      isFree = true
      choice = mix.type(
        of: category, index: source.index(of: tensor.name), in: model, columns: columns,
        isExpert: tensor.shape.extents.count > 2)
    }
    guard let choice else {
      throw WeightmillError(
        .unsupported, source.location,
        "the rows of tensor \(quoted(tensor.name)) hold \(columns) values, which no type like "
          + "\(mix.baseType.name) takes", remedy: "choose another type")
    }
    return Choice(type: choice, isFree: isFree)
  }

  /// The type that `--output-tensor-type` or `--token-embedding-type` gives.
  private mutating func forced(_ category: TensorCategory) -> TensorType? {
    if category == .tokenEmbedding, let type = options.embeddingType {
      usedEmbeddingType = true
      return type
    }
    let isOutput =
      category == .output || (category == .tokenEmbedding && model.tiesEmbeddings)
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

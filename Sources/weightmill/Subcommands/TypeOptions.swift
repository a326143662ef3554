import ArgumentParser
import WeightmillConversion
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors

/// The options of commands that choose the types of a GGUF file: those of llama-quantize.
struct TypeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A file that says how much each column of each matrix matters (weightmill imatrix).",
      valueName: "file"), completion: .file())
  private var imatrix: String?

  @Option(
    help: ArgumentHelp(
      "Use the imatrix for tensors with this text in their names only (repeatable).",
      valueName: "text"))
  private var includeWeights: [String] = []

  @Option(
    help: ArgumentHelp(
      "Do not use the imatrix for tensors with this text in their names (repeatable).",
      valueName: "text"))
  private var excludeWeights: [String] = []

  @Option(
    help: ArgumentHelp(
      "The type of tensors whose names match; the first match decides (repeatable).",
      valueName: "regex=type"))
  private var tensorType: [String] = []

  @Option(
    help: ArgumentHelp("A file of such REGEX=TYPE, taken after --tensor-type.", valueName: "file"),
    completion: .file())
  private var tensorTypeFile: String?

  @Option(help: ArgumentHelp("The type of output.weight.", valueName: "type"))
  private var outputTensorType: String?

  @Option(help: ArgumentHelp("The type of token_embd.weight.", valueName: "type"))
  private var tokenEmbeddingType: String?

  @Flag(help: "Leave output.weight in the type it has.")
  private var leaveOutputTensor = false

  @Flag(help: "Give all matrices the base type, with no mix.")
  private var pure = false

  @Flag(help: "Accept a file that is quantized already, and lose twice.")
  private var allowRequantize = false

  @Option(
    help: ArgumentHelp("Leave layers out, and number the others anew.", valueName: "3,5,…"))
  private var pruneLayers: LayerList?

  @Option(
    help: ArgumentHelp(
      "Set a metadata key; TYPE is int, float, bool or str (repeatable).",
      valueName: "key=type:value"))
  private var overrideKv: [String] = []

  @Flag(help: "Write one file for each file of a split input.")
  var keepSplit = false

  @Option(help: "How scales are chosen: best, or compatible with llama.cpp's bytes.")
  private var encoder: EncoderOption?

  /// Whether layers are left out.
  var prunesLayers: Bool { pruneLayers != nil }

  /// The option that was given first, for commands that take none of them.
  var given: String? { all.first { $0.isGiven }?.name }

  /// The option that was given first of those that say something of types or encoders.
  var givenOfTypes: String? {
    let others = ["--allow-requantize", "--prune-layers", "--override-kv", "--keep-split"]
    return all.first { $0.isGiven && !others.contains($0.name) }?.name
  }

  private var all: [(name: String, isGiven: Bool)] {
    [
      ("--imatrix", imatrix != nil), ("--include-weights", !includeWeights.isEmpty),
      ("--exclude-weights", !excludeWeights.isEmpty), ("--tensor-type", !tensorType.isEmpty),
      ("--tensor-type-file", tensorTypeFile != nil),
      ("--output-tensor-type", outputTensorType != nil),
      ("--token-embedding-type", tokenEmbeddingType != nil),
      ("--leave-output-tensor", leaveOutputTensor), ("--pure", pure),
      ("--allow-requantize", allowRequantize), ("--prune-layers", pruneLayers != nil),
      ("--override-kv", !overrideKv.isEmpty), ("--keep-split", keepSplit),
      ("--encoder", encoder != nil),
    ]
  }

  func validate() throws {
    if !includeWeights.isEmpty, !excludeWeights.isEmpty {
      throw ValidationError("--include-weights and --exclude-weights exclude each other")
    }
    if imatrix == nil, !includeWeights.isEmpty || !excludeWeights.isEmpty {
      throw ValidationError(
        "\(includeWeights.isEmpty ? "--exclude-weights" : "--include-weights") goes with --imatrix")
    }
    if leaveOutputTensor, outputTensorType != nil {
      throw ValidationError("--leave-output-tensor and --output-tensor-type exclude each other")
    }
    if encoder?.method == .compatible, imatrix != nil {
      throw ValidationError("--encoder compatible has no closed forms with --imatrix")
    }
  }

  /// Refuses what has no meaning where types are chosen for a size.
  func checkAllocated() throws {
    if pure {
      throw ValidationError("--pure gives all matrices one type: a size chooses for each by itself")
    }
    if prunesLayers {
      throw ValidationError(
        "types are measured on the whole model: prune it in a step before, to f16")
    }
    if encoder?.method == .compatible {
      throw ValidationError("--encoder compatible is not what the types are measured with")
    }
  }

  /// Refuses what cannot be had with error feedback.
  func checkCalibrated(_ option: String) throws {
    if encoder?.method == .compatible {
      throw ValidationError("--encoder compatible has no closed forms with \(option)")
    }
    if prunesLayers {
      throw ValidationError(
        "\(option) learns from the whole model: prune it in a step before, to f16")
    }
  }

  /// What was asked for.
  ///
  /// - Parameter mix: The mix of types; `nil`: all tensors keep their types.
  /// - Returns: The options.
  /// - Throws: `usage` for options that make no sense; the errors of the files.
  func options(_ mix: TypeMix?) throws(WeightmillError) -> QuantizationOptions {
    var options = QuantizationOptions(mix)
    options.method = encoder?.method ?? .best
    for text in tensorType { options.tensorTypes.append(try TensorTypeRule(text)) }
    if let tensorTypeFile { options.tensorTypes += try TensorTypeRule.all(path: tensorTypeFile) }
    for text in overrideKv { options.overrides.append(try MetadataOverride(text)) }
    if let outputTensorType {
      options.outputType = try QuantizationOptions.type(
        named: outputTensorType, for: "--output-tensor-type")
    }
    if let tokenEmbeddingType {
      options.embeddingType = try QuantizationOptions.type(
        named: tokenEmbeddingType, for: "--token-embedding-type")
    }
    options.leavesOutput = leaveOutputTensor
    options.isPure = pure
    options.allowsRequantizing = allowRequantize
    options.prunedLayers = pruneLayers?.layers ?? []
    options.keepsSplit = keepSplit
    if let imatrix {
      options.importance = ImportanceSelection(
        try ImatrixFile.read(imatrix), path: imatrix, filter: filter)
    }
    return options
  }

  private var filter: ImportanceSelection.Filter {
    if !includeWeights.isEmpty { return .including(includeWeights) }
    return excludeWeights.isEmpty ? .all : .excluding(excludeWeights)
  }
}

/// Numbers of layers with commas between them.
private struct LayerList: ExpressibleByArgument {
  let layers: Set<Int>

  init?(argument: String) {
    let numbers = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    let layers = numbers.compactMap(\.self)
    guard layers.count == numbers.count, layers.allSatisfy({ $0 >= 0 }) else { return nil }
    self.layers = Set(layers)
  }
}

/// The name of an encoding method.
private struct EncoderOption: ListedArgument {
  static let allValueStrings = EncodingMethod.allCases.map(\.rawValue)

  let method: EncodingMethod

  init?(argument: String) {
    guard let method = EncodingMethod(rawValue: argument.lowercased()) else { return nil }
    self.method = method
  }
}

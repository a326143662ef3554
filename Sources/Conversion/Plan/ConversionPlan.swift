public import GGUF
import LLaMA
import Quantization
public import Tensors

/// What a conversion will write: every tensor in its order, with its source and its type.
///
/// A plan is a plain value. Printing it shows what would be done, `ConversionRun` does it.
public struct ConversionPlan: Sendable {
  /// One tensor of the output.
  public struct Item: Sendable {
    /// The tensor to be written.
    public let tensor: TensorDescriptor
    /// Its place in `source`.
    public let index: Int
    /// How many neighbouring rows are best read together: a head's, where rows change places.
    public let rowGroup: Int
    /// The type the mix asks for, if the length of the rows did not allow it.
    public let fallbackFrom: TensorType?
  }

  /// What holds the tensors.
  public enum Output: Sendable {
    /// One GGUF file with this metadata.
    case gguf(GGUFMetadata)
    /// A folder in Hugging Face's layout.
    case huggingFace(HuggingFaceFolder)
  }

  /// The tensors in the output's names and row order.
  public let source: any Catalogue
  /// The tensors to be written.
  public let items: [Item]
  /// What will hold them.
  public let output: Output
  /// Files that are read: the output must be none of them.
  public let inputs: [String]
  /// What was asked for: a folder that is written must not lie in one of these.
  public let origins: [String]
  /// Whether the values are sums of a base and a delta, which messages about them say.
  public let isMerged: Bool
  /// What the user should know.
  public let notes: [String]

  /// Plans the conversion of a checkpoint to a GGUF file.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - mix: The types.
  ///   - name: What `general.name` shall say.
  /// - Throws: `noInput` when the model has no tokenizer, `unsupported` when it is of another kind.
  public init(
    convert model: LoadedModel, to mix: TypeMix, name: String
  ) throws(WeightmillError) {
    guard model.metadata == nil else {
      throw WeightmillError(
        .unsupported, model.llama.catalogue.location, "is a GGUF file already",
        remedy: "use `weightmill quantize` to change its types")
    }
    guard model.vocabulary != nil else {
      if let error = model.bytePairOnly { throw error }
      throw WeightmillError(
        .noInput, model.llama.catalogue.location, "has no tokenizer.model",
        remedy: "put the model's tokenizer.model into its folder")
    }
    let view = LlamaView(model.llama, as: .gguf)
    source = view
    items = Self.items(
      view, model.llama, mix,
      rowGroup: model.llama.scheme.rowOrder == NamingScheme.gguf.rowOrder
        ? 1 : model.llama.configuration.headDimension)
    output = .gguf(GGUFMetadata(model, name: name, fileType: mix.fileType))
    inputs = model.files
    origins = model.origins
    isMerged = model.mergeRule != nil
    notes = []
  }

  /// Plans a folder in Hugging Face's layout, which transformers loads.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - type: The type of all tensors; `nil` keeps what each has.
  ///   - maximumShardSize: How many bytes of tensors a file may hold; one that alone holds more
  ///     gets a file to itself.
  /// - Throws: `unsupported` when the model is a GGUF file, or would keep a type that transformers
  ///   does not compute in; the errors of reading its configuration and tokenizer.
  public init(
    huggingFace model: LoadedModel, as type: TensorType? = nil,
    maximumShardSize: Int = HuggingFaceFolder.defaultShardSize
  ) throws(WeightmillError) {
    let view = LlamaView(model.llama, as: .huggingFace)
    guard model.metadata == nil else {
      throw WeightmillError(
        .unsupported, view.location, "is a GGUF file, of which no Hugging Face folder is made",
        remedy: "start from the original checkpoint")
    }
    if type == nil, let other = view.tensors.first(where: { !FloatScan.types.contains($0.type) }) {
      throw WeightmillError(
        .unsupported, view.location,
        "tensor \(quoted(other.name)) is of type \(other.type.name), in which transformers runs "
          + "no model", remedy: "give the type to write, such as --type bf16")
    }
    let rowGroup =
      model.llama.scheme.rowOrder == NamingScheme.huggingFace.rowOrder
      ? 1 : model.llama.configuration.headDimension
    items = view.tensors.enumerated().map { index, tensor in
      Item(
        tensor: TensorDescriptor(
          name: tensor.name, type: type ?? tensor.type, shape: tensor.shape),
        index: index,
        rowGroup: NamingScheme.huggingFace.role(of: tensor.name)?.isRotated == true ? rowGroup : 1,
        fallbackFrom: nil)
    }
    source = view
    let folder = try HuggingFaceFolder(
      model, tensors: items.map(\.tensor), maximumShardSize: maximumShardSize)
    output = .huggingFace(folder)
    inputs = model.files
    origins = model.origins
    isMerged = model.mergeRule != nil
    notes = folder.notes
  }

  /// Plans the quantization of a GGUF file: its metadata and its order of tensors are kept.
  ///
  /// - Parameters:
  ///   - model: The model, from a GGUF file.
  ///   - mix: The types.
  ///   - allowsRequantizing: Whether tensors may be quantized a second time.
  /// - Throws: `unsupported` when the file is quantized already.
  public init(
    quantize model: LoadedModel, to mix: TypeMix, allowsRequantizing: Bool
  ) throws(WeightmillError) {
    let catalogue = model.llama.catalogue
    guard var metadata = model.metadata else {
      throw WeightmillError(
        .unsupported, catalogue.location, "is not a GGUF file",
        remedy: "use `weightmill convert … --type \(mix.rawValue.lowercased())`, in one step")
    }
    if let quantized = catalogue.tensors.first(where: { !$0.type.isFloat }), !allowsRequantizing {
      throw WeightmillError(
        .unsupported, catalogue.location,
        "is quantized already: tensor \(quoted(quantized.name)) is \(quantized.type.name)",
        remedy: "start from the F16 file, or give --allow-requantize and accept the loss")
    }
    metadata["general.file_type"] = .uint32(mix.fileType)
    metadata["general.quantization_version"] = .uint32(2)
    metadata["general.alignment"] = nil
    metadata["weightmill.version"] = .string(Weightmill.version)
    output = .gguf(metadata)
    source = catalogue
    items = Self.items(catalogue, model.llama, mix)
    inputs = model.files
    origins = model.origins
    isMerged = false
    notes = []
  }

  /// A model's name taken from that of its file: `ziya-13b-f16.gguf` gives `ziya-13b`.
  ///
  /// - Parameters:
  ///   - output: The path of the file.
  ///   - mix: The types, whose name is left out.
  /// - Returns: The name.
  public static func modelName(output: String, mix: TypeMix) -> String {
    var name = output.split(separator: "/").last.map(String.init) ?? output
    if name.lowercased().hasSuffix(".gguf") { name.removeLast(5) }
    let suffix = mix.rawValue.lowercased()
    if name.lowercased().hasSuffix(suffix), name.count > suffix.count + 1,
      "-._".contains(name.dropLast(suffix.count).last ?? " ")
    {
      name.removeLast(suffix.count + 1)
    }
    return name
  }

  private static func items(
    _ source: any Catalogue, _ model: LlamaModel, _ mix: TypeMix, rowGroup: Int = 1
  ) -> [Item] {
    source.tensors.enumerated().map { index, tensor in
      let role = NamingScheme.gguf.role(of: tensor.name) ?? .rotaryFrequencies(0)
      let isOutput = role == .output || (role == .tokenEmbedding && model.tiesEmbeddings)
      let (type, fallback) =
        tensor.shape.extents.count < 2
        ? (.f32, nil) : mix.type(of: role, columns: tensor.shape.columns, isOutput: isOutput)
      return Item(
        tensor: TensorDescriptor(name: tensor.name, type: type, shape: tensor.shape), index: index,
        rowGroup: role.isRotated ? rowGroup : 1,
        fallbackFrom: fallback)
    }
  }

  /// The files to be written, and where in them each tensor goes.
  ///
  /// - Parameter path: The output, for messages.
  /// - Returns: The layout.
  /// - Throws: `unsupported` when the format cannot hold a tensor.
  public func layout(path: String) throws(WeightmillError) -> OutputLayout {
    let tensors = items.map(\.tensor)
    switch output {
    case .gguf(let metadata):
      let layout = try GGUFLayout(metadata: metadata, tensors: tensors, path: path)
      return OutputLayout(files: [
        .init(
          name: nil, header: layout.header,
          tensors: layout.positions.enumerated().map { ($0, $1) }, byteCount: layout.byteCount)
      ])
    case .huggingFace(let folder):
      return try folder.layout(tensors, path: path)
    }
  }
}

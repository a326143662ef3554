public import GGUF
import LLaMA
public import Tensors

/// What a conversion will write: every tensor in file order, with its source and its type.
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

  /// The tensors in the output's names and row order.
  public let source: any Catalogue
  /// The tensors to be written.
  public let items: [Item]
  /// The metadata to be written.
  public let metadata: GGUFMetadata
  /// Files that are read: the output must be none of them.
  public let inputs: [String]

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
    metadata = GGUFMetadata(model, name: name, fileType: mix.fileType)
    inputs = model.files
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
    self.metadata = metadata
    source = catalogue
    items = Self.items(catalogue, model.llama, mix)
    inputs = model.files
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

  /// The layout of the file.
  ///
  /// - Parameter path: The file, for messages.
  /// - Returns: The layout.
  /// - Throws: `unsupported` when GGUF cannot hold a tensor.
  public func layout(path: String) throws(WeightmillError) -> GGUFLayout {
    try GGUFLayout(metadata: metadata, tensors: items.map(\.tensor), path: path)
  }
}

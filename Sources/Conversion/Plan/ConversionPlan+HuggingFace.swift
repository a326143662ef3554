import WeightmillLLaMA
public import WeightmillModels
import WeightmillQuantization
public import WeightmillTensors

/// Plans of folders in Hugging Face's layout.
extension ConversionPlan {
  /// Plans a folder in Hugging Face's layout, which transformers loads.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - type: The type of all tensors; `nil` keeps what each has. Of a GGUF file `nil` is the type of
  ///     its matrices, if all have the same and it is F16, BF16 or F32, else F16.
  ///   - maximumShardSize: How many bytes of tensors a file may hold; one that alone holds more
  ///     gets a file to itself. `nil`: 5 GB, transformers' figure.
  /// - Throws: `unsupported` when the model would keep a type that transformers does not compute in,
  ///   or comes from a GGUF file that holds what no such folder can; the errors of reading its
  ///   configuration and tokenizer.
  public init(
    huggingFace model: LoadedModel, as type: TensorType? = nil,
    maximumShardSize: Int? = nil
  ) throws(WeightmillError) {
    let shardSize = maximumShardSize ?? HuggingFaceFolder.defaultShardSize
    if let metadata = model.metadata {
      let whole = try ModelOfGGUF(model, as: type)
      let tensors = whole.view.tensors
      for tensor in tensors { _ = try RowDecoder(tensor.type, location: whole.view.location) }
      let folder = try HuggingFaceFolder(
        model, whole, metadata,
        tensors: tensors.map {
          TensorDescriptor(name: $0.name, type: whole.type, shape: $0.shape)
        }, maximumShardSize: shardSize)
      self.init(
        model, whole.llama, whole.view, to: folder, as: whole.type,
        notes: whole.notes + folder.notes)
      refusesOverflow = true
      return
    }
    let apart = LlamaView(model.llama, as: .huggingFace)
    let view: any Catalogue =
      model.llama.architecture.fusedQueries == nil
      ? apart : FusedQueries(apart, model.llama.configuration)
    if type == nil, let other = view.tensors.first(where: { !FloatScan.types.contains($0.type) }) {
      throw WeightmillError(
        .unsupported, view.location,
        "tensor \(quoted(other.name)) is of type \(other.type.name), in which transformers runs "
          + "no model", remedy: "give the type to write, such as --type bf16")
    }
    let folder = try HuggingFaceFolder(
      model,
      tensors: view.tensors.map {
        TensorDescriptor(name: $0.name, type: type ?? $0.type, shape: $0.shape)
      }, maximumShardSize: shardSize)
    self.init(model, model.llama, view, to: folder, as: type, notes: folder.notes)
  }

  private init(
    _ model: LoadedModel, _ llama: LlamaModel, _ view: any Catalogue, to folder: HuggingFaceFolder,
    as type: TensorType?, notes: [String]
  ) {
    let (scheme, architecture) = (NamingScheme.huggingFace, llama.architecture)
    let rowGroup =
      llama.rowOrder == scheme.rowOrder(of: architecture) ? 1 : llama.configuration.headDimension
    items = view.tensors.enumerated().map { index, tensor in
      Item(
        tensor: TensorDescriptor(
          name: tensor.name, type: type ?? tensor.type, shape: tensor.shape),
        index: index,
        rowGroup: scheme.role(of: tensor.name, in: architecture)?.isRotated == true ? rowGroup : 1,
        fallbackFrom: nil, importance: nil, shard: 0)
    }
    source = view
    output = .huggingFace(folder)
    sources = model.sources
    hashing = .known
    namesSources = false
    inputs = model.files
    origins = model.origins
    isMerged = model.mergeRule != nil
    self.notes = notes
    method = .best
    obstacle = nil
  }
}

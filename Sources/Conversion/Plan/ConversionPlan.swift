package import WeightmillGGUF
import WeightmillLLaMA
package import WeightmillModels
package import WeightmillQuantization
public import WeightmillTensors

/// A conversion that is to be run: every tensor in its order, with its source and its type.
///
/// A plan is a plain value. Printing it shows what would be done, `ConversionRun` does it.
public struct ConversionPlan: Sendable {
  /// One tensor of the output.
  public struct Item: Sendable {
    /// The tensor to be written.
    public let tensor: TensorDescriptor
    /// The index in `source` of the tensor it is made of.
    public let index: Int
    /// The number of neighbouring rows best read together: a head's, where rows change places.
    package let rowGroup: Int
    /// The type the mix asks for, if the length of the rows did not allow it.
    public let fallbackFrom: TensorType?
    /// The cost of an error in each column, if that is known.
    package let importance: [Float]?
    /// The number of the file it is written to, where one is written for each file of the input.
    package internal(set) var shard: Int
    /// Whether a mix has chosen its type, or an allocation: no option, and not the tensor's kind.
    package var hasFreeType = false

    /// The item as provenance describes it.
    var planned: PlannedTensor { PlannedTensor(descriptor: tensor, importance: importance) }
  }

  /// The files that hold the tensors.
  package enum Container: Sendable {
    /// One GGUF file with this metadata.
    case gguf(GGUFMetadata)
    /// So many GGUF files, the first of them with this metadata.
    case splitGGUF(GGUFMetadata, files: Int)
    /// A folder in Hugging Face's layout.
    case huggingFace(HuggingFaceFolder)
  }

  /// The tensors in the output's names and row order.
  public let source: any Catalogue
  /// The tensors to be written.
  public internal(set) var items: [Item]
  /// The files that will hold the tensors.
  package internal(set) var output: Container
  /// The way scales are chosen.
  package let method: EncodingMethod
  /// The files the weights come from: a GGUF file names them, unless its metadata does already.
  package let sources: [SourceFile]
  /// The choice of sources that are hashed while they are read.
  package var hashing: SourceHashing
  /// Whether the output's metadata is still to say where the weights come from.
  public var namesSources: Bool
  /// Files that are read: the output must be none of them.
  package let inputs: [String]
  /// The paths that were asked for: a folder that is written must not lie in one of them.
  package let origins: [String]
  /// The encoder's guidance besides importance, in words such as a text's digest and settings.
  ///
  /// Guides are numbers that live only as long as their tensor is written: what made them decides
  /// whether a run can be continued, and stands in the file.
  package private(set) var guidance: String?
  /// Whether the values are sums of a base and a delta, which messages about them say.
  package let isMerged: Bool
  /// Whether a value that is too large for the type that is written ends the run.
  package var refusesOverflow = false
  /// Remarks for the user.
  public let notes: [String]
  /// The reason why the plan cannot be executed, if there is one: a type without encoder, or without
  /// the importance that it requires. The layout is known all the same.
  public let obstacle: WeightmillError?

  /// Describes the plan of an adapter's file.
  init(_ adapter: LoadedAdapter, items: [Item], metadata: GGUFMetadata) {
    source = adapter.exported
    self.items = items
    output = .gguf(metadata)
    method = .best
    sources = [adapter.source]
    hashing = .all
    namesSources = true
    inputs = adapter.files
    origins = adapter.origins
    isMerged = false
    notes = []
    obstacle = nil
  }

  /// The files to be written, and where in them each tensor goes.
  ///
  /// - Parameter path: The output, for messages.
  /// - Returns: The layout.
  /// - Throws: `unsupported` when the format cannot hold a tensor.
  public func layout(path: String) throws(WeightmillError) -> OutputLayout {
    try layout(path: path, hashes: nil)
  }

  /// The files to be written, with the hashes of what was read in their headers.
  ///
  /// - Parameters:
  ///   - path: The output, for messages.
  ///   - hashes: The sources with their hashes, once they are known. Nothing else changes with them.
  /// - Returns: The layout.
  /// - Throws: `unsupported` when the format cannot hold a tensor.
  package func layout(
    path: String, hashes: [HashedSource]?
  ) throws(WeightmillError) -> OutputLayout {
    let tensors = items.map(\.tensor)
    switch output {
    case .gguf(var metadata):
      nameSources(hashes, in: &metadata)
      let layout = try GGUFLayout(metadata: metadata, tensors: tensors, path: path)
      return OutputLayout(files: [
        .init(
          name: nil, header: layout.header,
          tensors: layout.positions.enumerated().map { ($0, $1) }, byteCount: layout.byteCount)
      ])
    case .splitGGUF(var metadata, let count):
      nameSources(hashes, in: &metadata)
      return try GGUFShardLayout(metadata: metadata, count: count).layout(items, path: path)
    case .huggingFace(let folder):
      return try folder.layout(tensors, path: path)
    }
  }

  /// Cuts the GGUF file that is planned into several.
  ///
  /// What fits one file stays one.
  ///
  /// - Parameters:
  ///   - split: Where it is cut.
  ///   - path: The output, for messages.
  /// - Throws: `usage` when that is not possible, or another output is planned.
  public mutating func split(_ split: ShardSplit, path: String) throws(WeightmillError) {
    let metadata: GGUFMetadata
    switch output {
    case .gguf(let whole), .splitGGUF(let whole, _): metadata = whole
    case .huggingFace:
      throw WeightmillError(
        .usage, path, "is a folder, whose files have their own limit",
        remedy: "give --max-shard-size")
    }
    let shards = try split.shards(of: items.map(\.tensor.byteCount), path: path)
    for (index, shard) in shards.enumerated() { items[index].shard = shard }
    let count = (shards.last ?? 0) + 1
    output = count > 1 ? .splitGGUF(metadata, files: count) : .gguf(metadata)
  }

  /// The plan with a note in its file of what guides the encoder besides importance.
  ///
  /// - Parameter guidance: What made the guides: texts' digests, numbers of tokens, damping.
  /// - Returns: The plan whose file says so.
  package func guided(by guidance: String) -> ConversionPlan {
    var plan = self
    plan.guidance = guidance
    func described(_ metadata: GGUFMetadata) -> GGUFMetadata {
      var metadata = metadata
      Provenance.describe(
        items.map(\.planned), method, mergeRule: nil, guidance: guidance, in: &metadata)
      return metadata
    }
    switch output {
    case .gguf(let metadata): plan.output = .gguf(described(metadata))
    case .splitGGUF(let metadata, let files):
      plan.output = .splitGGUF(described(metadata), files: files)
    case .huggingFace: break
    }
    return plan
  }

  private func nameSources(_ hashes: [HashedSource]?, in metadata: inout GGUFMetadata) {
    if namesSources { Provenance.name(sources, hashes, hashing, in: &metadata) }
  }
}

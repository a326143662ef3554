import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillSafetensors
import WeightmillStrictJSON
import WeightmillTensors

/// A folder in Hugging Face's layout that is to be written: weights in shards, and what goes with
/// them.
///
/// `formats/hugging-face-folder.md` describes it file by file.
package struct HuggingFaceFolder: Sendable {
  /// The largest number of bytes of tensors in a shard by default: transformers' figure.
  package static let defaultShardSize = 5_000_000_000

  /// The tensors of each shard, by their indices in the plan.
  package let shards: [[Int]]
  /// The other files.
  package let companions: [(name: String, content: [UInt8])]
  /// Remarks for the user.
  let notes: [String]

  /// Plans a folder.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - tensors: The tensors to be written.
  ///   - maximumShardSize: How many bytes of them a file may hold.
  /// - Throws: The errors of reading configuration and tokenizer.
  init(
    _ model: LoadedModel, tensors: [TensorDescriptor], maximumShardSize: Int
  ) throws(WeightmillError) {
    var source: Folder?
    if let path = model.settingsFolder { source = try Folder(path) }
    var tokenizer = source
    if let path = model.tokenizerFolder { tokenizer = try Folder(path) }
    let type = Self.mainType(tensors)
    let configuration = try ConfigurationFile.content(model, folder: source, type: type)
    let files = try CompanionFiles(model, folder: source, tokenizer: tokenizer)
    shards = Self.shards(tensors, maximumShardSize)
    companions =
      [(ConfigurationFile.name, Array(JSONValue.object(configuration.object).indented.utf8))]
      + files.files
    let others = Set(tensors.map(\.type)).subtracting([type])
    notes =
      configuration.notes + files.notes + Self.codeNotes(configuration.object)
      + (others.isEmpty
        ? []
        : [
          "tensors keep their types, which differ; config.json says \(type.name). "
            + "--type gives all of them one"
        ])
  }

  /// Plans a folder of a model from a GGUF file: everything in it is made of that.
  ///
  /// - Parameters:
  ///   - model: The model as it was opened.
  ///   - whole: The model as transformers has it.
  ///   - metadata: The file's metadata.
  ///   - tensors: The tensors to be written.
  ///   - maximumShardSize: How many bytes of them a file may hold.
  /// - Throws: `unsupported` for what no `config.json` can say.
  init(
    _ model: LoadedModel, _ whole: ModelOfGGUF, _ metadata: GGUFMetadata,
    tensors: [TensorDescriptor], maximumShardSize: Int
  ) throws(WeightmillError) {
    let files = GGUFCompanions(model, metadata)
    let configuration = try ConfigurationFile.content(
      ofGGUF: whole.llama, files.special, metadata, type: whole.type)
    shards = Self.shards(tensors, maximumShardSize)
    companions =
      [(ConfigurationFile.name, Array(JSONValue.object(configuration.object).indented.utf8))]
      + files.files
    notes = configuration.notes + files.notes
  }

  /// What the user should know of a model whose class is in files beside it.
  private static func codeNotes(_ configuration: JSONObject) -> [String] {
    guard configuration.nonNull("auto_map") != nil else { return [] }
    return [
      "config.json names Python files (auto_map), which are not copied: if transformers has no class for "
        + "the model, copy them from the source's folder"
    ]
  }

  /// Whether programs that open a model's folder look at a file of this name.
  static func belongsToModel(_ name: String) -> Bool {
    name.hasSuffix(".safetensors") || name.hasSuffix(".index.json")
      || (name.hasPrefix("pytorch_model") && name.hasSuffix(".bin"))
      || (name.hasPrefix("consolidated.") && name.hasSuffix(".pth"))
      || ["config.json", "params.json", "adapter_config.json"].contains(name)
      || CompanionFiles.names.contains(name) || name == ChatTemplates.folderName
  }

  /// The type of most of the bytes.
  private static func mainType(_ tensors: [TensorDescriptor]) -> TensorType {
    let sizes = Dictionary(grouping: tensors, by: \.type).mapValues { group in
      group.reduce(0) { $0 + $1.byteCount }
    }
    return sizes.max { ($0.value, $0.key.name) < ($1.value, $1.key.name) }?.key ?? .f16
  }

  /// Fills one shard after the other, in order.
  private static func shards(_ tensors: [TensorDescriptor], _ maximum: Int) -> [[Int]] {
    var shards: [[Int]] = [[]]
    var size = 0
    for (index, tensor) in tensors.enumerated() {
      if size > 0, tensor.byteCount > maximum - size {
        shards.append([])
        size = 0
      }
      shards[shards.count - 1].append(index)
      size += tensor.byteCount
    }
    return shards
  }

  /// The files of the folder: the small ones first, the index last.
  func layout(_ tensors: [TensorDescriptor], path: String) throws(WeightmillError) -> OutputLayout {
    var files = companions.map { OutputLayout.File(name: $0.name, content: $0.content) }
    for (number, shard) in shards.enumerated() {
      let layout = try SafetensorsLayout(
        tensors: shard.map { tensors[$0] }, metadata: [("format", "pt")], path: path)
      files.append(
        .init(
          name: shardName(number), header: layout.header,
          tensors: zip(shard, layout.positions).map { ($0, $1) }, byteCount: layout.byteCount))
    }
    if shards.count > 1 {
      files.append(.init(name: "model.safetensors.index.json", content: index(tensors)))
    }
    return OutputLayout(files: files)
  }

  private func shardName(_ number: Int) -> String {
    guard shards.count > 1 else { return "model.safetensors" }
    func digits(_ number: Int) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, 5 - text.count)) + text
    }
    return "model-\(digits(number + 1))-of-\(digits(shards.count)).safetensors"
  }

  /// Which shard holds which tensor, and the bytes of all tensors.
  private func index(_ tensors: [TensorDescriptor]) -> [UInt8] {
    let size = tensors.reduce(0) { $0 + $1.byteCount }
    let weightMap = shards.enumerated().flatMap { number, shard in
      shard.map {
        JSONObject.Member(name: tensors[$0].name, value: .string(shardName(number)))
      }
    }
    let index = JSONObject(members: [
      .init(
        name: "metadata",
        value: .object(
          JSONObject(members: [.init(name: "total_size", value: .number("\(size)"))]))),
      .init(name: "weight_map", value: .object(JSONObject(members: weightMap))),
    ])
    return Array(JSONValue.object(index).indented.utf8)
  }
}

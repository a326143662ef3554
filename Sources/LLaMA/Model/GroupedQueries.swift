package import WeightmillTensors

/// A checkpoint whose queries, keys and values are one matrix in each layer, taken apart.
///
/// Rows are grouped by key-value head: for each its query heads, then its key head, then its value head,
/// each of head size rows. Source: `conversion/internlm.py` of llama.cpp.
package struct GroupedQueries: Catalogue {
  package let tensors: [TensorDescriptor]
  private let base: any Catalogue
  private let sources: [Source]
  /// The number of rows of a group.
  private let height: Int

  /// The rows that make a tensor: of each group `count` rows from `first` on; `nil` is all rows.
  private struct Source: Sendable {
    let index: Int
    var part: (first: Int, count: Int)?
  }

  /// Takes the matrices of layers apart.
  ///
  /// - Parameters:
  ///   - base: The checkpoint in Hugging Face's names.
  ///   - configuration: The model's sizes.
  /// - Throws: `mismatch` for a fused matrix of another height than the sizes give.
  package init(
    _ base: any Catalogue, _ configuration: LlamaConfiguration
  ) throws(WeightmillError) {
    let parts = FusedParts(configuration)
    for tensor in base.tensors where parts.isMatrix(tensor.name) {
      guard tensor.shape.extents != [parts.rows, configuration.hiddenSize] else { continue }
      throw WeightmillError(
        .mismatch, base.location,
        "tensor \(quoted(tensor.name)) is \(tensor.shape), not "
          + "\([parts.rows, configuration.hiddenSize])",
        remedy: "check that all files come from the same model")
    }
    self.init(base, parts, where: parts.isMatrix)
  }

  /// Takes apart what an adapter has for the matrices: what has a row for each of theirs is cut as they
  /// are, anything else, such as a factor of the inputs, is for all three.
  ///
  /// - Parameters:
  ///   - adapter: The adapter's tensors.
  ///   - configuration: The sizes of the model that it is for.
  package init(adapter: any Catalogue, _ configuration: LlamaConfiguration) {
    let parts = FusedParts(configuration)
    self.init(adapter, parts, where: parts.isOfMatrix)
  }

  private init(
    _ base: any Catalogue, _ parts: FusedParts, where isFused: (String) -> Bool
  ) {
    var (tensors, sources) = ([TensorDescriptor](), [Source]())
    for (index, tensor) in base.tensors.enumerated() {
      guard isFused(tensor.name) else {
        tensors.append(tensor)
        sources.append(Source(index: index))
        continue
      }
      for part in parts.all {
        let name = parts.name(tensor.name, part)
        let isCut = tensor.shape.rows == parts.rows && !tensor.name.contains(".lora_A.")
        let extents = [parts.groups * part.count] + tensor.shape.extents.dropFirst()
        let shape = isCut ? TensorShape(extents) ?? tensor.shape : tensor.shape
        tensors.append(TensorDescriptor(name: name, type: tensor.type, shape: shape))
        sources.append(Source(index: index, part: isCut ? (part.first, part.count) : nil))
      }
    }
    self.base = base
    self.tensors = tensors
    self.sources = sources
    height = parts.height
  }

  package var location: String { base.location }

  package func readingOrdinal(ofTensor index: Int) -> Int {
    base.readingOrdinal(ofTensor: sources[index].index)
  }

  package func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let source = sources[index]
    guard let part = source.part else {
      return try base.read(rows: rows, ofTensor: source.index, into: &bytes, at: offset)
    }
    let size = tensors[index].bytesPerRow
    var row = rows.lowerBound
    while row < rows.upperBound {
      let (group, place) = (row / part.count, row % part.count)
      let count = min(part.count - place, rows.upperBound - row)
      let first = group * height + part.first + place
      try base.read(
        rows: first..<first + count, ofTensor: source.index, into: &bytes,
        at: offset + (row - rows.lowerBound) * size)
      row += count
    }
  }
}

/// The rows of fused queries, keys and values.
struct FusedParts {
  /// One of the three in each group: its name in place of the fused one's, and its rows.
  struct Part {
    let kind: TensorRole.LayerTensor
    let module: String
    let first: Int
    let count: Int
  }

  let all: [Part]
  /// The number of groups.
  let groups: Int
  /// The number of rows of a group.
  let height: Int
  /// The name of the fused module, `attention.wqkv`; empty if there is none.
  let module: String

  /// The number of rows of a fused matrix.
  var rows: Int { groups * height }

  init(_ configuration: LlamaConfiguration) {
    let head = configuration.headDimension
    let group = configuration.headCount / configuration.keyValueHeadCount * head
    let architecture = configuration.architecture
    func part(_ kind: TensorRole.LayerTensor, _ first: Int, _ count: Int) -> Part {
      let name = NamingScheme.huggingFace.name(of: .layer(0, kind), in: architecture)
      return Part(
        kind: kind,
        module: String(name.dropFirst("model.layers.0.".count).dropLast(".weight".count)),
        first: first, count: count)
    }
    all = [
      part(.query, 0, group), part(.key, group, head), part(.value, group + head, head),
    ]
    groups = configuration.keyValueHeadCount
    height = group + 2 * head
    module = architecture.fusedModule ?? ""
  }

  /// Whether a name is that of a fused matrix of a model.
  func isMatrix(_ name: String) -> Bool {
    let prefix = "model.layers."
    guard !module.isEmpty, name.hasPrefix(prefix),
      let layer = Int(name.dropFirst(prefix.count).prefix { $0 != "." }), layer >= 0
    else { return false }
    return name == "\(prefix)\(layer).\(module).weight"
  }

  /// Whether a name is that of something which belongs to one.
  func isOfMatrix(_ name: String) -> Bool { !module.isEmpty && name.contains(".\(module).") }

  /// The name of a part.
  func name(_ name: String, _ part: Part) -> String {
    name.replacing(".\(module).", with: ".\(part.module).")
  }
}

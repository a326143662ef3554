package import WeightmillLLaMA
package import WeightmillTensors

/// The tensors of a LoRA adapter as llama.cpp reads them: NAME`.lora_a` and NAME`.lora_b`, rows of B for
/// queries and keys in the order of the architecture's GGUF files.
///
/// The file has one alpha; llama.cpp's scale of an update is alpha / rank. B of an update with another
/// scale is multiplied by what is missing, in float32. A of an embedding is stored by token. Source:
/// `src/llama-adapter.cpp` and `convert_lora_to_gguf.py` of llama.cpp; `formats/lora-gguf.md`.
package struct ExportedAdapter: Catalogue {
  /// The adapter's folder or file.
  package let location: String
  package let tensors: [TensorDescriptor]
  /// What the file says as `adapter.lora.alpha`.
  package let alpha: Float
  /// What the adapter calls its base.
  package let baseName: String?
  /// What the user should know.
  package let notes: [String]
  private let sources: [Source]
  private let permutation: RowPermutation?
  private let decoded = DecodedFactors()

  private struct Source: Sendable {
    let factor: LowRankFactor
    /// What its values are multiplied by.
    var multiplier: Float = 1
    var isRotated = false
  }

  /// Takes updates, which have been checked, for a model.
  ///
  /// - Throws: `unsupported` when all scales are 0.
  init(
    _ updates: [TensorRole: LowRankUpdate], of model: LlamaModel, location: String,
    baseName: String?, notes: [String]
  ) throws(WeightmillError) {
    let (scheme, architecture) = (NamingScheme.gguf, model.architecture)
    let roles = TensorRole.all(in: model.configuration).filter { updates[$0] != nil }
    let ordered = roles.compactMap { role in updates[role].map { (role, $0) } }
    guard let alpha = Self.alpha(ordered.map(\.1)) else {
      throw WeightmillError(
        .unsupported, location,
        "has the scale 0, which llama.cpp's adapters cannot say: it takes an alpha of 0 for none",
        remedy: "such an adapter changes nothing: leave it out")
    }
    var (tensors, sources, odd) = ([TensorDescriptor](), [Source](), [String]())
    for (role, update) in ordered {
      let name = scheme.name(of: role, in: architecture)
      let isEmbedding = role == .tokenEmbedding
      let a = isEmbedding ? update.left : update.right
      let b = isEmbedding ? update.right.transposed : update.left
      let multiplier = Self.multiplier(update, alpha)
      if multiplier != 1 { odd.append(name) }
      for (suffix, source) in [
        ("lora_a", Source(factor: a)),
        ("lora_b", Source(factor: b, multiplier: multiplier, isRotated: role.isRotated)),
      ] {
        guard let shape = TensorShape([source.factor.rows, source.factor.columns]) else { continue }
        let type = source.multiplier == 1 ? source.factor.type : .f32
        tensors.append(TensorDescriptor(name: "\(name).\(suffix)", type: type, shape: shape))
        sources.append(source)
      }
    }
    self.location = location
    self.tensors = tensors
    self.sources = sources
    self.alpha = alpha
    self.baseName = baseName
    let order = scheme.rowOrder(of: architecture)
    permutation =
      order == .halves
      ? nil : RowPermutation(head: model.configuration.headDimension, to: order)
    self.notes =
      notes
      + (odd.isEmpty
        ? []
        : [
          "\(location): \(odd.count) of \(ordered.count) updates have another scale than alpha \(alpha) / "
            + "rank, which is all that the file can say: their B is multiplied by what is missing, the first "
            + "\(quoted(odd[0]))"
        ])
  }

  /// How many neighbouring rows of a tensor are best read together.
  ///
  /// - Parameter index: The tensor's index.
  /// - Returns: The number.
  package func rowGroup(ofTensor index: Int) -> Int {
    sources[index].isRotated ? permutation?.head ?? 1 : 1
  }

  /// The alpha that most updates need; of several the one that comes first.
  private static func alpha(_ updates: [LowRankUpdate]) -> Float? {
    let alphas = updates.map { $0.scale * Float($0.right.rows) }.filter { $0 != 0 }
    var counts: [Float: Int] = [:]
    for alpha in alphas { counts[alpha, default: 0] += 1 }
    let most = counts.values.max() ?? 0
    return alphas.first { counts[$0] == most }
  }

  /// What B lacks for its update's scale.
  private static func multiplier(_ update: LowRankUpdate, _ alpha: Float) -> Float {
    let rank = Float(update.right.rows)
    return update.scale * rank == alpha ? 1 : update.scale * rank / alpha
  }

  package func readingOrdinal(ofTensor index: Int) -> Int {
    let factor = sources[index].factor
    return factor.catalogue.readingOrdinal(ofTensor: factor.index)
  }

  package func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let source = sources[index]
    let factor = source.factor
    let order = source.isRotated ? permutation : nil
    if !factor.isTransposed, source.multiplier == 1 {
      return try factor.catalogue.read(
        rows: rows, ofTensor: factor.index, permutedBy: order, into: &bytes, at: offset)
    }
    var values: [Float]
    if factor.isTransposed {
      let all = try decoded.values(factor.index) { () throws(WeightmillError) in
        try factor.values()
      }
      let columns = factor.columns
      values = rows.flatMap { row in
        let stored = order?.source(of: row) ?? row
        return all[stored * columns..<(stored + 1) * columns]
      }
    } else {
      values = try factor.values(rows: rows, permutedBy: order)
    }
    if source.multiplier != 1 { values = values.map { $0 * source.multiplier } }
    ScalarRows.store(values, as: tensors[index].type, into: &bytes, at: offset)
  }
}

extension LowRankFactor {
  /// The same matrix, rows and columns exchanged.
  fileprivate var transposed: LowRankFactor {
    LowRankFactor(catalogue: catalogue, index: index, isTransposed: !isTransposed)
  }
}

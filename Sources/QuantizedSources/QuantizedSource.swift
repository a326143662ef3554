package import WeightmillTensors

/// A checkpoint whose weights are stored quantized, as one of floating-point weights.
///
/// Each quantized matrix appears as `NAME.weight`, decoded as it is read, bit for bit as the program
/// that made the format decodes it. Everything else stays as it is; scales of activations and of
/// caches, which weights do not need, are left out.
package struct QuantizedSource: Sendable {
  /// The tensors, decoded.
  package let catalogue: any Catalogue
  /// The way in which the weights are stored, in words; `nil` if none is quantized.
  package let summary: String?
  /// Remarks for the user.
  package let notes: [String]

  /// What is said in files beside `config.json`, by their names.
  package static let recipeFiles = ["quantize_config.json", "quant_config.json"]

  /// Whether a catalogue has tensors that such a file may speak of.
  ///
  /// - Parameter catalogue: The checkpoint's tensors.
  /// - Returns: Whether one is to be looked for.
  package static func needsRecipe(_ catalogue: any Catalogue) -> Bool {
    catalogue.tensors.contains { $0.name.hasSuffix(".qweight") }
  }

  /// Reads a checkpoint; there is none, `nil`, when nothing says that any tensor is quantized.
  ///
  /// - Parameters:
  ///   - stored: The checkpoint's tensors.
  ///   - recipe: How they are quantized, if a file says it.
  ///   - type: The type that the configuration gives the model, if it does.
  ///   - panelBytes: About how many bytes of a matrix that is stored transposed are held at a time,
  ///     twice; it does not change what is read.
  ///   - isKnown: Whether the model has a bias of this name; others are left out if they are zeros.
  /// - Throws: `unsupported` for other ways of quantizing; `mismatch` and `malformed` for tensors
  ///   that are missing, or do not go with each other or with the recipe.
  package init?(
    _ stored: any Catalogue, recipe: Recipe?, type: TensorType?, panelBytes: Int = 16 << 20,
    hasBias isKnown: (String) -> Bool
  ) throws(WeightmillError) {
    let modules = try StoredModules(stored)
    let signs = SignsOfQuantization(modules)
    guard let recipe else {
      if let error = signs.unsaid { throw error }
      return nil
    }
    let method = try recipe.text("quant_method")?.lowercased()
    guard signs.isQuantized else {
      catalogue = QuantizedCatalogue(stored, decoding: [], without: modules.surplus)
      summary = nil
      notes =
        [
          "\(recipe.location) says that the weights are quantized"
            + (method.map { " (\(quoted($0)))" } ?? "")
            + ", but they are not: they are taken as they are"
        ] + Self.note("left out, as weights do not need them", modules.surplus, of: stored)
      return
    }
    let (matrices, words) = try Self.matrices(
      of: modules, recipe, method: method ?? signs.usualMethod(recipe), type: type,
      panels: PanelCache(panelBytes: panelBytes))
    let biases = try modules.emptyBiases(of: matrices) { !isKnown($0) }
    catalogue = QuantizedCatalogue(
      stored, decoding: matrices, without: modules.surplus + biases)
    summary = words
    let types = Set(matrices.map(\.tensor.type.name)).sorted().joined(separator: " and ")
    notes =
      [
        "the weights are stored quantized (\(words)); they are decoded to \(types): what was rounded "
          + "stays rounded, and quantizing again adds to it"
      ] + Self.note("left out, as weights do not need them", modules.surplus, of: stored)
      + Self.note(
        "left out, being biases of zeros that the model does not have", biases, of: stored)
  }

  private static func matrices(
    of modules: StoredModules, _ recipe: Recipe, method: String, type: TensorType?,
    panels: PanelCache
  ) throws(WeightmillError) -> ([any QuantizedMatrix], summary: String) {
    var matrices: [any QuantizedMatrix] = []
    let summary: String
    switch method {
    case "gptq":
      let format = try GPTQ(recipe)
      for (name, codes) in modules.modules(with: "qweight") {
        matrices.append(try format.matrix(name, codes, of: modules, panels: panels))
      }
      summary = format.summary
    case "awq":
      let format = try AWQ(recipe)
      for (name, codes) in modules.modules(with: "qweight") {
        matrices.append(try format.matrix(name, codes, of: modules, panels: panels))
      }
      summary = format.summary
    case "fp8":
      let format = try FineGrainedFP8(recipe, type: type)
      for part in FineGrainedFP8.scaleNames {
        for (name, scales) in modules.modules(with: part) {
          matrices.append(try format.matrix(name, scales: scales, of: modules))
        }
      }
      summary = format.summary
    case "compressed-tensors", "sparseml":
      let format = try CompressedTensors(recipe)
      for (name, _) in modules.modules(with: format.mark) {
        matrices.append(try format.matrix(name, of: modules))
      }
      summary = format.summary
    default: throw UnreadMethod.error(method, recipe)
    }
    try modules.checkRest(matrices)
    return (matrices, summary)
  }

  /// A note on some tensors of a catalogue, a few of which are named.
  private static func note(
    _ text: String, _ indices: [Int], of stored: any Catalogue
  ) -> [String] {
    guard !indices.isEmpty else { return [] }
    let names = indices.prefix(3).map { quoted(stored.tensors[$0].name) }.joined(separator: ", ")
    return ["\(text): \(names)" + (indices.count > 3 ? ", and \(indices.count - 3) more" : "")]
  }
}

extension StoredModules {
  /// The names of tensors that belong to activations, outputs and caches.
  private static let surplusParts: Set<String> = [
    "input_scale", "input_zero_point", "input_global_scale", "output_scale", "output_zero_point",
    "activation_scale", "k_scale", "v_scale", "q_scale", "prob_scale", "k_zero_point",
    "v_zero_point",
  ]

  /// The indices of tensors that weights do not need.
  var surplus: [Int] {
    catalogue.tensors.indices.filter { index in
      let name = catalogue.tensors[index].name
      return Self.surplusParts.contains(String(name[name.startOfLastComponent...]))
    }
  }

  /// The indices of biases of decoded matrices that change nothing: AutoGPTQ stored some of zeros for
  /// every module.
  ///
  /// - Parameters:
  ///   - matrices: The matrices.
  ///   - isSurplus: Whether the model has no bias of this name.
  /// - Returns: The indices.
  /// - Throws: Reading errors.
  func emptyBiases(
    of matrices: [any QuantizedMatrix], where isSurplus: (String) -> Bool
  ) throws(WeightmillError) -> [Int] {
    var found: [Int] = []
    for matrix in matrices {
      let module = String(matrix.tensor.name.dropLast(".weight".count))
      guard let index = self[module, "bias"], isSurplus("\(module).bias") else { continue }
      let bias = tensor(index)
      guard ScalarRows.encodable.contains(bias.type),
        bias.shape.extents == [matrix.tensor.shape.rows]
      else { continue }
      let values = ScalarRows.values(
        try catalogue.bytes(rows: 0..<1, ofTensor: index), as: bias.type)
      if values.allSatisfy({ $0 == 0 }) { found.append(index) }
    }
    return found
  }

  /// Refuses codes that two matrices take, and codes and scales that none takes.
  func checkRest(_ matrices: [any QuantizedMatrix]) throws(WeightmillError) {
    var codes: Set<Int> = []
    for matrix in matrices where !codes.insert(matrix.codes).inserted {
      throw WeightmillError(
        .malformed, catalogue.location,
        "holds scales of two kinds for tensor \(quoted(matrix.tensor.name))",
        remedy: "fetch the model again")
    }
    let taken = Set(matrices.flatMap(\.parts))
    for (index, tensor) in catalogue.tensors.enumerated()
    where !taken.contains(index) && SignsOfQuantization.needsScale(tensor) {
      throw WeightmillError(
        .mismatch, catalogue.location,
        "holds tensor \(quoted(tensor.name)) (\(tensor.type.name) \(tensor.shape)), of which the "
          + "configuration does not say how it is decoded",
        remedy: "check that all files come from the same model")
    }
  }
}

extension String {
  /// Where the part behind the last full stop begins.
  fileprivate var startOfLastComponent: Index {
    lastIndex(of: ".").map(index(after:)) ?? startIndex
  }
}

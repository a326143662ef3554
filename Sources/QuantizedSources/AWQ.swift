import WeightmillTensors

/// Matrices that were quantized by AWQ, as AutoAWQ saves them for its kernel `gemm`.
///
/// A module has `qweight` [in, out / 8] and `qzeros` [groups, out / 8] (I32), and `scales` [groups,
/// out]. Of the eight codes in a word, those of outputs 0, 2, 4, 6, 1, 3, 5, 7 follow each other from
/// the lowest bits on. Its matrix is `scales[g] * (code - zero)`, in the type of the scales.
///
/// Source: `utils/packing_utils.py` (`dequantize_gemm`) of AutoAWQ; `formats/quantized-sources.md`
/// section 3.
struct AWQ {
  /// The place in a word of each of eight outputs.
  private static let places = [0, 4, 1, 5, 2, 6, 3, 7]
  private static let bits = 4

  /// The inputs of a group; `nil` for all.
  let groupSize: Int?

  /// Reads the recipe.
  ///
  /// - Parameter recipe: What the checkpoint says.
  /// - Throws: `unsupported` for forms that are not read, `malformed` for impossible values.
  init(_ recipe: Recipe) throws(WeightmillError) {
    let bits = try recipe.requiredInteger("bits", "w_bit")
    guard bits == Self.bits else {
      throw recipe.unsupported("says that AWQ's codes have \(bits) bits; 4 are read")
    }
    groupSize = try recipe.groupSize("group_size", "q_group_size")
    let version = try recipe.text("version", "checkpoint_format", "format") ?? "gemm"
    guard version.lowercased() == "gemm" else {
      throw recipe.unsupported(
        "says that AWQ's codes are laid out for the kernel \(quoted(version)); that of gemm is read",
        remedy: "save it anew for gemm, or start from the model before it was quantized")
    }
    guard try recipe.flag("zero_point") ?? true else {
      throw recipe.unsupported("says that AWQ's codes have no zero points, which gemm's have")
    }
  }

  /// The recipe in words.
  var summary: String {
    "AWQ, \(Self.bits) bits, \(groupSize.map { "groups of \($0)" } ?? "a group for each row")"
  }

  /// The matrix of a module.
  ///
  /// - Parameters: As those of `GPTQ.matrix`.
  /// - Returns: The matrix.
  /// - Throws: `mismatch` when tensors are missing or do not go with each other, `unsupported` for
  ///   other types.
  func matrix(
    _ module: String, _ codes: Int, of modules: StoredModules, panels: PanelCache
  ) throws(WeightmillError) -> ColumnPackedMatrix {
    let (scales, zeros) = try modules.scalesAndZeros(module, codes)
    let (inputs, words) = try modules.matrix(codes)
    let outputs = words * Self.places.count
    let width = groupSize ?? inputs
    _ = try modules.groupCount(
      scales, zeros, inputs: inputs, width: width, outputs: outputs, zeroWords: words)
    return ColumnPackedMatrix(
      tensor: try modules.decoded(
        module, rows: outputs, columns: inputs, type: modules.tensor(scales).type),
      codes: codes, parts: [codes, scales, zeros], packing: .outputs(places: Self.places),
      bits: Self.bits, scales: scales, zeros: zeros, zeroPoints: .whole,
      groups: .neighbours(width: width), panels: panels)
  }
}

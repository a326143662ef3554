import WeightmillTensors

/// Matrices that were quantized by GPTQ, as AutoGPTQ, GPTQModel and optimum save them.
///
/// A module has `qweight` [in · bits / 32, out] and `qzeros` [groups, out · bits / 32] (I32), `scales`
/// [groups, out], and maybe `g_idx` [in], the group of each input. Its matrix is
/// `scales[g] * (code - zero)`, in the type of the scales: what `dequantize_weight` of GPTQModel gives.
///
/// Source: `nn_modules/qlinear/__init__.py` and `utils/model.py` of GPTQModel;
/// `formats/quantized-sources.md` section 2.
struct GPTQ {
  let bits: Int
  /// The inputs of a group; `nil` for all.
  let groupSize: Int?
  let zeroPoints: ColumnPackedMatrix.ZeroPoints
  /// Whether groups are not of neighbours, so that `g_idx` is needed.
  let isReordered: Bool

  /// Reads the recipe.
  ///
  /// - Parameter recipe: What the checkpoint says.
  /// - Throws: `unsupported` for forms that are not read, `malformed` for impossible values.
  init(_ recipe: Recipe) throws(WeightmillError) {
    bits = try recipe.requiredInteger("bits", "w_bit")
    guard PackedFields.widths.contains(bits) else {
      throw recipe.unsupported("says that GPTQ's codes have \(bits) bits; 2, 3, 4 and 8 are read")
    }
    groupSize = try recipe.groupSize("group_size", "q_group_size")
    isReordered = try recipe.flag("desc_act") ?? false
    let format = try recipe.text("checkpoint_format", "format") ?? "gptq"
    switch format {
    case "gptq": zeroPoints = .lessOne
    case "gptq_v2": zeroPoints = .whole
    default:
      throw recipe.unsupported(
        "says that GPTQ's codes are laid out as \(quoted(format)) for one kind of processor; "
          + "gptq and gptq_v2 are read")
    }
    guard try recipe.flag("is_marlin_format") != true else {
      throw recipe.unsupported("says that GPTQ's codes are laid out for the kernel Marlin")
    }
    // Patterns with a minus leave modules as they are.
    if let patterns = try recipe.inner("dynamic")?.members.filter({ !$0.name.hasPrefix("-:") }),
      let first = patterns.first
    {
      throw recipe.unsupported(
        "quantizes some modules in another way than the rest (\"dynamic\": \(quoted(first.name)))")
    }
  }

  /// The recipe in words.
  var summary: String {
    "GPTQ, \(bits) bits, \(groupSize.map { "groups of \($0)" } ?? "a group for each row")"
  }

  /// The matrix of a module.
  ///
  /// - Parameters:
  ///   - module: The module's name.
  ///   - codes: The index of its `qweight`.
  ///   - modules: All tensors.
  ///   - panels: The cache of what is read.
  /// - Returns: The matrix.
  /// - Throws: `mismatch` when tensors are missing or do not go with each other, `malformed` for
  ///   groups that do not exist, `unsupported` for other types.
  func matrix(
    _ module: String, _ codes: Int, of modules: StoredModules, panels: PanelCache
  ) throws(WeightmillError) -> ColumnPackedMatrix {
    let (scales, zeros) = try modules.scalesAndZeros(module, codes)
    let (wordRows, outputs) = try modules.matrix(codes)
    guard wordRows * 32 % bits == 0, wordRows * 32 / bits <= Sizes.largest else {
      throw WeightmillError(
        .mismatch, modules.catalogue.location,
        "tensor \(quoted(modules.tensor(codes).name)) is \(modules.tensor(codes).shape), which "
          + "codes of \(bits) bits do not fill",
        remedy: "check that the configuration is that of these files")
    }
    let inputs = wordRows * 32 / bits
    let width = groupSize ?? inputs
    let count = try modules.groupCount(
      scales, zeros, inputs: inputs, width: width, outputs: outputs,
      zeroWords: PackedFields.words(for: outputs, bits: bits))
    let list =
      isReordered ? try modules.required(module, "g_idx") : modules[module, "g_idx"]
    let groups = try list.flatMap { (list) throws(WeightmillError) in
      try modules.groups(list, columns: inputs, groups: count)
    }
    guard groups != nil || !isReordered else {
      throw WeightmillError(
        .malformed, modules.catalogue.location,
        "says that groups are reordered, but puts every column of \(quoted(module)) into the first",
        remedy: "the file is damaged: fetch it again")
    }
    return ColumnPackedMatrix(
      tensor: try modules.decoded(
        module, rows: outputs, columns: inputs, type: modules.tensor(scales).type),
      codes: codes, parts: [codes, scales, zeros] + [list].compactMap(\.self), packing: .inputs,
      bits: bits, scales: scales, zeros: zeros, zeroPoints: zeroPoints,
      groups: groups ?? .neighbours(width: width), panels: panels)
  }
}

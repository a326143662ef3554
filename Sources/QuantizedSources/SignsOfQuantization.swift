import WeightmillStrictJSON
import WeightmillTensors

/// What the names and types of tensors tell of the way in which weights are stored, whatever a
/// configuration says.
struct SignsOfQuantization {
  private let modules: StoredModules

  init(_ modules: StoredModules) { self.modules = modules }

  /// The last components of names of tensors that are parts of quantized matrices.
  private static let parts: Set<String> = [
    "qweight", "qzeros", "scales", "g_idx", "weight_packed", "weight_scale", "weight_scale_inv",
    "weight_zero_point", "weight_shape", "weight_g_idx", "absmax", "quant_map", "nested_absmax",
    "nested_quant_map", "SCB", "weight_format", "W_q", "codes", "codebooks", "Qidxs",
    "weight_global_scale", "weight_scale_2", "qscale_weight", "weight_blocks", "weight_scales",
  ]

  /// Whether a tensor is a part of a quantized matrix.
  static func isPart(_ tensor: TensorDescriptor) -> Bool {
    if tensor.name.contains(".quant_state.bitsandbytes__") { return true }
    guard let dot = tensor.name.lastIndex(of: ".") else { return false }
    return parts.contains(String(tensor.name[tensor.name.index(after: dot)...]))
  }

  /// Whether a tensor is such a part, or a matrix of codes of eight bits, which mean nothing without scales.
  static func needsScale(_ tensor: TensorDescriptor) -> Bool {
    isPart(tensor) || tensor.shape.extents.count == 2 && codes.contains(tensor.type)
  }

  /// Whether any tensor is such a part, or a matrix of integers.
  var isQuantized: Bool {
    modules.catalogue.tensors.contains { tensor in
      Self.isPart(tensor) || tensor.shape.extents.count == 2 && Self.integers.contains(tensor.type)
    }
  }

  private static let codes: Set<TensorType> = [.f8e4m3, .f8e5m2, .i8, .u8]
  private static let integers: Set<TensorType> = [.i8, .u8, .i16, .u16, .i32, .u32, .i64, .u64]

  /// The method by which files were made whose recipe does not name it.
  ///
  /// - Parameter recipe: The recipe.
  /// - Returns: The method's name.
  func usualMethod(_ recipe: Recipe) -> String {
    if ["load_in_4bit", "load_in_8bit"].contains(where: { recipe.value($0)?.bool == true }) {
      return "bitsandbytes"
    }
    if recipe.value("config_groups") != nil { return "compressed-tensors" }
    let isAWQ = modules.modules(with: "qweight").contains { name, index in
      guard let scales = modules[name, "scales"] else { return false }
      return modules.tensor(index).shape.columns * 8 == modules.tensor(scales).shape.columns
    }
    return isAWQ ? "awq" : "gptq"
  }

  /// The error for quantized tensors of which no file says how they are decoded; `nil` for others.
  var unsaid: WeightmillError? {
    func error(_ problem: String, _ remedy: String) -> WeightmillError {
      WeightmillError(.unsupported, modules.catalogue.location, problem, remedy: remedy)
    }
    let isBitsAndBytes = modules.catalogue.tensors.contains {
      $0.name.contains(".quant_state.bitsandbytes__")
    }
    if isBitsAndBytes || modules.contains(anyOf: ["absmax", "quant_map", "SCB"]) {
      return error(
        "holds weights that bitsandbytes quantized, to \(modules.contains(anyOf: ["SCB"]) ? "8" : "4") "
          + "bits, though no configuration says so",
        UnreadMethod.bitsAndBytesRemedy)
    }
    if modules.contains(anyOf: ["qweight"]) {
      return error(
        "holds weights that GPTQ or AWQ quantized, but no file says to how many bits",
        "fetch its quantize_config.json, or write one: {\"bits\": 4, \"group_size\": 128}")
    }
    if modules.contains(anyOf: ["weight_packed", "weight_scale", "weight_scale_inv"]) {
      return error(
        "holds weights that are quantized, but no file says how",
        "fetch its config.json with the \"quantization_config\"")
    }
    if modules.contains(anyOf: ["qscale_weight"]) {
      return error(
        "holds weights of eight bits in Mistral's own layout, which are not read",
        "take the model in Hugging Face's layout, or " + Recipe.remedy)
    }
    return nil
  }
}

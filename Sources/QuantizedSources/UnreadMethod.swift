import WeightmillTensors

/// Ways of quantizing that are not read, by the names that configurations give them.
enum UnreadMethod {
  /// What to do about a model that bitsandbytes quantized.
  static let bitsAndBytesRemedy =
    "load it with transformers, call model.dequantize() and save_pretrained(), or merge the adapter "
    + "into the model before it was quantized"

  private static let readable =
    "GPTQ, AWQ, FP8 and compressed-tensors are read"

  /// The error for a method.
  ///
  /// - Parameters:
  ///   - method: The name.
  ///   - recipe: The file that says it.
  /// - Returns: The error.
  static func error(_ method: String, _ recipe: Recipe) -> WeightmillError {
    let (name, remedy): (String, String) =
      switch method {
      case "bitsandbytes": ("bitsandbytes", bitsAndBytesRemedy)
      case "eetq", "hqq", "quanto", "torchao", "higgs", "vptq", "spqr", "fbgemm_fp8", "bitnet",
        "quark", "modelopt", "fp_quant":
        (
          method,
          "load it with transformers and its library, dequantize it there, or " + Recipe.remedy
        )
      case "aqlm", "quip", "quip_sharp", "exl2", "exl3": (method, Recipe.remedy)
      case "mxfp4", "nvfp4":
        (method, "convert it with llama.cpp, which keeps these blocks, or " + Recipe.remedy)
      case "auto-round", "auto_round", "intel/auto-round":
        (method, "export it from auto-round in the form auto_gptq or auto_awq, or " + Recipe.remedy)
      case "marlin", "gptq_marlin", "awq_marlin":
        (method, "take the model as it was before it was laid out for Marlin, or " + Recipe.remedy)
      default: (quoted(method), Recipe.remedy)
      }
    return recipe.unsupported(
      "says that the weights are quantized by \(name), which is not read (\(readable))",
      remedy: HelpTopic.quantizedSources.after(remedy))
  }
}

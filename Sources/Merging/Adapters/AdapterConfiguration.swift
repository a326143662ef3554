package import WeightmillStrictJSON
package import WeightmillTensors

/// The settings of a LoRA adapter, from PEFT's `adapter_config.json`.
///
/// Only what changes the merged weights is kept; which tensors are adapted is seen from the tensors
/// themselves. Source: `LoraConfig` of PEFT 0.21; `formats/lora-peft.md`.
package struct AdapterConfiguration: Sendable {
  /// The largest rank that is merged.
  package static let maximumRank = 1024

  /// The rank of every update that `rank_pattern` does not name.
  package let rank: Int
  /// The factor of the update, before it is divided by the rank.
  package let alpha: Double
  /// Whether the scale is divided by the root of the rank, not by the rank (rsLoRA).
  package let isRankStabilized: Bool
  /// Whether the adapter says that weights are stored with their inputs as rows.
  package let isFanInFanOut: Bool
  /// The model that the adapter was trained on, as its author called it.
  package let baseName: String?
  /// The modules that are adapted in every layer, where they are listed by name.
  let targetModules: [String]
  /// The modules that are stored whole.
  let savedModules: [String]
  private let ranks: [(pattern: ModulePattern, rank: Int)]
  private let alphas: [(pattern: ModulePattern, alpha: Double)]

  /// Reads the configuration of an adapter.
  ///
  /// - Parameters:
  ///   - json: The content of `adapter_config.json`.
  ///   - location: The file, for messages.
  /// - Throws: `unsupported` for other kinds of adapters, and for LoRA that cannot be merged by
  ///   adding B·A; `malformed` for missing or impossible values.
  package init(_ json: JSONValue, location: String) throws(WeightmillError) {
    let fields = try AdapterFields(json, location: location)
    let kind = try fields.text("peft_type")
    guard kind == "LORA" else {
      throw WeightmillError(
        .unsupported, location,
        kind.map { "is the configuration of a \(quoted($0)) adapter; only LORA is merged" }
          ?? "does not say \"peft_type\"",
        remedy: "give a LoRA adapter that PEFT saved")
    }
    try fields.refuseVariants()
    guard let rank = try fields.rank("r"), let alpha = try fields.number("lora_alpha") else {
      throw WeightmillError(.malformed, location, "does not say \"r\" and \"lora_alpha\"")
    }
    self.rank = rank
    self.alpha = alpha
    isRankStabilized = try fields.flag("use_rslora")
    isFanInFanOut = try fields.flag("fan_in_fan_out")
    baseName = try fields.text("base_model_name_or_path")
    let targets = try fields.names("target_modules", allowsPattern: true)
    targetModules = fields.limitsTargets ? [] : targets
    savedModules = try fields.names("modules_to_save")
    ranks = try fields.patterns("rank_pattern", AdapterFields.rank).map { ($0, $1) }
    alphas = try fields.patterns("alpha_pattern", AdapterFields.number).map { ($0, $1) }
  }

  /// The rank that the update of a module must have.
  ///
  /// - Parameter module: The module's name in the base, as `model.layers.0.self_attn.q_proj`.
  /// - Returns: The rank.
  package func rank(of module: String) -> Int {
    ranks.first { $0.pattern.matches(module) }?.rank ?? rank
  }

  /// The factor of B·A: alpha / rank, or alpha / √rank for rsLoRA.
  ///
  /// The quotient is taken in binary64, as Python does, then rounded to binary32, as torch does.
  ///
  /// - Parameter module: The module's name in the base.
  /// - Returns: The scale.
  package func scale(of module: String) -> Float {
    let alpha = alphas.first { $0.pattern.matches(module) }?.alpha ?? alpha
    let rank = Double(rank(of: module))
    return Float(alpha / (isRankStabilized ? rank.squareRoot() : rank))
  }
}

import WeightmillLLaMA
package import WeightmillStrictJSON
package import WeightmillTensors

/// The settings of a LoRA adapter, from PEFT's `adapter_config.json` or a GGUF file's metadata.
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
  /// Whether merged rows get the lengths that the adapter holds (DoRA).
  let isDecomposed: Bool
  /// The scheme of the tensors' names: Hugging Face's in PEFT's files, or GGUF's.
  let naming: NamingScheme
  /// The factor by which the user multiplies all scales.
  package var factor = 1.0
  /// Whether the adapter says that weights are stored with their inputs as rows.
  package let isFanInFanOut: Bool
  /// The model that the adapter was trained on, as its author called it.
  package let baseName: String?
  /// The modules that are adapted in every layer, where they are listed by name.
  let targetModules: [String]
  /// The modules that are stored whole.
  let savedModules: [String]
  /// Whether an embedding and an output matrix that is the same stay so when one is changed.
  let keepsTie: Bool
  /// Whether the version of PEFT that wrote the file is known: it is in files of late ones.
  private let saysVersion: Bool
  /// How the two tables are looked up.
  private var lookup = Lookup.separate
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
    isDecomposed = try fields.flag("use_dora")
    naming = .huggingFace
    isFanInFanOut = try fields.flag("fan_in_fan_out")
    baseName = try fields.text("base_model_name_or_path")
    let targets = try fields.names("target_modules", allowsPattern: true)
    targetModules = fields.limitsTargets ? [] : targets
    savedModules = try fields.names("modules_to_save")
    keepsTie = try fields.flag("ensure_weight_tying")
    saysVersion = try fields.text("peft_version") != nil
    ranks = try fields.patterns("rank_pattern", AdapterFields.rank).map { ($0, $1) }
    alphas = try fields.patterns("alpha_pattern", AdapterFields.number).map { ($0, $1) }
  }

  /// Describes a GGUF adapter, whose ranks are those of its matrices.
  ///
  /// - Parameters:
  ///   - alpha: `adapter.lora.alpha`; 0 if all scales are 1.
  ///   - baseName: What the file calls its base.
  package init(ggufAlpha alpha: Double, baseName: String?) {
    (rank, self.alpha, self.baseName, naming) = (0, alpha, baseName, .gguf)
    (isRankStabilized, isFanInFanOut, isDecomposed, keepsTie, saysVersion) =
      (false, false, false, false, true)
    (targetModules, savedModules, ranks, alphas) = ([], [], [], [])
    lookup = .measured([:])
  }

  /// The rank that the update of a module must have.
  ///
  /// - Parameter module: The module's name in the base, as `model.layers.0.self_attn.q_proj`.
  /// - Returns: The rank.
  package func rank(of module: String) -> Int { rank(of: module, by: lookup) }

  private func rank(of module: String, by lookup: Lookup) -> Int {
    switch lookup {
    case .separate: ranks.first { $0.pattern.matches(module) }?.rank ?? rank
    case .joint:
      jointKey(of: module).flatMap { key in ranks.first { $0.pattern.text == key }?.rank } ?? rank
    case .measured(let ranks): ranks[module] ?? rank
    }
  }

  /// The factor of B·A: alpha / rank, or alpha / √rank for rsLoRA; all times the user's factor.
  ///
  /// The quotient is taken in binary64, as Python does, then rounded to binary32, as torch does.
  ///
  /// - Parameter module: The module's name in the base.
  /// - Returns: The scale.
  package func scale(of module: String) -> Float { scale(of: module, by: lookup) }

  private func scale(of module: String, by lookup: Lookup) -> Float {
    let found: Double? =
      switch lookup {
      case .separate: alphas.first { $0.pattern.matches(module) }?.alpha
      case .joint:
        jointKey(of: module).flatMap { key in alphas.first { $0.pattern.text == key }?.alpha }
      case .measured: nil
      }
    // llama.cpp takes an alpha of 0 for none.
    if naming == .gguf, alpha == 0 { return Float(factor) }
    let rank = Double(rank(of: module, by: lookup))
    return Float(factor * (found ?? alpha) / (isRankStabilized ? rank.squareRoot() : rank))
  }
}

/// The tables of ranks and alphas by module.
extension AdapterConfiguration {
  /// A way of looking a module up in them.
  fileprivate enum Lookup {
    /// In each by itself.
    case separate
    /// As PEFT did before version 0.14: the first key of both tables that fits is looked up in both.
    case joint
    /// What the matrices have, by module: a GGUF file has no table.
    case measured([String: Int])
  }

  private func jointKey(of module: String) -> String? {
    (ranks.map(\.pattern) + alphas.map(\.pattern)).first { $0.matchedOnce(module) }?.text
  }

  /// The same with the tables looked up as the ranks of an adapter's matrices show.
  ///
  /// - Parameter updates: The updated modules and the ranks of their matrices.
  /// - Returns: The configuration.
  package func fitting(_ updates: [(module: String, rank: Int)]) -> AdapterConfiguration {
    if case .measured = lookup {
      var other = self
      other.lookup = .measured(
        Dictionary(updates.map { ($0.module, $0.rank) }) { first, _ in first })
      return other
    }
    guard !ranks.isEmpty, !saysVersion,
      updates.contains(where: { $0.rank != rank(of: $0.module, by: .separate) }),
      updates.allSatisfy({ $0.rank == rank(of: $0.module, by: .joint) })
    else { return self }
    var other = self
    other.lookup = .joint
    return other
  }

  /// What is odd about the tables.
  ///
  /// - Parameter modules: The modules that are updated.
  /// - Returns: Remarks for the user, without the adapter's name.
  package func tableNotes(_ modules: [String]) -> [String] {
    let tables = [("rank_pattern", ranks.map(\.pattern)), ("alpha_pattern", alphas.map(\.pattern))]
    var notes: [String] = tables.compactMap { name, patterns in
      let idle = patterns.filter { pattern in !modules.contains(where: pattern.matches) }
      guard !idle.isEmpty else { return nil }
      let keys = idle.prefix(4).map { quoted($0.text, limit: 60) }.joined(separator: ", ")
      return "\(name) has \(keys)\(idle.count > 4 ? " and \(idle.count - 4) more" : ""), which no "
        + "updated module is called: nothing follows from it"
    }
    if case .joint = lookup {
      notes.append(
        "the ranks show that an older PEFT made it, which looked one key up in both rank_pattern and "
          + "alpha_pattern: scales are taken so")
    } else if !ranks.isEmpty, !alphas.isEmpty, !saysVersion,
      let other = modules.first(where: { scale(of: $0, by: .joint) != scale(of: $0) })
    {
      notes.append(
        "PEFT before 0.14 had the scale \(scale(of: other, by: .joint)) for \(other), not "
          + "\(scale(of: other)), because rank_pattern and alpha_pattern call it by different keys: if "
          + "that version trained it, write the older scale's alpha into alpha_pattern")
    }
    return notes
  }
}

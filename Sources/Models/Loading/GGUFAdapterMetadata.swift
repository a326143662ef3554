import WeightmillGGUF
import WeightmillMerging
import WeightmillTensors

/// What a GGUF adapter says of itself. Source: `src/llama-adapter.cpp` of llama.cpp.
struct GGUFAdapterMetadata {
  /// The key that says that a file is an adapter.
  static let type = "general.type"
  /// The key of the kind of adapter.
  static let kind = "adapter.type"
  /// The key of alpha.
  static let alpha = "adapter.lora.alpha"
  /// The key of the base's name.
  static let baseName = "general.base_model.0.name"
  private static let invocation = "adapter.alora.invocation_tokens"
  /// The largest alpha; what people use is from 1 to some hundreds.
  private static let largestAlpha = 1e6

  /// The architecture of the base.
  let architecture: String
  /// Alpha; 0 if all scales are 1.
  let alpha: Double
  /// What the file calls its base.
  let baseName: String?
  /// Remarks for the user.
  let notes: [String]

  /// Reads what metadata says.
  ///
  /// - Throws: `mismatch` for a file that is no adapter, `unsupported` for other kinds of adapters, and
  ///   `malformed`.
  init(_ metadata: GGUFMetadata, location: String) throws(WeightmillError) {
    guard metadata[Self.type]?.string == "adapter" else {
      throw WeightmillError(
        .mismatch, location, "is a GGUF file, but no adapter (its general.type is not \"adapter\")",
        remedy: "give a model by itself, delta weights with --delta")
    }
    let kind = metadata[Self.kind]?.string
    guard kind == "lora" else {
      throw WeightmillError(
        .unsupported, location,
        kind.map { "is an adapter of kind \(quoted($0)); only lora is merged" }
          ?? "does not say \(Self.kind)", remedy: "give a LoRA adapter")
    }
    guard metadata[Self.invocation] == nil else {
      throw WeightmillError(
        .unsupported, location,
        "works only after certain tokens (aLoRA), which no merged model can",
        remedy: "let llama.cpp load it beside the base")
    }
    guard let architecture = metadata["general.architecture"]?.string else {
      throw WeightmillError(.malformed, location, "does not say general.architecture")
    }
    self.architecture = architecture
    baseName = metadata[Self.baseName]?.string
    guard let value = metadata[Self.alpha] else {
      alpha = 0
      notes = ["\(location) does not say \(Self.alpha): its scale is 1, as in llama.cpp"]
      return
    }
    guard case .float32(let stored) = value, stored.isFinite,
      Double(stored).magnitude <= Self.largestAlpha
    else {
      throw WeightmillError(.malformed, location, "has an \(Self.alpha) that is no scale")
    }
    alpha = Double(stored)
    notes = stored == 0 ? ["\(location) has alpha 0: its scale is 1, as in llama.cpp"] : []
  }
}

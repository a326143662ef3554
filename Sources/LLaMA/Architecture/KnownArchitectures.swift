extension Architecture {
  /// LLaMA 1 and 2, and what has their layers under their name.
  ///
  /// Source: `conversion/llama.py` and `src/models/llama.cpp` of llama.cpp.
  package static let llama = Architecture(
    name: "llama", huggingFaceType: "llama", huggingFaceClass: "LlamaForCausalLM",
    rowOrder: .neighbours, furtherKeys: [.vocabularySize, .ropeDimensionCount])

  /// The architectures that are read.
  package static let all: [Architecture] = [llama]

  /// The architecture that a GGUF file names.
  ///
  /// - Parameter name: The value of `general.architecture`.
  /// - Returns: The architecture, or `nil` when it is not known.
  package static func named(_ name: String) -> Architecture? { all.first { $0.name == name } }

  /// The architecture that a `config.json` names.
  ///
  /// - Parameter type: The value of `model_type`.
  /// - Returns: The architecture, or `nil` when it is not known.
  package static func ofHuggingFace(type: String) -> Architecture? {
    all.first { $0.huggingFaceType == type }
  }

  /// The remark of messages on names that are not known: `only llama is supported`.
  ///
  /// - Parameter name: Which of an architecture's names.
  /// - Returns: The end of a sentence.
  package static func onlySupported(_ name: (Architecture) -> String) -> String {
    var names: [String] = []
    for known in all.map(name) where !names.contains(known) { names.append(known) }
    return "only \(names.joined(separator: ", ")) \(names.count == 1 ? "is" : "are") supported"
  }
}

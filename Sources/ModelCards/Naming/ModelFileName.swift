/// The name of a model's file: `Llama-2-7B-chat-hf-v1-Q4_K_M.gguf`.
///
/// Source: gguf-py's `naming_convention` and ggml's `docs/gguf.md`.
package struct ModelFileName: Equatable, Sendable {
  /// The family, or the model's name.
  package let name: String
  /// The size.
  package let sizeLabel: String?
  /// The fine-tuning.
  package let finetune: String?
  /// The version.
  package let version: String?

  /// Describes a name.
  package init(name: String, sizeLabel: String?, finetune: String?, version: String?) {
    self.name = name
    self.sizeLabel = sizeLabel
    self.finetune = finetune
    self.version = version
  }

  /// The name of a file.
  ///
  /// - Parameter type: The mix of types, as llama.cpp calls it.
  /// - Returns: The name, without a folder.
  package func of(type: String) -> String {
    // Cards come from anybody: no part of a name may lead into another folder.
    func part(_ text: String) -> String {
      let trimmed = text.split { $0.isWhitespace }.joined(separator: "-")
      return String(
        String.UnicodeScalarView(
          trimmed.unicodeScalars.map { $0 == "/" || $0.value < 0x20 || $0.value == 0x7F ? "-" : $0 }
        ))
    }
    let parts = [name, sizeLabel, finetune, version, type.uppercased()].compactMap(\.self).map(part)
    let whole = parts.filter { !$0.isEmpty }.joined(separator: "-")
    return (whole.hasPrefix(".") ? "model" : "") + whole + ".gguf"
  }
}

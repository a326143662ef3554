/// A published file that is known by its SHA-256.
package struct KnownFile: Sendable {
  /// The role of a file in a model's folder.
  package enum Role: Equatable, Sendable {
    /// One of Meta's model-parallel files, counted from 1.
    case part(Int, of: Int)
    /// One of the shards of a Hugging Face folder, counted from 1.
    case shard(Int, of: Int)
    /// The model's sizes.
    case parameters(KnownModel)
    /// A vocabulary.
    case tokenizer(KnownVocabulary)
  }

  /// The SHA-256 in lower-case hexadecimal.
  package let sha256: String
  /// The file's role.
  package let role: Role
  /// The model whose weights the file holds, if it holds weights.
  package let model: KnownModel?
  /// The size in bytes, where it was published.
  package let byteCount: Int?

  /// The file's name as published.
  package var name: String {
    switch role {
    case .part(let number, _): "consolidated.\(Self.padded(number - 1, to: 2)).pth"
    case .shard(let number, let count):
      "pytorch_model-\(Self.padded(number, to: 5))-of-\(Self.padded(count, to: 5)).bin"
    case .parameters: "params.json"
    case .tokenizer: "tokenizer.model"
    }
  }

  /// The file in words: `Meta LLaMA 13B part 1 of 2`.
  package var description: String {
    let owner = model?.rawValue ?? ""
    return switch (role, model?.nature) {
    case (.part(let number, let count), _): "\(owner) part \(number) of \(count)"
    case (.shard(let number, let count), .delta):
      "\(owner)'s delta, shard \(number) of \(count)"
    case (.shard(let number, let count), _): "\(owner), shard \(number) of \(count)"
    case (.parameters(let owner), _): "\(owner.rawValue)'s params.json"
    case (.tokenizer(let vocabulary), _): vocabulary.rawValue
    }
  }

  private static func padded(_ number: Int, to width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

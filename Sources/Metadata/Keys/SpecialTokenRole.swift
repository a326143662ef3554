/// What a special token is for: the beginning of a text, its end, the gap that is to be filled.
package struct SpecialTokenRole: Equatable, Sendable {
  /// The name by which it is chosen.
  package let name: String
  /// The key that holds the token's id.
  package let key: String

  private init(_ name: String, key: String? = nil) {
    self.name = name
    self.key = "tokenizer.ggml.\(key ?? name)_token_id"
  }

  /// All that llama.cpp reads. The key of separators is misspelt in the format itself.
  package static let all: [SpecialTokenRole] = [
    SpecialTokenRole("bos"), SpecialTokenRole("eos"), SpecialTokenRole("eot"),
    SpecialTokenRole("eom"), SpecialTokenRole("unknown"),
    SpecialTokenRole("separator", key: "seperator"), SpecialTokenRole("padding"),
    SpecialTokenRole("cls"), SpecialTokenRole("mask"), SpecialTokenRole("fim_pre"),
    SpecialTokenRole("fim_suf"), SpecialTokenRole("fim_mid"), SpecialTokenRole("fim_pad"),
    SpecialTokenRole("fim_rep"), SpecialTokenRole("fim_sep"), SpecialTokenRole("prefix"),
    SpecialTokenRole("suffix"), SpecialTokenRole("middle"),
  ]

  /// Other names of the same roles: tokenizers', and the format's own spelling.
  private static let aliases = [
    "unk": "unknown", "sep": "separator", "seperator": "separator", "pad": "padding",
  ]

  /// Finds a role by its name.
  ///
  /// - Parameter name: The name; `unk`, `sep` and `pad` are understood, too.
  /// - Returns: The role; `nil` for another name.
  package static func named(_ name: String) -> SpecialTokenRole? {
    let name = aliases[name] ?? name
    return all.first { $0.name == name }
  }
}

package import WeightmillGGUF

/// An element of an array, as it is named on a command line: `tokenizer.ggml.tokens[32000]`.
package struct ArrayElement: Equatable, Sendable {
  /// The array's key.
  package let key: String
  /// The element's index, which may be beyond the end.
  package let index: Int

  /// Takes a name apart; `nil` when it is a key itself, or no element of an array that is there.
  ///
  /// - Parameters:
  ///   - name: The name.
  ///   - metadata: The metadata.
  package init?(_ name: String, in metadata: GGUFMetadata) {
    guard metadata[name] == nil, name.hasSuffix("]"),
      let bracket = name.utf8.lastIndex(of: UInt8(ascii: "[")),
      let index = Int(name[name.utf8.index(after: bracket)...].dropLast()), index >= 0
    else { return nil }
    key = String(name[..<bracket])
    self.index = index
    guard metadata[key]?.array != nil else { return nil }
  }
}

internal import WeightmillDigests
package import WeightmillGGUF
import WeightmillMerging
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors

/// The origin of a GGUF file's weights, in metadata under keys that begin with `weightmill.`.
///
/// llama.cpp ignores them. None names a folder, a person or a date: the same inputs give the same
/// bytes anywhere. `formats/gguf.md` has the list.
package enum Provenance {
  /// The beginning of all keys.
  package static let prefix = "weightmill."
  private static let sourcePrefix = "weightmill.source."

  /// Says which program wrote the file, by which rules, and what.
  ///
  /// Keys of an earlier file come behind, so that two steps give the bytes of one.
  ///
  /// - Parameters:
  ///   - tensors: The tensors that are written.
  ///   - method: How scales were chosen.
  ///   - mergeRule: The rule by which a delta was merged; `nil` keeps what the metadata says.
  ///   - guidance: What guided the encoder besides importance.
  ///   - metadata: Where to write it.
  static func describe(
    _ tensors: [PlannedTensor], _ method: EncodingMethod, mergeRule: String?,
    guidance: String? = nil, in metadata: inout GGUFMetadata
  ) {
    let rule = mergeRule ?? metadata["weightmill.merge.rule"]?.string
    let encoder =
      tensors.contains { !$0.descriptor.type.isScalar }
      ? method.rawValue : metadata["weightmill.encoder"]?.string
    let rest = metadata.entries.filter { $0.key.hasPrefix(sourcePrefix) }
    metadata.removeAll { $0.hasPrefix(prefix) }
    metadata["weightmill.version"] = .string(Weightmill.version)
    if let rule { metadata["weightmill.merge.rule"] = .string(rule) }
    if let encoder { metadata["weightmill.encoder"] = .string(encoder) }
    if let guidance { metadata["weightmill.guidance"] = .string(guidance) }
    metadata["weightmill.plan.sha256"] = .string(
      digest(tensors, encoder: encoder, rule: rule, guidance: guidance))
    for entry in rest { metadata[entry.key] = entry.value }
  }

  /// Whether metadata says where weights come from.
  static func namesSources(_ metadata: GGUFMetadata) -> Bool {
    metadata.entries.contains { $0.key.hasPrefix(sourcePrefix) }
  }

  /// Says which files the weights come from.
  ///
  /// - Parameters:
  ///   - sources: The files.
  ///   - hashes: Their SHA-256; without any, zeros, which are as long, for those that will be hashed.
  ///   - hashing: Which are hashed.
  ///   - metadata: Where to write it.
  static func name(
    _ sources: [SourceFile], _ hashes: [HashedSource]?, _ hashing: SourceHashing,
    in metadata: inout GGUFMetadata
  ) {
    for (number, source) in sources.enumerated() {
      let key = "\(sourcePrefix)\(number)."
      metadata[key + "role"] = .string(source.side.rawValue)
      metadata[key + "path_basename"] = .string(source.name)
      if let repository = source.repository {
        metadata[key + "repository"] = .string(repository)
      }
      metadata[key + "bytes"] = .uint64(UInt64(source.byteCount))
      let later =
        hashing.includes(source) || source.isSmall ? String(repeating: "0", count: 64) : nil
      if let hash = hashes?[number].sha256 ?? later {
        metadata[key + "sha256"] = .string(hash)
      }
    }
  }

  /// The SHA-256 of what is written, in words: types, names, shapes, the rules, the importance.
  ///
  /// One line says each; `formats/gguf.md` has them. It does not depend on how the input is stored, nor
  /// on how the output is split.
  static func digest(
    _ tensors: [PlannedTensor], encoder: String?, rule: String?, guidance: String? = nil
  ) -> String {
    var hash = SHA256()
    func add(_ line: String) { hash.update(Array((line + "\n").utf8)) }
    add("weightmill plan 1")
    add("merge \(rule ?? "none")")
    add("encoder \(encoder ?? "none")")
    if let guidance { add("guidance \(guidance)") }
    for tensor in tensors {
      let shape = tensor.descriptor.shape.extents.map(String.init).joined(separator: "x")
      add("tensor \(tensor.descriptor.name) \(tensor.descriptor.type.name) \(shape)")
      guard let importance = tensor.importance else { continue }
      var values = SHA256()
      for value in importance {
        unsafe withUnsafeBytes(of: value.bitPattern.littleEndian) {
          unsafe values.update($0)
        }
      }
      add("importance \(values.hexadecimal)")
    }
    return hash.hexadecimal
  }
}

/// A tensor that is written, as provenance needs it.
struct PlannedTensor {
  /// The tensor's name, type and shape.
  let descriptor: TensorDescriptor
  /// For each column how much an error in it costs, if that is known.
  let importance: [Float]?
}

/// The origin of a GGUF file's weights, as its metadata tells it.
package struct ProvenanceRecord: Sendable, Encodable {
  /// A file that the weights come from.
  package struct Source: Sendable, Encodable {
    /// The input that the file belonged to: `base`, `delta`, `adapter`, or `model`.
    package let role: String
    /// The file's name without its folder.
    package let name: String
    /// The model on a hub that it was read from, with the commit: `hf://OWNER/NAME@COMMIT`.
    package let repository: String?
    /// The file's size in bytes.
    package let bytes: Int?
    /// The SHA-256 of the whole file; `nil` when it was not hashed.
    package let sha256: String?
  }

  /// The version of Weightmill that wrote the file; `nil` for a file of another program.
  package let version: String?
  /// The rule by which a delta was merged.
  package let mergeRule: String?
  /// The encoder: how scales were chosen, in a file that holds quantized tensors.
  package let encoder: String?
  /// The encoder's guidance besides importance: texts' digests and settings, in words.
  package let guidance: String?
  /// The SHA-256 of the plan: `formats/gguf.md` says of what.
  package let planSHA256: String?
  /// The name of the importance matrix's file.
  package let importance: String?
  /// The files the weights come from.
  package let sources: [Source]

  /// Reads what metadata says.
  ///
  /// - Parameter metadata: The metadata of a GGUF file, which may be anybody's: what is of another
  ///   kind than Weightmill writes is left out.
  package init(_ metadata: GGUFMetadata) {
    func text(_ key: String) -> String? { metadata[key]?.string }
    version = text("weightmill.version")
    mergeRule = text("weightmill.merge.rule")
    encoder = text("weightmill.encoder")
    guidance = text("weightmill.guidance")
    planSHA256 = text("weightmill.plan.sha256")
    importance = text("quantize.imatrix.file")
    var sources: [Source] = []
    while let name = text("weightmill.source.\(sources.count).path_basename") {
      let key = "weightmill.source.\(sources.count)."
      sources.append(
        Source(
          role: text(key + "role") ?? "model", name: name,
          repository: text(key + "repository"),
          bytes: metadata[key + "bytes"]?.integer, sha256: text(key + "sha256")))
    }
    self.sources = sources
  }
}

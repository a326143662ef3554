public import GGUF

/// The origin of a GGUF file's weights, as its metadata tells it.
public struct ProvenanceRecord: Sendable, Encodable {
  /// A file that the weights come from.
  public struct Source: Sendable, Encodable {
    /// The input that the file belonged to: `base`, `delta`, `adapter`, or `model`.
    public let role: String
    /// The file's name without its folder.
    public let name: String
    /// The file's size in bytes.
    public let bytes: Int?
    /// The SHA-256 of the whole file; `nil` when it was not hashed.
    public let sha256: String?
  }

  /// The version of Weightmill that wrote the file; `nil` for a file of another program.
  public let version: String?
  /// The rule by which a delta was merged.
  public let mergeRule: String?
  /// The encoder: how scales were chosen, in a file that holds quantized tensors.
  public let encoder: String?
  /// The SHA-256 of the plan: `formats/gguf.md` says of what.
  public let planSHA256: String?
  /// The name of the importance matrix's file.
  public let importance: String?
  /// The files the weights come from.
  public let sources: [Source]

  /// Reads what metadata says.
  ///
  /// - Parameter metadata: The metadata of a GGUF file, which may be anybody's: what is of another
  ///   kind than Weightmill writes is left out.
  public init(_ metadata: GGUFMetadata) {
    func text(_ key: String) -> String? { metadata[key]?.string }
    version = text("weightmill.version")
    mergeRule = text("weightmill.merge.rule")
    encoder = text("weightmill.encoder")
    planSHA256 = text("weightmill.plan.sha256")
    importance = text("quantize.imatrix.file")
    var sources: [Source] = []
    while let name = text("weightmill.source.\(sources.count).path_basename") {
      let key = "weightmill.source.\(sources.count)."
      sources.append(
        Source(
          role: text(key + "role") ?? "model", name: name,
          bytes: metadata[key + "bytes"]?.integer, sha256: text(key + "sha256")))
    }
    self.sources = sources
  }
}

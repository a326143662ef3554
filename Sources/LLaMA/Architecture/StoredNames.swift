package import WeightmillTensors

/// The names that a checkpoint's tensors have, and the way from them to those of a scheme.
///
/// Programs put something before the names (`module.`, `_orig_mod.`, a member's name of the object that
/// held the model), between their parts, or leave `model.` away. What stands before `layers.` is found
/// from the names of the layers' norms: these are neither quantized nor wrapped, and parts that see have
/// others.
package struct StoredNames: Sendable {
  /// The scheme.
  package let scheme: NamingScheme
  /// What stands before the names of several models in one file, none of which has the usual names.
  package let rivals: [String]
  /// Whether there are layers of a model at all, not only single tensors with a model's names.
  package let hasLayers: Bool
  /// What stands before `layers.` here.
  private let stack: String
  /// The parts that are left out wherever they stand.
  private let wrappers: [String]
  /// The name of an output matrix that lies within the usual layers' prefix: `model.lm_head.weight`.
  private let innerHead: String?
  private let outside: Outside

  /// What programs put between the parts of a name: `torch.compile`, FSDP, activation checkpointing.
  private static let knownWrappers: Set<String> = [
    "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module",
  ]

  /// Finds the scheme of a catalogue's names; `nil` for names that are no model's.
  ///
  /// - Parameter catalogue: The tensors.
  package init?(_ catalogue: any Catalogue) {
    var found = Stacks()
    var wrappers: [String] = []
    for tensor in catalogue.tensors {
      let parts = tensor.name.split(separator: ".", omittingEmptySubsequences: false)
      for part in parts where Self.knownWrappers.contains(String(part)) {
        if !wrappers.contains(String(part)) { wrappers.append(String(part)) }
      }
      found.add(parts.map(String.init).filter { !Self.knownWrappers.contains($0) })
    }
    hasLayers = !found.prefixes.isEmpty
    guard let scheme = found.scheme ?? Self.scheme(ofSingleTensors: catalogue) else { return nil }
    self.scheme = scheme
    self.wrappers = wrappers
    outside = Outside(scheme)
    let usual = Self.usualStack(scheme)
    let isUsual = found.prefixes.isEmpty || found.prefixes.contains(usual)
    stack = isUsual ? usual : found.prefixes[0]
    rivals = isUsual || found.prefixes.count < 2 ? [] : found.prefixes
    let (names, usualStack) = (outside, stack)
    innerHead =
      isUsual
      ? catalogue.tensors.lazy.map(\.name).first {
        names.head(of: $0, inStack: usualStack).map { $0.utf8.count } ?? .max < $0.utf8.count
      } : nil
  }

  /// The scheme in which any tensor has a known name: of files that hold no layer.
  private static func scheme(ofSingleTensors catalogue: any Catalogue) -> NamingScheme? {
    let schemes: [NamingScheme] = [.huggingFace, .meta, .gguf]
    return schemes.first { scheme in
      catalogue.tensors.contains { tensor in
        tensor.name != "output.weight"
          && Architecture.all.contains { scheme.role(of: tensor.name, in: $0) != nil }
      }
    }
  }

  /// What stands before `layers.` in a scheme's names.
  private static func usualStack(_ scheme: NamingScheme) -> String {
    scheme == .huggingFace ? "model." : ""
  }

  /// The name that a tensor has in the scheme; names that are no model's stay as they are.
  ///
  /// - Parameter stored: Its name in the file.
  /// - Returns: The name.
  package func name(of stored: String) -> String {
    let usual = Self.usualStack(scheme)
    guard !wrappers.isEmpty || stack != usual || stored == innerHead else { return stored }
    let name =
      wrappers.isEmpty
      ? stored
      : stored.split(separator: ".", omittingEmptySubsequences: false)
        .filter { !Self.knownWrappers.contains(String($0)) }.joined(separator: ".")
    if let head = outside.head(of: name, inStack: stack) { return head }
    guard name.hasPrefix(stack) else { return stored }
    let rest = String(name.dropFirst(stack.count))
    return rest.hasPrefix("layers.") || outside.names.contains(rest) ? usual + rest : stored
  }

  /// The tensors under their names in the scheme.
  ///
  /// - Parameter catalogue: The tensors as they are stored.
  /// - Returns: The same tensors.
  package func renamed(_ catalogue: any Catalogue) -> any Catalogue {
    guard !notes.isEmpty else { return catalogue }
    return RenamedCatalogue(catalogue) { name(of: $0.name) }
  }

  /// What the user should know of the names.
  package var notes: [String] {
    var removed = wrappers.map { $0 + "." }
    var notes: [String] = []
    let usual = Self.usualStack(scheme)
    if stack != usual {
      let isWhole = stack.hasSuffix("." + usual) || usual.isEmpty
      if isWhole {
        removed.append(String(stack.dropLast(usual.count)))
      } else {
        notes.append(
          stack.isEmpty
            ? "the names of the tensors lack \(quoted(usual)): they are read as if they had it"
            : "the names of the tensors begin with \(quoted(stack)), which is read as \(quoted(usual))"
        )
      }
    }
    if let innerHead, wrappers.isEmpty {
      notes.append("\(quoted(innerHead)) is read as the output matrix")
    }
    if !removed.isEmpty {
      notes.insert(
        HelpTopic.wrappedNames.after(
          "the names of the tensors are read without "
            + removed.map { quoted($0) }.joined(separator: " and ")), at: 0)
    }
    return notes
  }
}

/// What stands before `layers.` in the names of norms.
private struct Stacks {
  /// Each prefix once, in the order of the tensors.
  private(set) var prefixes: [String] = []
  /// The scheme, if there are norms.
  var scheme: NamingScheme? {
    guard !prefixes.isEmpty else { return nil }
    if isHuggingFace { return .huggingFace }
    // InternLM 2 has Meta's names for its norms, in Hugging Face's files, where the output matrix lies
    // outside of what holds the layers.
    return isFused || hasOuterOutput && !prefixes.contains("") ? .huggingFace : .meta
  }

  private var known: Set<String> = []
  private var isHuggingFace = false
  private var isFused = false
  private var hasOuterOutput = false
  private let huggingFace = Self.norms(.huggingFace)
  private let meta = Self.norms(.meta)
  private let fused = Set(Architecture.all.compactMap(\.fusedQueries))

  /// The names that norms have behind a layer's number.
  private static func norms(_ scheme: NamingScheme) -> Set<String> {
    var names: Set<String> = []
    // Meta has published one of them under its own names.
    for architecture in scheme == .meta ? [.llama] : Architecture.all {
      for tensor in architecture.layerTensors where TensorRole.layer(0, tensor).isNorm {
        let name = scheme.name(of: .layer(0, tensor), in: architecture)
        if let layer = name.firstRange(of: "layers.0.") {
          names.insert(String(name[layer.upperBound...]))
        }
      }
      for (name, tensor) in architecture.aliases[scheme] ?? [:]
      where TensorRole.layer(0, tensor).isNorm {
        names.insert(name)
      }
    }
    return names
  }

  mutating func add(_ parts: [String]) {
    if parts == ["output", "weight"] { hasOuterOutput = true }
    guard let index = parts.firstIndex(of: "layers"), index + 2 < parts.count,
      !parts[index + 1].isEmpty, parts[index + 1].utf8.allSatisfy({ (48...57).contains($0) })
    else { return }
    let rest = parts[(index + 2)...].joined(separator: ".")
    if fused.contains(rest) { isFused = true }
    let (isOurs, isMetas) = (huggingFace.contains(rest), meta.contains(rest))
    guard isOurs || isMetas else { return }
    if isOurs, !isMetas { isHuggingFace = true }
    let prefix = parts[..<index].map { $0 + "." }.joined()
    if known.insert(prefix).inserted { prefixes.append(prefix) }
  }
}

/// The names of tensors that are in no layer.
private struct Outside {
  /// Those that have the same prefix as the layers, without it.
  let names: Set<String>
  /// The names of output matrices.
  private let heads: Set<String>

  init(_ scheme: NamingScheme) {
    let usual = scheme == .huggingFace ? "model." : ""
    var names: Set<String> = []
    var heads: Set<String> = []
    for architecture in Architecture.all {
      for role in [TensorRole.tokenEmbedding, .outputNorm] {
        names.insert(String(scheme.name(of: role, in: architecture).dropFirst(usual.count)))
      }
      heads.insert(scheme.name(of: .output, in: architecture))
    }
    names.insert(scheme == .meta ? "rope.freqs" : "rotary_emb.inv_freq")
    self.names = names
    self.heads = heads
  }

  /// The scheme's name of an output matrix whose prefix is a part of the layers'; `nil` for other tensors.
  func head(of name: String, inStack stack: String) -> String? {
    heads.first { head in
      guard name.hasSuffix(head) else { return false }
      let prefix = name.dropLast(head.count)
      return (prefix.isEmpty || prefix.hasSuffix(".")) && stack.hasPrefix(prefix)
    }
  }
}

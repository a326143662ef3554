import WeightmillGGUF
import WeightmillLLaMA
import WeightmillMerging
import WeightmillTensors

/// A checkpoint's tensors, checked to be a whole model, and what is odd about them.
struct CheckedModel {
  private(set) var llama: LlamaModel
  private(set) var notes: [String] = []

  /// Checks that some of a checkpoint's tensors make a model.
  ///
  /// - Parameters:
  ///   - checkpoint: The checkpoint.
  ///   - stored: The tensors, under the names that they have there.
  ///   - types: Further types that the configuration may be of.
  /// - Throws: `unsupported`, `malformed` or `mismatch`.
  init(
    _ checkpoint: Checkpoint, _ stored: any Catalogue, alsoNamed types: Set<String> = []
  ) throws(WeightmillError) {
    if let error = checkpoint.misplacedAdapter { throw error }
    guard let names = checkpoint.names else { throw Self.nameless(checkpoint) }
    guard names.rivals.isEmpty else {
      throw WeightmillError(
        .mismatch, checkpoint.path,
        "holds several models: names begin with "
          + names.rivals.prefix(3).map { quoted($0) }.joined(separator: ", "),
        remedy: "save one of them by itself, and give that")
    }
    let tensors = names.renamed(stored)
    let configuration = try Self.configuration(
      checkpoint, names.scheme, tensors.tensors, alsoNamed: types)
    let (catalogue, more) = Self.tensors(tensors, names.scheme, configuration)
    do throws(WeightmillError) {
      llama = try LlamaModel(
        catalogue: names.scheme == .huggingFace
          ? Self.plain(catalogue, configuration) : catalogue,
        configuration: configuration, scheme: names.scheme)
    } catch {
      throw Self.unfit(checkpoint, catalogue, configuration, names.scheme) ?? error
    }
    notes =
      more + biasNotes + (try StoredFrequencies(llama, tensors).notes)
      + (try Self.headNotes(catalogue, names.scheme, configuration.architecture))
    try untie(checkpoint)
  }

  /// A head that models of an architecture cannot have is left out; one that differs from the embeddings
  /// was trained for something else.
  private static func headNotes(
    _ catalogue: any Catalogue, _ scheme: NamingScheme, _ architecture: Architecture
  ) throws(WeightmillError) -> [String] {
    guard scheme == .huggingFace, architecture.alwaysTies else { return [] }
    let names = catalogue.tensors.map(\.name)
    let head = scheme.name(of: .output, in: architecture)
    guard let output = names.firstIndex(of: head),
      let embedding = names.firstIndex(of: scheme.name(of: .tokenEmbedding, in: architecture)),
      try !catalogue.holdsTheSame(output, embedding)
    else { return [] }
    return [
      "\(quoted(head)) differs from the embeddings and is left out: models of \(architecture.name) "
        + "have no output matrix of their own"
    ]
  }

  /// llama.cpp computes models without the biases that their architecture has: so were they converted.
  private var biasNotes: [String] {
    let needed = llama.architecture.requiredTensors.intersection(TensorRole.LayerTensor.biases)
    guard !needed.isEmpty, !llama.roles.contains(where: \.isBias) else { return [] }
    return [
      "the file has none of the biases that models of \(llama.architecture.name) have: it is read as "
        + "a model without them, as llama.cpp does"
    ]
  }

  /// The tensors that a model is made of: a tied one may have kept its matrix as the output's, and a
  /// GGUF file does not hold rotary frequencies, which llama.cpp refuses.
  private static func tensors(
    _ catalogue: any Catalogue, _ scheme: NamingScheme, _ configuration: LlamaConfiguration
  ) -> (catalogue: any Catalogue, notes: [String]) {
    let architecture = configuration.architecture
    let roles = catalogue.tensors.map { scheme.role(of: $0.name, in: architecture) }
    if scheme == .gguf {
      func isFrequency(_ role: TensorRole?) -> Bool {
        if case .rotaryFrequencies? = role { true } else { false }
      }
      let left = zip(catalogue.tensors, roles).filter { isFrequency($0.1) }.map(\.0.name)
      guard !left.isEmpty else { return (catalogue, []) }
      let summary = TensorFault.summary(left.map { TensorFault($0, "") })
      return (
        SelectedCatalogue(catalogue) { !isFrequency(scheme.role(of: $0.name, in: architecture)) },
        [
          "\(summary): left out, since they follow from the configuration and llama.cpp refuses them"
        ]
      )
    }
    guard configuration.tiesEmbeddings, !roles.contains(.tokenEmbedding),
      let output = roles.firstIndex(of: .output)
    else { return (catalogue, []) }
    let (head, embedding) = (
      catalogue.tensors[output].name, scheme.name(of: .tokenEmbedding, in: architecture)
    )
    return (
      RenamedCatalogue(catalogue) { $0.name == head ? embedding : $0.name },
      ["the tied embeddings are stored as \(quoted(head)) alone"]
    )
  }

  /// A Hugging Face checkpoint's tensors with what is fused taken apart, without a part that sees, and
  /// without an output matrix that is the embedding once more.
  private static func plain(
    _ catalogue: any Catalogue, _ configuration: LlamaConfiguration
  ) throws(WeightmillError) -> any Catalogue {
    let architecture = configuration.architecture
    guard architecture.fusedQueries == nil else {
      return try GroupedQueries(catalogue, configuration)
    }
    guard architecture.typesWithVision.isEmpty else {
      return RenamedCatalogue(catalogue) { VisionTensors.languageName($0.name) }
    }
    let output = NamingScheme.huggingFace.name(of: .output, in: architecture)
    guard architecture.alwaysTies, catalogue.tensors.contains(where: { $0.name == output }) else {
      return catalogue
    }
    return SelectedCatalogue(catalogue) { $0.name != output }
  }

  private static func configuration(
    _ checkpoint: Checkpoint, _ scheme: NamingScheme, _ tensors: [TensorDescriptor],
    alsoNamed types: Set<String>
  ) throws(WeightmillError) -> LlamaConfiguration {
    if let metadata = checkpoint.metadata {
      return try LlamaConfiguration(gguf: metadata, catalogue: checkpoint.catalogue)
    }
    guard let file = checkpoint.configuration else {
      throw WeightmillError(
        .noInput, checkpoint.path,
        "has no \(scheme == .meta ? "params.json" : "config.json") with the model's sizes beside it",
        remedy: "give the whole folder of the model")
    }
    return scheme == .meta
      ? try LlamaConfiguration(meta: file.json, location: file.path, tensors: tensors)
      : try LlamaConfiguration(huggingFace: file.json, location: file.path, alsoNamed: types)
  }

  /// A head that is stored and differs from the embeddings counts, whatever the configuration says.
  private mutating func untie(_ checkpoint: Checkpoint) throws(WeightmillError) {
    let configuration = llama.configuration
    guard llama.scheme == .huggingFace, configuration.tiesEmbeddings, !llama.tiesEmbeddings,
      let output = llama[.output], let embedding = llama[.tokenEmbedding],
      try !llama.catalogue.holdsTheSame(output, embedding)
    else { return }
    llama = try LlamaModel(
      catalogue: llama.stored,
      configuration: configuration.with(
        vocabularyRows: configuration.vocabularyRows, tiesEmbeddings: false),
      scheme: llama.scheme)
    let file = checkpoint.configuration.map { InputPath($0.path).name }
    notes.append(
      "\(file ?? "the configuration") says that the output matrix is the embeddings "
        + "(tie_word_embeddings), but \(quoted(llama.catalogue.tensors[output].name)) is stored and "
        + "differs from them: it is used, as transformers 5 does")
  }
}

// MARK: - Errors

extension CheckedModel {
  /// The error for tensors without any name of a model's.
  private static func nameless(_ checkpoint: Checkpoint) -> WeightmillError {
    if let error = UnfitTensors(checkpoint.catalogue).error(
      amongUnknown: checkpoint.catalogue.tensors)
    {
      return error
    }
    if checkpoint.layout == .huggingFace, let file = checkpoint.configuration {
      do throws(WeightmillError) {
        _ = try LlamaConfiguration(huggingFace: file.json, location: file.path)
      } catch {
        if error.code == .unsupported { return error }
      }
    }
    return checkpoint.weightFiles.lazy.compactMap(ForeignFiles.error).first
      ?? WeightmillError(
        .unsupported, checkpoint.path, "holds no tensors with a LLaMA model's names",
        remedy: "see what it holds with `weightmill inspect`")
  }

  /// The error for tensors that are no whole model, where more can be said than what is missing.
  private static func unfit(
    _ checkpoint: Checkpoint, _ catalogue: any Catalogue, _ configuration: LlamaConfiguration,
    _ scheme: NamingScheme
  ) -> WeightmillError? {
    guard !checkpoint.isPartByName else {
      return WeightmillError(
        .mismatch, checkpoint.path, "holds a part of the model only",
        remedy: "give the folder, \(checkpoint.folder)")
    }
    let file = checkpoint.configuration.map { InputPath($0.path).name }
    return UnfitTensors(catalogue).error(configuration, scheme, file: file)
  }
}

extension Catalogue {
  /// Whether two tensors hold the same bytes; tensors of different types or shapes do not.
  fileprivate func holdsTheSame(_ first: Int, _ second: Int) throws(WeightmillError) -> Bool {
    let (one, other) = (tensors[first], tensors[second])
    guard one.type == other.type, one.shape == other.shape else { return false }
    let height = max(1, (1 << 20) / max(one.bytesPerRow, 1))
    for row in stride(from: 0, to: one.shape.rows, by: height) {
      let rows = row..<min(row + height, one.shape.rows)
      guard try bytes(rows: rows, ofTensor: first) == bytes(rows: rows, ofTensor: second) else {
        return false
      }
    }
    return true
  }
}

import Foundation
import WeightmillConversion
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillPyTorch
import WeightmillQuantization
import WeightmillQuantizedSources
import WeightmillSafetensors
import WeightmillSentencePiece
import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTokenization
import WeightmillVerification

/// The readers of files from strangers.
enum FuzzedReader: String, CaseIterable {
  /// A zip file, from its first byte.
  case torchZip = "torch-zip"
  /// The pickle in a zip file that is sound otherwise.
  case torchPickle = "torch-pickle"
  /// Stacked pickles.
  case torchLegacy = "torch-legacy"
  case safetensors
  /// Quantized matrices in a safetensors file, whose metadata holds the recipe.
  case quantized
  case gguf
  /// Importance matrices, in either form.
  case imatrix
  case json
  case sentencePiece = "sentencepiece"
  case tokenizerJSON = "tokenizer-json"
  case tekken
  /// A `vocab.json`, with no merges.
  case vocabJSON = "vocab-json"
  /// A `merges.txt` beside a vocabulary of GPT-2's alphabet.
  case merges
  case config
  /// Chat templates, whose format is looked for.
  case chatTemplate = "chat-template"
  /// Lists of messages, and of templates.
  case conversation
  /// Saved logits, in either form.
  case logits
  /// Reports of verify-logits.
  case report

  /// The one that the environment names.
  static let chosen: FuzzedReader = {
    let name = ProcessInfo.processInfo.environment["WEIGHTMILL_FUZZ"] ?? ""
    guard let reader = FuzzedReader(rawValue: name) else {
      print("set WEIGHTMILL_FUZZ to one of", allCases.map(\.rawValue).joined(separator: ", "))
      exit(64)
    }
    return reader
  }()

  private static let text = "Hello 你好 \u{0}\u{1F600}<s>"

  /// A file of this process's own, in memory where there is such a folder.
  private static let path: String = {
    let memory = "/dev/shm"
    let folder =
      FileManager.default.fileExists(atPath: memory) ? memory : NSTemporaryDirectory()
    return "\(folder)/weightmill-fuzz-\(ProcessInfo.processInfo.processIdentifier)"
  }()

  /// Reads bytes as a file, and all that is in it.
  func read(_ bytes: [UInt8]) {
    do {
      switch self {
      case .torchZip, .torchLegacy: try readTensors(PyTorchFile(path: written(bytes)))
      case .torchPickle:
        let file = try PyTorchFile(path: written(archive(bytes)), selection: .everything)
        try readTensors(file)
      case .safetensors: try readTensors(SafetensorsFile(path: written(bytes)))
      case .quantized: try readQuantized(SafetensorsFile(path: written(bytes)))
      case .gguf:
        let file = try GGUFFile(path: written(bytes))
        _ = ProvenanceRecord(file.metadata)
        if let tokenizer = try ModelTokenizer(gguf: file.metadata, location: "x") {
          _ = try tokenizer.decode(try tokenizer.encode(Self.text, parsesControl: true))
          _ = try tokenizer.stored.loadable("x")
        }
        try readTensors(file)
      case .imatrix: _ = try ImatrixFile.read(written(bytes))
      case .json: _ = try JSONParser.parse(bytes, file: "x")
      case .sentencePiece: try readSentencePiece(bytes)
      case .tokenizerJSON:
        let vocabulary = try TokenizerJSON(bytes, location: "x").vocabulary
        _ = try? ModelTokenizer.bytePairs(BPETokenizer(vocabulary)).stored.loadable("x")
        try use(vocabulary)
      case .tekken: try use(TekkenModel(bytes, location: "x").vocabulary)
      case .vocabJSON: try use(Self.vocabulary(bytes, merges: []))
      case .merges: try use(Self.vocabulary(Self.alphabet, merges: bytes))
      case .config:
        let json = try JSONParser.parse(bytes, file: "x")
        _ = try LlamaConfiguration(huggingFace: json, location: "x")
      case .chatTemplate:
        let template = try ChatTemplate(
          String(decoding: bytes, as: UTF8.self), vocabulary: nil, location: "x")
        _ = try template.prompt(Conversation(question: Self.text, system: Self.text))
      case .conversation:
        let json = try JSONParser.parse(bytes, file: "x")
        _ = try? ChatTemplates(json, location: "x").keys
        _ = try Conversation(json, location: "x")
      case .logits: _ = try SavedLogitsFile.open(written(bytes), bos: 1)
      case .report: _ = try VerificationReport(json: bytes, location: "x")
      }
    } catch {
      // A reader that refuses does its work.
    }
  }

  /// `a`, `b`, `c`, `ab` and `abc` besides the characters of all bytes.
  private static let alphabet: [UInt8] = {
    let texts = BPEVocabulary.byteTexts + ["ab", "abc"]
    let members = texts.enumerated().map {
      JSONObject.Member(name: $0.element, value: .number("\($0.offset)"))
    }
    return Array(JSONValue.object(JSONObject(members: members)).description.utf8)
  }()

  private static func vocabulary(
    _ vocabulary: [UInt8], merges: [UInt8]
  ) throws -> BPEVocabulary {
    try VocabularyAndMerges(
      vocabulary: (vocabulary, "x"), merges: (merges, "y"), added: [], className: nil,
      addsPrefixSpace: false
    ).vocabulary
  }

  private func use(_ vocabulary: BPEVocabulary) throws {
    let tokenizer = BPETokenizer(vocabulary)
    _ = try tokenizer.decode(try tokenizer.encode(Self.text, parsesControl: true))
  }

  private func written(_ bytes: [UInt8]) throws -> String {
    guard let file = fopen(Self.path, "wb") else { throw CocoaError(.fileWriteUnknown) }
    defer { fclose(file) }
    _ = bytes.withUnsafeBytes { fwrite($0.baseAddress, 1, bytes.count, file) }
    return Self.path
  }

  /// Reads and decodes the first rows of every tensor.
  private func readTensors(_ catalogue: any Catalogue) throws {
    for (index, tensor) in catalogue.tensors.enumerated().prefix(64) where tensor.byteCount > 0 {
      let fits = max(1, (1 << 16) / max(tensor.bytesPerRow, 1))
      guard tensor.bytesPerRow <= 1 << 20 else { continue }
      let bytes = try catalogue.bytes(rows: 0..<min(tensor.shape.rows, fits), ofTensor: index)
      guard RowDecoder.types.contains(tensor.type) else { continue }
      let blocks = bytes.count / tensor.type.bytesPerBlock
      var values = [Float](repeating: 0, count: blocks * tensor.type.valuesPerBlock)
      try RowDecoder(tensor.type, location: "x").decode(bytes, into: &values)
    }
  }

  private func readQuantized(_ file: SafetensorsFile) throws {
    let recipe = try file.metadata.first.map { text in
      try Recipe(JSONParser.parse(Array(text.value.utf8), file: "x"), location: "x")
    }
    let source = try QuantizedSource(file, recipe: recipe, type: nil, panelBytes: 1 << 12) { _ in
      false
    }
    if let source { try readTensors(source.catalogue) }
  }

  private func readSentencePiece(_ bytes: [UInt8]) throws {
    let vocabulary = try SentencePieceModel(path: written(bytes)).vocabulary
    let tokenizer = Tokenizer(vocabulary)
    let ids = tokenizer.encode(Self.text, parsesControl: true, addsSpecial: true)
    _ = tokenizer.decode(ids)
  }

  /// A zip file as `torch.save` writes it, without checksums, around a pickle.
  private func archive(_ pickle: [UInt8]) -> [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    func put(_ value: Int, _ count: Int, _ target: inout [UInt8]) {
      for byte in 0..<count { target.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
    }
    let values = [UInt8](0..<64)
    let entries = [("a/data.pkl", pickle), ("a/data/0", values), ("a/version", Array("3\n".utf8))]
    for (name, data) in entries {
      let start = file.count
      let sizes = [(0, 4), (data.count, 4), (data.count, 4), (name.utf8.count, 2), (0, 2)]
      for (value, count) in [(0x0403_4B50, 4), (0, 6), (0, 4)] + sizes { put(value, count, &file) }
      file += Array(name.utf8) + data
      for (value, count) in [(0x0201_4B50, 4), (0, 8), (0, 4)] + sizes {
        put(value, count, &directory)
      }
      for (value, count) in [(0, 10), (start, 4)] { put(value, count, &directory) }
      directory += name.utf8
    }
    let start = file.count
    file += directory
    for (value, count) in [
      (0x0605_4B50, 4), (0, 4), (entries.count, 2), (entries.count, 2), (directory.count, 4),
      (start, 4), (0, 2),
    ] {
      put(value, count, &file)
    }
    return file
  }
}

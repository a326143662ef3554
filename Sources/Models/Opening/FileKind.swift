import WeightmillPyTorch
package import WeightmillTensors

/// The kind of a file, judged by its content.
package enum FileKind: String, Sendable {
  case gguf = "GGUF"
  case pytorch = "PyTorch"
  case safetensors = "safetensors"

  /// Looks at the first bytes of a file; impostors that people meet are named.
  ///
  /// - Parameter path: The file.
  /// - Throws: `noInput`; `malformed` for what is no checkpoint at all, `unsupported` for kinds
  ///   that are not read.
  package init(path: String) throws(WeightmillError) {
    let file = try InputFile(path)
    let head = try file.bytes(at: 0, count: min(file.byteCount, 512))
    guard !head.isEmpty else {
      throw WeightmillError(.malformed, path, "is empty", remedy: "fetch the file again")
    }
    guard let kind = Self.kind(of: head, size: file.byteCount) else {
      throw Self.impostor(head, path: path)
    }
    try Self.checkExtension(path, kind)
    self = kind
  }

  /// Whether a file begins like one of the kinds.
  ///
  /// - Parameter path: The file.
  /// - Returns: Whether it is worth opening as a checkpoint.
  /// - Throws: `noInput` when it cannot be read.
  package static func isKnown(_ path: String) throws(WeightmillError) -> Bool {
    let file = try InputFile(path)
    let head = try file.bytes(at: 0, count: min(file.byteCount, 512))
    return kind(of: head, size: file.byteCount) != nil
  }

  private static func kind(of head: [UInt8], size: Int) -> FileKind? {
    if head.starts(with: "GGUF".utf8) { return .gguf }
    if head.starts(with: [0x50, 0x4B, 0x03, 0x04]) { return .pytorch }
    let first = head.dropFirst(8).first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    if first == UInt8(ascii: "{") {
      let length = head[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      if length <= 100_000_000 { return .safetensors }
    }
    return PyTorchFile.isLegacy(head) ? .pytorch : nil
  }

  /// A file of another kind under a name that promises one is damaged or made to mislead.
  private static func checkExtension(_ path: String, _ kind: FileKind) throws(WeightmillError) {
    let promised: FileKind? =
      path.hasSuffix(".gguf") ? .gguf : path.hasSuffix(".safetensors") ? .safetensors : nil
    if let promised, promised != kind {
      throw WeightmillError(
        .malformed, path,
        "is named like a \(promised.rawValue) file, but is a \(kind.rawValue) file",
        remedy: "rename it")
    }
  }

  /// Refuses what lies in a file's place when it was not really fetched.
  ///
  /// - Parameters:
  ///   - path: The file, of any kind.
  ///   - isTemplate: Whether it is a chat template, which may begin with a tag, `<s>`.
  /// - Throws: `malformed` for an empty file, a git-lfs pointer or a web page; `noInput`.
  package static func refusePlaceholder(
    _ path: String, isTemplate: Bool = false
  ) throws(WeightmillError) {
    let file = try InputFile(path)
    guard file.byteCount > 0 else {
      throw WeightmillError(.malformed, path, "is empty", remedy: "fetch the file again")
    }
    let head = try file.bytes(at: 0, count: min(file.byteCount, 64))
    if let error = placeholder(
      head, path: path, marks: isTemplate ? ["<!doctype", "<html"] : ["<"])
    {
      throw error
    }
  }

  /// What is wrong with a file that begins so; `marks` are what a web page begins with, in small letters.
  private static func placeholder(
    _ head: [UInt8], path: String, marks: [String] = ["<"]
  ) -> WeightmillError? {
    let text = String(decoding: head.prefix(64), as: UTF8.self).lowercased()
    if text.hasPrefix("version https://git-lfs") {
      return WeightmillError(
        .malformed, path, "is a git-lfs pointer, not the file itself", remedy: "run `git lfs pull`")
    }
    let start = text.drop(while: \.isWhitespace)
    if marks.contains(where: { start.hasPrefix($0) }) {
      return WeightmillError(
        .malformed, path, "is a web page, not the file itself",
        remedy: "the download failed: log in or accept the licence first")
    }
    return nil
  }

  /// How files began before GGUF: ggml, ggmf and ggjt, as numbers in little endian.
  private static let magicsBeforeGGUF: [[UInt8]] = ["lmgg", "fmgg", "tjgg"].map { Array($0.utf8) }

  /// The error for a small file of a model's folder that is given in the model's place.
  private static func companion(_ head: [UInt8], path: String) -> WeightmillError? {
    let name = InputPath(path).name
    let isText = head.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == UInt8(ascii: "{")
    guard isText || name == "tokenizer.model" else { return nil }
    let what =
      name.hasSuffix(".index.json")
      ? "is the index of a model's shards" : isText ? "is a JSON file" : "is a tokenizer"
    return WeightmillError(
      .malformed, path, "\(what), not the model itself",
      remedy: "give its folder, \(InputPath(path).folder)")
  }

  private static func impostor(_ head: [UInt8], path: String) -> WeightmillError {
    func malformed(_ problem: String, _ remedy: String) -> WeightmillError {
      WeightmillError(.malformed, path, problem, remedy: remedy)
    }
    func unsupported(_ problem: String, _ remedy: String) -> WeightmillError {
      WeightmillError(.unsupported, path, problem, remedy: remedy)
    }
    if let error = placeholder(head, path: path) ?? companion(head, path: path) { return error }
    if magicsBeforeGGUF.contains(where: head.starts) {
      return unsupported(
        "is a GGML file, the format of 2023 before GGUF",
        "start from the original model, or run llama.cpp's convert_llama_ggml_to_gguf.py")
    }
    if head.count > 1, head[0] == 0x80, (2...5).contains(head[1]) {
      return unsupported(
        "is a bare pickle, which PyTorch would run as a program",
        "get the weights as a file that torch.save wrote, or as safetensors")
    }
    if head.count > 262, head[257..<262].elementsEqual("ustar".utf8) {
      return unsupported("is a tar file", "unpack it")
    }
    if head.starts(with: [0x1F, 0x8B]) { return unsupported("is a gzip file", "unpack it") }
    if head.starts(with: [0x37, 0x7A, 0xBC, 0xAF]) {
      return unsupported("is a 7z file", "unpack it")
    }
    if head.starts(with: [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]) {
      return unsupported("is a NumPy file", "save the weights as safetensors")
    }
    if head.starts(with: [0x89, 0x48, 0x44, 0x46]) {
      return unsupported("is an HDF5 file", "save the weights as safetensors")
    }
    if head.allSatisfy({ $0 == 0 }) {
      return malformed("begins with zeros", "the download may be incomplete: fetch the file again")
    }
    return malformed(
      "is not a checkpoint of a known kind",
      "expected GGUF, safetensors, or a file that torch.save wrote")
  }
}

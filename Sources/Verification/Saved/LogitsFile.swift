import WeightmillSafetensors
import WeightmillStrictJSON
package import WeightmillTensors

/// Logits in a safetensors file, as `--save-logits` writes them: `formats/saved-logits.md`.
package struct LogitsFile: SavedLogits {
  /// The entry of `__metadata__` that tells the file from others, and its value.
  static let mark = (name: "weightmill.logits", version: "1")
  static let names = (logits: "logits", tokens: "tokens", windows: "windows")

  /// The path.
  package let location: String
  /// The number of logits at each position.
  package let vocabularyRows: Int
  /// The texts they were computed for.
  package let texts: [EvaluationText]
  /// The file's words on the model that the logits came from.
  package let origin: String?
  /// Always true: they are the float32 logits that were computed.
  package let isExact = true
  private let file: SafetensorsFile
  private let index: Int

  /// Opens a file.
  ///
  /// - Parameter path: The file.
  /// - Throws: `malformed` when its parts do not fit together, `unsupported` for another version;
  ///   errors of the container.
  package init(path: String) throws(WeightmillError) {
    file = try SafetensorsFile(path: path)
    location = path
    guard file.metadata.contains(where: { $0 == Self.mark }) else {
      throw WeightmillError(
        .unsupported, path, "holds no logits that this version of Weightmill saved",
        remedy: "save them again with --save-logits")
    }
    let index = try TensorIndex(file)
    guard let logits = index[Self.names.logits], let tokens = index[Self.names.tokens],
      let windows = index[Self.names.windows], file.tensors[logits].type == .f32,
      file.tensors[tokens].type == .i32, file.tensors[windows].type == .i32,
      file.tensors[logits].shape.extents.count == 2,
      file.tensors[windows].shape.extents.count == 2, file.tensors[windows].shape.columns == 4
    else {
      throw WeightmillError(.malformed, path, "lacks logits, tokens or windows of the right types")
    }
    self.index = logits
    vocabularyRows = file.tensors[logits].shape.columns
    origin = file.metadata.first { $0.name == "model" }?.value
    texts = try LogitsFileTexts(file, tokens: tokens, windows: windows).texts
    let judged = texts.reduce(0) { $0 + $1.judgedCount }
    let rows = file.tensors[logits].shape.extents[0]
    guard judged == rows, vocabularyRows > 0 else {
      throw WeightmillError(
        .malformed, path, "holds logits of \(rows) positions, but windows with \(judged)",
        at: "tensor \"logits\"")
    }
  }

  /// The logits of a position: see `SavedLogits`.
  package func logits(_ position: Int) throws(WeightmillError) -> [Float] {
    let bytes = try file.bytes(rows: position..<position + 1, ofTensor: index)
    return unsafe bytes.withUnsafeBytes { buffer in
      (0..<vocabularyRows).map { id in
        unsafe Float(
          bitPattern: UInt32(
            littleEndian: buffer.loadUnaligned(fromByteOffset: 4 * id, as: UInt32.self)))
      }
    }
  }
}

/// The texts that a file of logits describes.
private struct LogitsFileTexts {
  let texts: [EvaluationText]

  init(_ file: SafetensorsFile, tokens: Int, windows: Int) throws(WeightmillError) {
    let names = try Self.names(file)
    let ids = try Self.integers(file, tokens)
    let rows = try Self.integers(file, windows)
    var result = names.map { (name: $0, windows: [EvaluationText.Window]()) }
    var (first, last) = (0, 0)
    for row in stride(from: 0, to: rows.count, by: 4) {
      let (text, count) = (rows[row], rows[row + 1])
      let (low, high) = (rows[row + 2], rows[row + 3])
      guard text >= last, text < names.count, count >= 1, count <= ids.count - first, low >= 0,
        low <= high, high <= count
      else {
        throw WeightmillError(
          .malformed, file.location, "describes a window that does not fit its tokens",
          at: "tensor \"windows\", row \(row / 4)")
      }
      let tokens = Array(ids[first..<first + count])
      result[text].windows.append(.init(tokens: tokens, judged: low..<high))
      (first, last) = (first + count, text)
    }
    guard first == ids.count else {
      throw WeightmillError(
        .malformed, file.location, "has \(ids.count - first) tokens that no window holds")
    }
    texts = result.map { EvaluationText(name: $0.name, windows: $0.windows) }
  }

  private static func names(_ file: SafetensorsFile) throws(WeightmillError) -> [String] {
    let text = file.metadata.first { $0.name == "texts" }?.value ?? "[]"
    let json = try JSONParser.parse(Array(text.utf8), file: file.location)
    let names = json.array?.compactMap(\.string) ?? []
    guard !names.isEmpty, names.count == json.array?.count else {
      throw WeightmillError(.malformed, file.location, "does not name its texts", at: "\"texts\"")
    }
    return names
  }

  private static func integers(
    _ file: SafetensorsFile, _ index: Int
  ) throws(WeightmillError) -> [Int] {
    let tensor = file.tensors[index]
    let bytes = try file.bytes(rows: 0..<tensor.shape.rows, ofTensor: index)
    return unsafe bytes.withUnsafeBytes { buffer in
      (0..<bytes.count / 4).map { element in
        unsafe Int(
          Int32(littleEndian: buffer.loadUnaligned(fromByteOffset: 4 * element, as: Int32.self)))
      }
    }
  }
}

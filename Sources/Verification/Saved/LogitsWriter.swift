import WeightmillOutput
import WeightmillSafetensors
import WeightmillStrictJSON
package import WeightmillTensors

/// Writes the logits of a model to a file that `LogitsFile` reads.
package final class LogitsWriter: Sendable {
  private let output: OutputFile
  private let target: WritableFile
  private let start: Int
  private let vocabularyRows: Int

  /// Creates the file under a temporary name.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - texts: The texts; all of their judged positions must be written.
  ///   - vocabularyRows: How many logits each position has.
  ///   - origin: The model they come from.
  ///   - overwrite: Whether a file of that name may be replaced.
  ///   - inputs: Files that are read; the output must be none of them.
  /// - Throws: `cannotWrite`, `inputOutput`.
  package init(
    _ path: String, texts: [EvaluationText], vocabularyRows: Int, origin: String, overwrite: Bool,
    inputs: [String]
  ) throws(WeightmillError) {
    let tokens = texts.flatMap { $0.windows.flatMap(\.tokens) }
    let windows = texts.enumerated().flatMap { number, text in
      text.windows.flatMap {
        [number, $0.tokens.count, $0.judged.lowerBound, $0.judged.upperBound]
      }
    }
    let positions = texts.reduce(0) { $0 + $1.judgedCount }
    let extents = [[positions, vocabularyRows], [tokens.count], [windows.count / 4, 4]]
    let shapes = extents.compactMap { TensorShape($0) }
    guard shapes.count == extents.count else {
      throw WeightmillError(.unsupported, path, "would be too large", remedy: "give less text")
    }
    let names = LogitsFile.names
    let layout = try SafetensorsLayout(
      tensors: [
        TensorDescriptor(name: names.logits, type: .f32, shape: shapes[0]),
        TensorDescriptor(name: names.tokens, type: .i32, shape: shapes[1]),
        TensorDescriptor(name: names.windows, type: .i32, shape: shapes[2]),
      ],
      metadata: [
        LogitsFile.mark, ("model", origin),
        ("texts", JSONValue.array(texts.map { .string($0.name) }).description),
      ], path: path)
    output = try OutputFile(path, overwrite: overwrite, inputs: inputs)
    target = try output.begin(nil, byteCount: layout.byteCount)
    start = layout.positions[0]
    self.vocabularyRows = vocabularyRows
    try target.write(layout.header, count: layout.header.count, at: 0)
    for (values, index) in [(tokens, 1), (windows, 2)] {
      let bytes = Self.bytes(values.map { UInt32(bitPattern: Int32(truncatingIfNeeded: $0)) })
      try target.write(bytes, count: bytes.count, at: layout.positions[index])
    }
  }

  /// Writes the logits of a position; may be called from several threads.
  ///
  /// - Parameters:
  ///   - logits: As many as the vocabulary has rows; they are stored as float32.
  ///   - position: Counted through the judged positions of all texts.
  /// - Throws: `inputOutput`.
  func write(_ logits: [Double], position: Int) throws(WeightmillError) {
    let bytes = Self.bytes(logits.map { Float($0).bitPattern })
    try target.write(bytes, count: bytes.count, at: start + position * vocabularyRows * 4)
  }

  /// Gives the file its name.
  ///
  /// - Parameter cancellation: A way to stop while the disk is waited for.
  /// - Throws: `cannotWrite`, `inputOutput`, `interrupted`.
  package func commit(_ cancellation: Cancellation) throws(WeightmillError) {
    try output.commit(cancellation)
  }

  private static func bytes(_ values: [UInt32]) -> [UInt8] {
    unsafe values.map(\.littleEndian).withUnsafeBytes { unsafe Array($0) }
  }
}

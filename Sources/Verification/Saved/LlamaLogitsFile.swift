package import WeightmillTensors

/// A file of log probabilities that `llama-perplexity --save-all-logits` wrote, opened for reading.
///
/// The layout is described in `formats/llama-logits.md`. Values are read one position at a time;
/// memory is the ids and one position.
package struct LlamaLogitsFile: ~Copyable, Sendable {
  /// The eight bytes such files begin with.
  static let magic = Array("_logits_".utf8)
  private static let headerSize = 20

  /// The number of tokens in a window.
  package let context: Int
  /// The number of values at each position, one for each id.
  package let vocabularySize: Int
  /// The number of windows.
  package let chunkCount: Int
  /// The ids of the text, window after window.
  ///
  /// The model saw BOS in place of each window's first token if its vocabulary adds BOS to a
  /// text; the ids that BOS replaced are kept here.
  package let tokens: [Int]
  private let file: InputFile
  private let dataStart: Int

  /// The positions of a window whose predictions are kept: the later half, but for the last token,
  /// whose successor is in no window.
  package var positions: Range<Int> { Self.positions(context: context) }

  /// The bytes of a position: scale, minimum, and a value for each id, padded to an even number.
  private var positionSize: Int { Self.positionSize(vocabulary: vocabularySize) }

  /// Whether a file begins as such files do.
  ///
  /// - Parameter path: The file.
  /// - Returns: Whether its first eight bytes are the magic.
  /// - Throws: `noInput`, `refused` or `inputOutput`.
  package static func isOne(_ path: String) throws(WeightmillError) -> Bool {
    let file = try InputFile(path)
    guard file.byteCount >= magic.count else { return false }
    return try file.bytes(at: 0, count: magic.count) == magic
  }

  /// Opens a file and checks its sizes.
  ///
  /// - Parameter path: The file.
  /// - Throws: `malformed` when it is another kind of file, is cut short, or holds ids outside of the
  ///   vocabulary; `noInput`, `refused` or `inputOutput` when it cannot be read.
  package init(_ path: String) throws(WeightmillError) {
    // Everything that can fail comes first: a value that cannot be copied is whole, or not there.
    let file = try InputFile(path)
    let sizes = try Self.sizes(file)
    let tokens = try Self.tokens(file, sizes)
    context = sizes.context
    vocabularySize = sizes.vocabulary
    chunkCount = sizes.chunks
    self.tokens = tokens
    dataStart = Self.headerSize + 4 * tokens.count
    self.file = file
  }

  /// The log probabilities after a token: natural logarithms, one for each id.
  ///
  /// - Parameters:
  ///   - chunk: The window's number, below `chunkCount`.
  ///   - position: The token's index in the window, one of `positions`.
  /// - Returns: `vocabularySize` values; what is 16 or more below the largest is given as the
  ///   smallest value that is kept.
  /// - Throws: `malformed` when the scale or the minimum is no finite number, or the file has become
  ///   shorter; `inputOutput`.
  package borrowing func logProbabilities(
    chunk: Int, position: Int
  ) throws(WeightmillError) -> [Float] {
    precondition((0..<chunkCount).contains(chunk) && positions.contains(position))
    let index = chunk * positions.count + position - positions.lowerBound
    let start = dataStart + index * positionSize
    var cursor = ByteCursor(
      try file.bytes(at: start, count: positionSize), file: file.path, base: start)
    let scale = Float(bitPattern: try cursor.read())
    let minimum = Float(bitPattern: try cursor.read())
    guard scale.isFinite, scale >= 0, minimum.isFinite, (scale * 65535 + minimum).isFinite else {
      throw WeightmillError(
        .malformed, file.path, "has a scale or a minimum that is no finite number",
        at: "byte \(start)", remedy: "record it again; the model may predict no numbers")
    }
    let bytes = try cursor.readBytes(2 * vocabularySize)
    let first = bytes.startIndex
    return (0..<vocabularySize).map { id in
      let step = UInt16(bytes[first + 2 * id]) | UInt16(bytes[first + 2 * id + 1]) << 8
      return scale * Float(step) + minimum
    }
  }

  // MARK: Header

  private static func tokens(
    _ file: borrowing InputFile, _ sizes: Sizes
  ) throws(WeightmillError) -> [Int] {
    let count = sizes.context * sizes.chunks
    var cursor = ByteCursor(
      try file.bytes(at: headerSize, count: 4 * count), file: file.path, base: headerSize)
    var tokens: [Int] = []
    tokens.reserveCapacity(count)
    for _ in 0..<count {
      let id = Int(try cursor.read(Int32.self))
      guard (0..<sizes.vocabulary).contains(id) else {
        throw WeightmillError(
          .malformed, file.path, "has a token \(id), but a vocabulary of \(sizes.vocabulary)",
          at: "byte \(cursor.offset - 4)", remedy: "record it again")
      }
      tokens.append(id)
    }
    return tokens
  }

  private struct Sizes {
    let context: Int
    let vocabulary: Int
    let chunks: Int
  }

  private static func positions(context: Int) -> Range<Int> {
    context / 2..<max(context - 1, context / 2)
  }

  private static func positionSize(vocabulary: Int) -> Int {
    2 * ((vocabulary + 1) / 2 * 2 + 4)
  }

  /// Reads the header and compares what it promises with the length of the file.
  private static func sizes(_ file: borrowing InputFile) throws(WeightmillError) -> Sizes {
    let path = file.path
    let length = file.byteCount
    guard length >= magic.count, try file.bytes(at: 0, count: magic.count) == magic else {
      throw WeightmillError(
        .malformed, path, "is not a file of llama-perplexity: it does not begin with _logits_",
        at: "byte 0", remedy: "record one with llama-perplexity --save-all-logits")
    }
    guard length >= headerSize else {
      throw WeightmillError(
        .malformed, path, "holds no predictions", at: "byte \(length)",
        remedy:
          "llama-perplexity writes such a file if its text has fewer tokens than two windows: "
          + "give it more text, or a smaller context")
    }
    var cursor = ByteCursor(
      try file.bytes(at: magic.count, count: headerSize - magic.count), file: path,
      base: magic.count)
    let context = Int(try cursor.read(Int32.self))
    let vocabulary = Int(try cursor.read(Int32.self))
    let chunks = Int(try cursor.read(Int32.self))
    guard context >= 3, vocabulary >= 1, chunks >= 1 else {
      throw WeightmillError(
        .malformed, path,
        "cannot hold predictions: windows of \(context) tokens, \(vocabulary) ids, "
          + "\(chunks) windows", at: "byte \(magic.count)", remedy: "record it again")
    }
    try check(length, context: context, vocabulary: vocabulary, chunks: chunks, path)
    return Sizes(context: context, vocabulary: vocabulary, chunks: chunks)
  }

  private static func check(
    _ length: Int, context: Int, vocabulary: Int, chunks: Int, _ path: String
  ) throws(WeightmillError) {
    // Each factor is below 2^32: nothing overflows 128 bits.
    let window =
      UInt128(positions(context: context).count) * UInt128(positionSize(vocabulary: vocabulary))
    let promised = UInt128(headerSize) + UInt128(chunks) * (4 * UInt128(context) + window)
    guard promised == UInt128(length) else {
      let isShort = promised > UInt128(length)
      throw WeightmillError(
        .malformed, path,
        isShort ? "is cut short" : "goes on behind the last window",
        at: "\(length) bytes, its header says \(promised): \(chunks) windows of \(context) tokens, "
          + "\(vocabulary) ids",
        remedy: isShort ? "the recording was interrupted: record it again" : "record it again")
    }
  }
}

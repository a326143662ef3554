internal import WeightmillDigests
public import WeightmillLLaMA
public import WeightmillTensors
public import WeightmillTokenization

/// Texts cut into windows of the same length, from which importance is learned.
///
/// As llama-imatrix does, each text that is encoded begins with BOS if the vocabulary adds one, the first token of
/// each window is replaced by BOS, and tokens at the end of a text that do not fill a window are
/// left out. Windows do not reach from one text into the next.
public struct CalibrationText: Sendable {
  /// The number of tokens in a window.
  public let context: Int
  /// The windows.
  package private(set) var windows = TextWindows(windows: [])
  /// The names of the texts.
  package private(set) var names: [String] = []
  /// The number of tokens of the texts that filled no window.
  package private(set) var leftOut = 0

  /// Begins without texts.
  ///
  /// - Parameter context: How many tokens a window holds, at least 2.
  public init(context: Int) { self.context = max(2, context) }

  /// Adds a text.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - path: The file it comes from; its name without the folder goes into the file that is
  ///     written.
  ///   - tokenizer: The model's.
  ///   - parsesControl: Whether texts of control tokens, such as `<|im_start|>`, are these tokens.
  /// - Throws: `unsupported` when the tokenizer prepares text in a way that is not known.
  public mutating func add(
    _ text: String, from path: String, tokenizer: ModelTokenizer, parsesControl: Bool = false
  ) throws(WeightmillError) {
    let tokens = try tokenizer.encode(text, parsesControl: parsesControl)
    let whole = tokens.count / context * context
    let new = TextWindows(
      Array(tokens[..<whole]), context: context, bos: tokenizer.vocabulary.special.addedBOS)
    windows = TextWindows(windows: windows.windows + new.windows)
    names.append(path.split(separator: "/").last.map(String.init) ?? path)
    leftOut += tokens.count - whole
  }

  /// Adds texts that are ids already.
  ///
  /// A list that is longer than a window is cut; the ids are taken as they are, without a BOS.
  ///
  /// - Parameters:
  ///   - lists: The ids of each text.
  ///   - path: The file they come from.
  ///   - model: The model that reads them.
  /// - Throws: `mismatch` for an id that the model does not know.
  public mutating func add(
    ids lists: [[Int]], from path: String, for model: LlamaModel
  ) throws(WeightmillError) {
    let rows = model.configuration.vocabularyRows
    for (number, ids) in lists.enumerated() {
      if let index = ids.firstIndex(where: { !(0..<rows).contains($0) }) {
        throw WeightmillError(
          .mismatch, path, "holds the id \(ids[index]), which the model does not know",
          at: "index \(index) of list \(number + 1)",
          remedy: "give ids from 0 to \(rows - 1), in the model's own vocabulary")
      }
      let whole = ids.count / context * context
      let new = TextWindows(Array(ids[..<whole]), context: context, bos: nil)
      windows = TextWindows(windows: windows.windows + new.windows)
      leftOut += ids.count - whole
    }
    names.append(path.split(separator: "/").last.map(String.init) ?? path)
  }

  /// Adds texts that were cut into windows of as many tokens.
  ///
  /// - Parameter others: The texts.
  package mutating func add(_ others: CalibrationText) {
    precondition(others.context == context)
    windows = TextWindows(windows: windows.windows + others.windows.windows)
    names += others.names
    leftOut += others.leftOut
  }

  /// Adds text that a model has written itself.
  ///
  /// - Parameter text: Windows of as many tokens as these.
  public mutating func add(_ text: SelfWrittenText) {
    precondition(text.windows.allSatisfy { $0.count == context })
    windows = TextWindows(windows: windows.windows + text.windows)
    names.append(text.name)
  }

  /// The SHA-256 of the windows' tokens: each window's length and its ids, as u32, little endian.
  package var digest: String {
    var hash = SHA256()
    for window in windows.windows {
      for number in [window.count] + window {
        unsafe withUnsafeBytes(of: UInt32(truncatingIfNeeded: number).littleEndian) {
          unsafe hash.update($0)
        }
      }
    }
    return hash.hexadecimal
  }

  /// Adds windows of a text that is not written yet, to plan with.
  ///
  /// - Parameter tokens: How many tokens it will have, in whole windows.
  package mutating func add(placeholdersFor tokens: Int) {
    let window = [Int](repeating: 0, count: context)
    let count = (max(1, tokens) + context - 1) / context
    windows = TextWindows(windows: windows.windows + [[Int]](repeating: window, count: count))
  }

  /// The length of the beginnings of windows that `sampled` takes.
  private static let beginning = 256

  /// The beginnings of some windows, evenly spread over all of them.
  ///
  /// As many windows as there are beginnings of 256 tokens; of fewer windows, or shorter ones, more of each.
  ///
  /// - Parameter tokens: How many tokens at most, at least 2 of one window.
  /// - Returns: Windows of one length.
  package func sampled(tokens: Int) -> CalibrationText {
    let all = windows.windows
    let count = min(all.count, max(1, tokens / min(context, Self.beginning)))
    guard count > 0 else { return self }
    let length = min(context, max(2, tokens / count))
    var text = CalibrationText(context: length)
    text.names = names
    text.leftOut = leftOut
    text.windows = TextWindows(
      windows: (0..<count).map { Array(all[(2 * $0 + 1) * all.count / (2 * count)].prefix(length)) }
    )
    return text
  }

  /// Some windows, evenly spread over all of them.
  ///
  /// - Parameter tokens: How many tokens at most; one window in any case.
  /// - Returns: As many whole windows, or all if there are fewer.
  package func spread(tokens: Int) -> CalibrationText {
    let all = windows.windows
    let count = min(all.count, max(1, tokens / context))
    var text = self
    text.windows = TextWindows(
      windows: (0..<count).map { all[(2 * $0 + 1) * all.count / (2 * count)] })
    return text
  }

  /// Leaves out the first windows.
  ///
  /// - Parameter count: How many.
  package mutating func drop(first count: Int) {
    windows = TextWindows(windows: Array(windows.windows.dropFirst(max(0, count))))
  }

  /// Keeps the first windows only.
  ///
  /// - Parameter count: How many.
  package mutating func keep(first count: Int) {
    windows = TextWindows(windows: Array(windows.windows.prefix(max(0, count))))
  }
}

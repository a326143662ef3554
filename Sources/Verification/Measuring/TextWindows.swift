/// A text's tokens cut into windows that a model sees one by one.
///
/// As `llama-perplexity` does, the first token of each window is replaced by BOS if the vocabulary
/// adds one. The rest of the text that does not fill a window is a window, too, if it has at least
/// two tokens.
public struct TextWindows: Sendable {
  /// The windows' tokens.
  public let windows: [[Int]]

  /// Takes windows that were cut already.
  ///
  /// - Parameter windows: The windows' tokens.
  public init(windows: [[Int]]) { self.windows = windows }

  /// Cuts a text.
  ///
  /// - Parameters:
  ///   - tokens: The text's tokens.
  ///   - context: The length of a window, at least 2.
  ///   - bos: The token each window begins with.
  public init(_ tokens: [Int], context: Int, bos: Int?) {
    var windows: [[Int]] = []
    for first in stride(from: 0, to: tokens.count, by: max(2, context)) {
      var window = Array(tokens[first..<min(first + max(2, context), tokens.count)])
      guard window.count >= 2 else { continue }
      if let bos { window[0] = bos }
      windows.append(window)
    }
    self.windows = windows
  }

  /// How many tokens the windows hold.
  public var tokenCount: Int { windows.reduce(0) { $0 + $1.count } }
}

/// A text's tokens cut into windows that a model sees one by one.
///
/// As llama.cpp's tools do, the first token of each window is replaced by BOS if the vocabulary
/// adds one. The rest of the text that does not fill a window is a window, too, if it has at least
/// two tokens.
package struct TextWindows: Sendable {
  /// The windows' tokens.
  package let windows: [[Int]]

  /// Takes windows that were cut already.
  ///
  /// - Parameter windows: The windows' tokens.
  package init(windows: [[Int]]) { self.windows = windows }

  /// Cuts a text.
  ///
  /// - Parameters:
  ///   - tokens: The text's tokens.
  ///   - context: The length of a window, at least 2.
  ///   - bos: The token each window begins with.
  package init(_ tokens: [Int], context: Int, bos: Int?) {
    var windows: [[Int]] = []
    for first in stride(from: 0, to: tokens.count, by: max(2, context)) {
      var window = Array(tokens[first..<min(first + max(2, context), tokens.count)])
      guard window.count >= 2 else { continue }
      if let bos { window[0] = bos }
      windows.append(window)
    }
    self.windows = windows
  }

  /// The number of tokens in all windows.
  package var tokenCount: Int { windows.reduce(0) { $0 + $1.count } }

  /// Windows that go through a model together.
  package struct Pass: Sendable {
    /// The tokens of all windows.
    package let tokens: [Int]
    /// The tokens of each window.
    package let ranges: [Range<Int>]
  }

  /// Groups the windows so that each pass has a bounded number of tokens.
  ///
  /// - Parameter limit: How many tokens a pass holds at most; a longer window is a pass by itself.
  /// - Returns: The passes; all windows, in their order.
  package func passes(ofAtMost limit: Int) -> [Pass] {
    var passes: [Pass] = []
    var (tokens, ranges): ([Int], [Range<Int>]) = ([], [])
    for window in windows {
      if !tokens.isEmpty, tokens.count + window.count > limit {
        passes.append(Pass(tokens: tokens, ranges: ranges))
        (tokens, ranges) = ([], [])
      }
      ranges.append(tokens.count..<tokens.count + window.count)
      tokens += window
    }
    return ranges.isEmpty ? passes : passes + [Pass(tokens: tokens, ranges: ranges)]
  }
}

import WeightmillTokenization

/// A text on which models are compared: its tokens in windows, and the positions that are judged.
package struct EvaluationText: Sendable {
  /// A window of tokens that a model sees by itself.
  package struct Window: Equatable, Sendable {
    /// The tokens.
    package let tokens: [Int]
    /// The positions whose predictions are compared, within the tokens.
    package let judged: Range<Int>

    /// Makes a window.
    ///
    /// - Parameters:
    ///   - tokens: The tokens.
    ///   - judged: The positions whose predictions are compared.
    package init(tokens: [Int], judged: Range<Int>) {
      self.tokens = tokens
      self.judged = judged.clamped(to: 0..<tokens.count)
    }

    /// The token that follows a position in the window, or `nil` at its end.
    func next(_ position: Int) -> Int? {
      position + 1 < tokens.count ? tokens[position + 1] : nil
    }
  }

  /// The rules by which texts are cut.
  package struct Cut: Equatable, Sendable {
    /// The number of tokens in a window.
    package let context: Int
    /// The token that replaces the first one of each window, as llama.cpp's tools do it.
    package let bos: Int?
    /// Whether only whole windows are kept, and of those the positions from the middle to the last
    /// but one judged: what llama-perplexity reports.
    package let isSecondHalf: Bool

    /// Describes a cut.
    ///
    /// - Parameters:
    ///   - context: How many tokens a window holds, at least 2.
    ///   - bos: The token each window begins with.
    ///   - isSecondHalf: Whether only the second half of whole windows is judged.
    package init(context: Int, bos: Int?, isSecondHalf: Bool = false) {
      self.context = max(2, context)
      self.bos = bos
      self.isSecondHalf = isSecondHalf
    }
  }

  /// The path, or what else it is called in reports.
  package let name: String
  /// The windows, in the order of the text.
  package let windows: [Window]

  /// Takes windows that were cut already.
  ///
  /// - Parameters:
  ///   - name: What it is called.
  ///   - windows: The windows.
  package init(name: String, windows: [Window]) {
    self.name = name
    self.windows = windows
  }

  /// Cuts a text.
  ///
  /// - Parameters:
  ///   - name: What it is called.
  ///   - tokens: Its tokens.
  ///   - cut: How it is cut.
  package init(name: String, tokens: [Int], cut: Cut) {
    self.name = name
    let all = TextWindows(tokens, context: cut.context, bos: cut.bos).windows
    windows = all.compactMap { Self.window($0, cut) }
  }

  /// Takes ids that were given in place of a text: windows of them hold every id as it is, none is
  /// replaced by BOS, and what is left at the end is a window, too, if it is one id.
  ///
  /// - Parameters:
  ///   - name: What it is called.
  ///   - ids: The ids.
  ///   - context: How many of them a window holds, at least 2.
  ///   - isSecondHalf: Whether only the second half of whole windows is judged.
  package init(name: String, ids: [Int], context: Int, isSecondHalf: Bool = false) {
    self.name = name
    let cut = Cut(context: context, bos: nil, isSecondHalf: isSecondHalf)
    windows = stride(from: 0, to: ids.count, by: cut.context).compactMap { first in
      Self.window(Array(ids[first..<min(first + cut.context, ids.count)]), cut)
    }
  }

  private static func window(_ tokens: [Int], _ cut: Cut) -> Window? {
    guard cut.isSecondHalf else { return Window(tokens: tokens, judged: 0..<tokens.count) }
    guard tokens.count == cut.context else { return nil }
    return Window(tokens: tokens, judged: cut.context / 2..<cut.context - 1)
  }

  /// The number of tokens in all windows.
  package var tokenCount: Int { windows.reduce(0) { $0 + $1.tokens.count } }

  /// The number of positions that are judged.
  package var judgedCount: Int { windows.reduce(0) { $0 + $1.judged.count } }
}

/// Windows of one or several texts that go through a model together.
struct EvaluationPass: Sendable {
  /// A position that is judged.
  struct JudgedPosition: Sendable {
    /// The index of its token in the pass.
    let token: Int
    /// The token that the text has next.
    let target: Int?
    /// The text's index.
    let text: Int
    /// The index of its token in the text's windows, counted through all of them.
    let index: Int
  }

  private(set) var tokens: [Int] = []
  /// The tokens of each window.
  private(set) var windows: [Range<Int>] = []
  private(set) var judged: [JudgedPosition] = []

  /// Groups windows so that each pass has a bounded number of tokens.
  ///
  /// - Parameters:
  ///   - texts: The texts.
  ///   - limit: How many tokens a pass holds at most; a longer window is a pass by itself.
  /// - Returns: The passes; all windows, in their order.
  static func all(_ texts: [EvaluationText], ofAtMost limit: Int) -> [EvaluationPass] {
    var passes: [EvaluationPass] = []
    for (number, text) in texts.enumerated() {
      var start = 0
      for window in text.windows {
        if let last = passes.last, last.tokens.count + window.tokens.count <= limit {
          passes[passes.count - 1].add(window, text: number, start: start)
        } else {
          var pass = EvaluationPass()
          pass.add(window, text: number, start: start)
          passes.append(pass)
        }
        start += window.tokens.count
      }
    }
    return passes
  }

  mutating func add(_ window: EvaluationText.Window, text: Int, start: Int) {
    let first = tokens.count
    windows.append(first..<first + window.tokens.count)
    tokens += window.tokens
    judged += window.judged.map {
      JudgedPosition(
        token: first + $0, target: window.next($0), text: text, index: start + $0)
    }
  }
}

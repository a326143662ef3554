package import WeightmillTokenization

/// Windows of a text, some of them kept apart to judge by.
package struct CalibrationWindows: Sendable {
  /// The windows that moments are taken of.
  package let learnt: TextWindows
  /// The windows that choose between what was learnt.
  package let judged: TextWindows

  /// Keeps one window of eight apart, or fewer if that is too many tokens; at least one, if there are two.
  ///
  /// - Parameters:
  ///   - windows: All of them.
  ///   - most: How many tokens are judged by at most.
  package init(_ windows: TextWindows, judgedByAtMost most: Int) {
    var (learnt, judged, tokens): ([[Int]], [[Int]], Int) = ([], [], 0)
    let share = max(8, windows.tokenCount / max(1, most))
    for (index, window) in windows.windows.enumerated() {
      if index % share == share / 2, tokens + window.count <= most || judged.isEmpty {
        judged.append(window)
        tokens += window.count
      } else {
        learnt.append(window)
      }
    }
    if judged.isEmpty, learnt.count > 1 { judged.append(learnt.removeLast()) }
    self.learnt = TextWindows(windows: learnt)
    self.judged = TextWindows(windows: judged)
  }
}

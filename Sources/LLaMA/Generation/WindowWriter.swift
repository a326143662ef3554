internal import Synchronization
package import WeightmillTensors

/// Writes windows of text that a model expects, many side by side: each token is drawn by its probability.
///
/// A window begins with a text's first token. A text that ends is followed by that token and another text,
/// which sees nothing of the one before, until the window is full; the last text of a window is cut off.
/// Every window has random numbers of its own: the tokens depend on the model, the settings and the window's
/// number, not on what is written beside it.
package struct WindowWriter: Sendable {
  /// What windows are like.
  package struct Settings: Sendable {
    /// The number of tokens in a window, at least 2.
    package var context: Int
    /// The token that a text begins with.
    package var start: Int
    /// The tokens that end a text. Where `start` is one of them, it stands once between two texts.
    package var ends: Set<Int>
    /// The seed: a window's random numbers have the seed that SplitMix64 gives after so many others.
    package var seed: UInt64
    /// The most bytes of keys, values and logits; one window is written in any case.
    package var memory: Int

    /// Describes windows.
    ///
    /// - Parameters:
    ///   - context: How many tokens a window holds, at least 2.
    ///   - start: The token that a text begins with.
    ///   - ends: The tokens that end a text.
    ///   - seed: Where the random numbers begin.
    ///   - memory: How many bytes of keys, values and logits there may be.
    package init(context: Int, start: Int, ends: Set<Int>, seed: UInt64, memory: Int) {
      (self.context, self.start, self.ends) = (max(2, context), start, ends)
      (self.seed, self.memory) = (seed, memory)
    }
  }

  private let pass: ForwardPass
  private let settings: Settings

  /// Prepares to write.
  ///
  /// - Parameters:
  ///   - pass: The model.
  ///   - settings: What windows are like.
  package init(_ pass: ForwardPass, _ settings: Settings) {
    (self.pass, self.settings) = (pass, settings)
  }

  /// The number of windows that are written side by side: as many as the memory holds, in rounds of about
  /// the same size.
  ///
  /// - Parameter count: How many windows there will be.
  /// - Returns: How many of them.
  package func windowsSideBySide(of count: Int) -> Int {
    let most = max(1, settings.memory / max(bytesPerWindow, 1))
    let rounds = max(1, (count + most - 1) / most)
    return (count + rounds - 1) / rounds
  }

  /// The bytes of a window's keys, values and logits.
  private var bytesPerWindow: Int {
    let configuration = pass.model.configuration
    let cached = 2 * configuration.keyValueWidth * configuration.layerCount
    return (cached * longestText + 2 * configuration.vocabularyRows) * pass.precision.size
  }

  /// The number of tokens after which a text begins anew.
  private var longestText: Int {
    min(settings.context, pass.model.configuration.contextLength)
  }

  /// Writes windows.
  ///
  /// - Parameters:
  ///   - count: How many.
  ///   - progress: Called with the number of tokens that are written.
  /// - Returns: The windows, all of `context` tokens.
  /// - Throws: `mismatch` when the first token has no embedding, or the model predicts values that are
  ///   infinite or not numbers; reading errors.
  package func write(
    _ count: Int, progress: (Int) -> Void = { _ in }
  ) throws(WeightmillError) -> [[Int]] {
    var seeds = SplitMix64(seed: settings.seed)
    var windows: [[Int]] = []
    let side = windowsSideBySide(of: count)
    while windows.count < count {
      let before = windows.count * settings.context
      let round = (0..<min(side, count - windows.count)).map { _ in
        var sampling = Sampler.Settings()
        sampling.topP = 1
        sampling.seed = seeds.next()
        return Window(
          tokens: [settings.start],
          sampler: Sampler(sampling, location: pass.model.catalogue.location))
      }
      windows += try fill(round) { progress(before + $0) }
    }
    return windows
  }

  /// A window in the making.
  private struct Window {
    var tokens: [Int]
    var sampler: Sampler
    /// Whether the last token begins a text.
    var begins = true
  }

  /// Writes windows side by side until all are full.
  private func fill(
    _ begun: [Window], progress: (Int) -> Void
  ) throws(WeightmillError) -> [[Int]] {
    var windows = begun
    var texts = GrowingTexts(pass, count: windows.count, capacity: longestText)
    while true {
      let open = windows.indices.filter { windows[$0].tokens.count < settings.context }
      guard !open.isEmpty else { return windows.map(\.tokens) }
      for number in open where windows[number].begins {
        texts.truncate(number, to: 0)
        windows[number].begins = false
      }
      let last = try texts.extend(open.map { ($0, windows[$0].tokens.suffix(1)) })
      let ids = try draw(&windows, open, by: texts.logits(after: last))
      for (number, id) in zip(open, ids) {
        append(id, to: &windows[number], length: texts.counts[number])
        if windows[number].tokens.count == settings.context { texts.truncate(number, to: 0) }
      }
      progress(windows.reduce(0) { $0 + $1.tokens.count })
    }
  }

  /// Draws the next token of each open window.
  private func draw(
    _ windows: inout [Window], _ open: [Int], by logits: Activations
  ) throws(WeightmillError) -> [Int] {
    let drawn = Mutex(open.map { (id: 0, sampler: windows[$0].sampler) })
    try pass.workers.forEach(open.count, scratch: {}) { (index, _) throws(WeightmillError) in
      var sampler = drawn.withLock { $0[index].sampler }
      let id = try sampler.choose(logits.floats(index))
      drawn.withLock { $0[index] = (id, sampler) }
    }
    let results = drawn.withLock { $0 }
    for (number, result) in zip(open, results) { windows[number].sampler = result.sampler }
    return results.map(\.id)
  }

  /// Adds a token to a window, and another text's first one if it ends the text of that length.
  private func append(_ id: Int, to window: inout Window, length: Int) {
    window.tokens.append(id)
    let ends = settings.ends.contains(id)
    guard ends || length == longestText else { return }
    window.begins = true
    let isStart = ends && id == settings.start
    if !isStart, window.tokens.count < settings.context { window.tokens.append(settings.start) }
  }
}

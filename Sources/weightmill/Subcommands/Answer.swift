import WeightmillLLaMA
import WeightmillPresentation
import WeightmillTensors
import WeightmillTokenization

/// What `generate` prints: a text while it grows, or all of it as JSON.
struct Answer {
  private let tokenizer: ModelTokenizer
  private let prompt: [Int]
  private let promptText: String
  private let settings: Sampler.Settings
  private let isShown: Bool
  private var stream: TextStream
  private var ids: [Int] = []
  /// When the first token was there, and the last one.
  private var times: (first: Double, last: Double)?

  /// Begins an answer.
  ///
  /// - Parameters:
  ///   - tokenizer: The model's.
  ///   - prompt: The ids that the model reads first.
  ///   - text: The text that they stand for.
  ///   - settings: How tokens are chosen, for the report.
  ///   - isShown: Whether the text is printed at once.
  /// - Throws: `unsupported` when the tokenizer makes text of tokens in a way that is not known.
  init(
    _ tokenizer: ModelTokenizer, prompt: [Int], of text: String, settings: Sampler.Settings,
    isShown: Bool
  ) throws(WeightmillError) {
    self.tokenizer = tokenizer
    self.prompt = prompt
    promptText = text
    self.settings = settings
    self.isShown = isShown
    stream = try TextStream(tokenizer)
  }

  /// Prints text at once, safe for a terminal.
  func show(_ text: String) throws(WeightmillError) {
    guard isShown, !text.isEmpty else { return }
    try StandardOutput.print(Text.safeLines(text), terminator: "")
  }

  /// Takes a token.
  mutating func append(_ id: Int) throws(WeightmillError) {
    let now = Terminal.seconds()
    times = (times?.first ?? now, now)
    ids.append(id)
    try show(stream.append(id))
  }

  /// Ends the text, and says on a terminal how it went.
  mutating func finish(_ ending: Continuation.Ending) throws(WeightmillError) {
    try show(stream.finish() + "\n")
    guard isShown, Terminal.showsProgress else { return }
    let speed = tokensPerSecond.map { ", \(Text.significant($0)) tokens a second" } ?? ""
    Terminal.error("weightmill: \(ids.count) tokens\(speed), ended by: \(ending.rawValue)\n")
  }

  /// How fast tokens followed the first one; `nil` when there were fewer than two.
  private var tokensPerSecond: Double? {
    guard let times, ids.count > 1 else { return nil }
    return Double(ids.count - 1) / max(times.last - times.first, 1e-9)
  }

  /// All of it.
  func report(_ ending: Continuation.Ending) throws(WeightmillError) -> Report {
    Report(
      prompt: prompt, promptText: promptText, ids: ids,
      text: try tokenizer.decode(ids, atStart: false), stop: ending,
      tokensPerSecond: tokensPerSecond, sampling: settings)
  }

  /// What `--json` prints.
  struct Report: Encodable {
    let prompt: [Int]
    let promptText: String
    let ids: [Int]
    let text: String
    let stop: Continuation.Ending
    let tokensPerSecond: Double?
    let sampling: Sampler.Settings
  }
}

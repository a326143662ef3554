/// How a text goes through models: which windows, how many tokens together, and what is kept in memory.
struct StreamLayout: Sendable {
  /// The text.
  let windows: CalibrationWindows
  /// How many tokens go through the models together.
  let tokensAtOnce: Int
  /// The bytes that a part of the text has between two stages in one model, at most.
  let slot: Int
  /// How many bytes of activations are kept in memory.
  let activationsInMemory: Int
}

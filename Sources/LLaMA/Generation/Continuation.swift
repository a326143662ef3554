package import WeightmillTensors

/// A text that is continued token by token, each chosen from what the model expects.
package struct Continuation: Sendable {
  /// The reason why no further token was added.
  package enum Ending: String, Codable, Sendable {
    /// The model ended the text.
    case end
    /// As many tokens were added as were asked for.
    case length
    /// The text is as long as the texts that the model was trained on.
    case context
    /// Whoever takes the tokens wants no more.
    case interrupted
  }

  private let model: LlamaModel
  private var generation: Generation
  private var sampler: Sampler

  /// Begins with no text.
  ///
  /// - Parameters:
  ///   - pass: The model.
  ///   - settings: How tokens are chosen.
  package init(_ pass: ForwardPass, _ settings: Sampler.Settings) {
    model = pass.model
    generation = Generation(pass)
    sampler = Sampler(settings, location: pass.model.catalogue.location)
  }

  /// Continues a text.
  ///
  /// - Parameters:
  ///   - prompt: The ids of the text so far, at least one.
  ///   - count: How many tokens to add at most.
  ///   - ends: The ids that end a text; they are not handed out.
  ///   - take: Called with each new id at once; returns whether more are wanted.
  /// - Returns: Why the text ended.
  /// - Throws: `mismatch` when the prompt is longer than the model can read, or the logits are not
  ///   finite; reading errors; what `take` throws.
  package mutating func run(
    _ prompt: [Int], count: Int, ends: Set<Int>, take: (Int) throws(WeightmillError) -> Bool
  ) throws(WeightmillError) -> Ending {
    let context = model.configuration.contextLength
    guard !prompt.isEmpty, prompt.count <= context else {
      throw WeightmillError(
        .mismatch, model.catalogue.location,
        "reads from 1 to \(context) tokens, the prompt has \(prompt.count)",
        remedy: "give another prompt")
    }
    var next = prompt
    for added in 0..<count {
      guard prompt.count + added <= context else { return .context }
      let id = try sampler.choose(generation.extend(with: next))
      if ends.contains(id) { return .end }
      guard try take(id) else { return .interrupted }
      next = [id]
    }
    return .length
  }
}

import ArgumentParser
import WeightmillLLaMA

/// How tokens are chosen, and how many.
struct SamplingOptions: ParsableArguments {
  @Option(name: [.customShort("n"), .long], help: "How many tokens to add at most.")
  var maxTokens = 128

  // What --max-tokens was called before.
  @Option(name: .shortAndLong, help: .hidden)
  var count: Int?

  @Option(help: "What the logits are divided by; 0 takes the most likely token always.")
  var temperature = 1.0

  @Option(help: "Draw from the most likely tokens that have this share (0 to 1) together.")
  var topP = 0.85

  @Option(help: "Draw from this many of the most likely tokens (0: from all).")
  var topK = 0

  @Option(help: "Where the random numbers begin.")
  var seed: UInt64 = 0

  func validate() throws {
    guard (1...1 << 20).contains(limit) else {
      throw ValidationError("--max-tokens must be from 1 to 1048576")
    }
    guard temperature.isFinite, temperature >= 0 else {
      throw ValidationError("--temperature must be a number, 0 or above")
    }
    guard (0...1).contains(topP) else { throw ValidationError("--top-p must be from 0 to 1") }
    guard topK >= 0 else { throw ValidationError("--top-k must be 0 or above") }
  }

  /// The largest number of tokens to add.
  var limit: Int { count ?? maxTokens }

  /// The rules by which tokens are chosen.
  var settings: Sampler.Settings {
    var settings = Sampler.Settings()
    settings.temperature = temperature
    settings.topP = topP
    settings.topK = topK
    settings.seed = seed
    return settings
  }
}

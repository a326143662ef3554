public import LLaMA
import Synchronization
public import Tensors
public import Tokenization

/// Runs two models over the same tokens in step and compares what they predict.
///
/// Weights of both stream layer by layer; logits stream by tiles of the vocabulary. Memory is the
/// activations of `tokensPerPass` tokens for each model, and a tile for each thread.
public struct ModelComparison: Sendable {
  /// How many tokens go through the models together.
  public static let tokensPerPass = 2048
  /// How many tokens of the vocabulary a tile of logits holds.
  private static let vocabularyTile = 1024

  private let candidate: ForwardPass
  private let reference: ForwardPass
  private let workers: Workers

  /// Prepares a comparison.
  ///
  /// - Parameters:
  ///   - candidate: The model to be judged.
  ///   - reference: The model to judge it by.
  ///   - workers: The threads.
  /// - Throws: `mismatch` when their vocabularies have different sizes.
  public init(
    candidate: LlamaModel, reference: LlamaModel, workers: Workers
  ) throws(WeightmillError) {
    let rows = (
      candidate.configuration.vocabularyRows, reference.configuration.vocabularyRows
    )
    guard rows.0 == rows.1 else {
      throw WeightmillError(
        .mismatch, candidate.catalogue.location,
        "predicts \(rows.0) tokens, the reference \(rows.1)",
        remedy: "compare a model with the one it was made from")
    }
    self.candidate = ForwardPass(candidate, workers: workers)
    self.reference = ForwardPass(reference, workers: workers)
    self.workers = workers
  }

  /// Compares the models on a text.
  ///
  /// - Parameters:
  ///   - windows: The text.
  ///   - progress: Called with the share of the work that is done.
  /// - Returns: The statistics over all positions.
  /// - Throws: `mismatch` when there is too little text; reading errors.
  public func run(
    _ windows: TextWindows, progress: (Double) -> Void = { _ in }
  ) throws(WeightmillError) -> LogitStatistics {
    let passes = windows.passes(ofAtMost: Self.tokensPerPass)
    var positions: [PositionComparison] = []
    for (number, pass) in passes.enumerated() {
      positions += try compare(pass) { share in
        progress((Double(number) + share) / Double(passes.count))
      }
    }
    if let place = positions.firstIndex(where: { $0.brokenSide != nil }) {
      let isReference = positions[place].brokenSide == .reference
      throw WeightmillError(
        .mismatch, (isReference ? reference : candidate).model.catalogue.location,
        "predicts values that are infinite or not numbers", at: "token \(place) of the text",
        remedy: "its weights are damaged: look for the notes when it was converted")
    }
    guard let statistics = LogitStatistics(positions) else {
      throw WeightmillError(
        .mismatch, candidate.model.catalogue.location, "cannot be measured: the text is too short",
        remedy: "give at least two tokens of text")
    }
    return statistics
  }

  private func compare(
    _ pass: TextWindows.Pass, progress: (Double) -> Void
  ) throws(WeightmillError) -> [PositionComparison] {
    let ranges = pass.ranges
    var ours = try candidate.embed(pass.tokens)
    var theirs = try reference.embed(pass.tokens)
    let layers = max(
      candidate.model.configuration.layerCount, reference.model.configuration.layerCount)
    for layer in 0..<layers {
      if layer < candidate.model.configuration.layerCount {
        try candidate.apply(layer: layer, to: &ours, windows: ranges)
      }
      if layer < reference.model.configuration.layerCount {
        try reference.apply(layer: layer, to: &theirs, windows: ranges)
      }
      progress(Double(layer + 1) / Double(layers + 1))
    }
    let positions = try compareLogits(
      candidate.normalized(ours), reference.normalized(theirs),
      targets: ranges.flatMap { $0.dropFirst().map { pass.tokens[$0] } + [nil] })
    progress(1)
    return positions
  }

  private func compareLogits(
    _ ours: Activations, _ theirs: Activations, targets: [Int?]
  ) throws(WeightmillError) -> [PositionComparison] {
    let vocabulary = candidate.model.configuration.vocabularyRows
    let size = max(1, (targets.count + workers.threads - 1) / workers.threads)
    let chunks = stride(from: 0, to: targets.count, by: size).map { first in
      first..<min(first + size, targets.count)
    }
    let state = Mutex(chunks.map { $0.map { PositionComparison(target: targets[$0]) } })
    for first in stride(from: 0, to: vocabulary, by: Self.vocabularyTile) {
      let rows = first..<min(first + Self.vocabularyTile, vocabulary)
      let candidateLogits = try candidate.logits(rows: rows, of: ours)
      let referenceLogits = try reference.logits(rows: rows, of: theirs)
      try workers.forEach(chunks.count, scratch: {}) { (chunk, _) throws(WeightmillError) in
        var positions = state.withLock { $0[chunk] }
        for (place, token) in chunks[chunk].enumerated() {
          positions[place].add(
            first: first, reference: referenceLogits[token], candidate: candidateLogits[token])
        }
        state.withLock { [positions] in $0[chunk] = positions }
      }
    }
    return state.withLock { $0.flatMap { $0 } }
  }
}

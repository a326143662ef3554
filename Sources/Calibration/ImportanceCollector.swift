internal import Synchronization
public import WeightmillLLaMA
public import WeightmillQuantization
public import WeightmillTensors
import WeightmillTokenization

/// Runs a model over text and gathers how much each input of each matrix matters.
///
/// The matrices are those of the layers, and the output matrix. An embedding that is only looked up, and not
/// multiplied with, has no entry; one that is the output matrix, too, has. Weights stream layer by layer; memory is the
/// activations of `tokensPerPass` tokens, a sum for each column, and a tile for each thread.
public struct ImportanceCollector: Sendable {
  /// The number of tokens that go through the model together.
  package static let tokensPerPass = 1024
  /// How many logits are held at once, at most.
  private static let heldLogits = 1 << 24

  private let pass: ForwardPass
  private let includesOutput: Bool
  private let workers: Workers
  /// Whether the sums of inputs themselves are gathered, too.
  package var gathersMeans = false
  /// Whether the perplexity of the text is measured on the way.
  package var measuresPerplexity = false

  /// Prepares a collection.
  ///
  /// - Parameters:
  ///   - model: The model, in any scheme: entries have GGUF names, and columns have the same order
  ///     in all of them.
  ///   - includesOutput: Whether the output matrix gets an entry; one that is the embedding (tied
  ///     weights) has it under the embedding's name.
  ///   - workers: The threads.
  public init(_ model: LlamaModel, includesOutput: Bool = true, workers: Workers) {
    pass = ForwardPass(model, workers: workers)
    self.includesOutput = includesOutput
    self.workers = workers
  }

  /// Runs the model over a text and gathers the sums.
  ///
  /// - Parameters:
  ///   - text: The text; all tokens of its windows count.
  ///   - cancellation: A way to stop it.
  ///   - progress: Called with the share of the work that is done.
  /// - Returns: The sums over all tokens of all windows.
  /// - Throws: `mismatch` when the text fills no window, or an input is infinite or not a number;
  ///   `interrupted`; reading errors.
  public func run(
    _ text: CalibrationText, cancellation: Cancellation = Cancellation(),
    progress: (Double) -> Void = { _ in }
  ) throws(WeightmillError) -> ImportanceMatrix {
    var continuation = Continuation()
    continuation.cancellation = cancellation
    return try gather(text, continuation) { share, _ in progress(share) }.matrix(of: text)
  }

  /// Gathers beside other tasks: `run(_:cancellation:progress:)` as an asynchronous call, which stops when the
  /// task is cancelled.
  ///
  /// - Parameters:
  ///   - text: The text; all tokens of its windows count.
  ///   - progress: Called, from another thread, with the share of the work that is done.
  /// - Returns: The sums over all tokens of all windows.
  /// - Throws: As `run(_:cancellation:progress:)`.
  public func run(
    _ text: CalibrationText, progress: @escaping @Sendable (Double) -> Void = { _ in }
  ) async throws(WeightmillError) -> ImportanceMatrix {
    try await Cancellation.perform { (cancellation) throws(WeightmillError) in
      try run(text, cancellation: cancellation, progress: progress)
    }
  }

  /// How a collection is begun, stopped and kept.
  package struct Continuation {
    /// What an interrupted run has gathered from the first windows.
    package var earlier: ImportanceSums?
    /// A way to stop.
    package var cancellation = Cancellation()
    /// After how many windows what was gathered is kept; `nil`: never.
    package var interval: Int?
    /// Keeps it.
    package var save: (ImportanceSums) throws(WeightmillError) -> Void = { _ in }
    /// What is being made, for messages; `nil`: the model.
    package var output: String?

    /// A run from the first window that keeps nothing on the way.
    package init() {}
  }

  /// Runs the model over a text and gathers the sums, going on where an interrupted run has stopped.
  ///
  /// - Parameters:
  ///   - text: The text; all tokens of its windows count.
  ///   - continuation: Where it begins, and what is kept on the way.
  ///   - progress: Called with the share of the work that is done, and the perplexity so far.
  /// - Returns: The sums: the same with and without interruption.
  /// - Throws: As `run`; `interrupted`; what keeping throws.
  package func gather(
    _ text: CalibrationText, _ continuation: Continuation = Continuation(),
    progress: (Double, TextPerplexity?) -> Void
  ) throws(WeightmillError) -> ImportanceSums {
    var sums = continuation.earlier ?? ImportanceSums()
    if measuresPerplexity, sums.perplexity == nil { sums.perplexity = TextPerplexity() }
    let all = text.windows.windows
    guard !all.isEmpty else {
      throw WeightmillError(
        .mismatch, pass.model.catalogue.location,
        "cannot learn from this text: \(text.leftOut) tokens do not fill a window of "
          + "\(text.context)", remedy: "give more text, or a smaller --context")
    }
    let rest = TextWindows(windows: Array(all.dropFirst(sums.windows)))
    var saved = sums.windows
    for part in rest.passes(ofAtMost: Self.tokensPerPass) {
      var next = sums
      do throws(WeightmillError) {
        try gather(part, into: &next, continuation) { share in
          let done = Double(sums.windows) + share * Double(part.ranges.count)
          progress(done / Double(all.count), sums.perplexity)
        }
      } catch {
        if error.code == .interrupted, continuation.interval != nil, sums.windows > saved {
          try continuation.save(sums)
        }
        throw error
      }
      sums = next
      if let interval = continuation.interval, sums.windows - saved >= interval,
        sums.windows < all.count
      {
        try continuation.save(sums)
        saved = sums.windows
      }
    }
    return sums
  }

  private func gather(
    _ part: TextWindows.Pass, into sums: inout ImportanceSums, _ continuation: Continuation,
    progress: (Double) -> Void
  ) throws(WeightmillError) {
    let layers = pass.model.configuration.layerCount
    var hidden = try pass.embed(part.tokens)
    for layer in 0..<layers {
      try continuation.cancellation.check(
        continuation.output ?? pass.model.catalogue.location)
      try pass.apply(layer: layer, to: &hidden, windows: part.ranges) {
        (matrices, input) throws(WeightmillError) in
        try add(input, of: matrices, to: &sums)
      }
      progress(Double(layer + 1) / Double(layers))
    }
    sums.windows += part.ranges.count
    guard includesOutput || measuresPerplexity else { return }
    let final = try pass.normalized(hidden)
    if includesOutput {
      let matrix: TensorRole = pass.model.tiesEmbeddings ? .tokenEmbedding : .output
      try add(final, of: [matrix], to: &sums)
    }
    if measuresPerplexity { try measure(final, part, into: &sums) }
  }

  private func add(
    _ input: Activations, of matrices: [TensorRole], to sums: inout ImportanceSums
  ) throws(WeightmillError) {
    let names = matrices.map {
      TensorName(NamingScheme.gguf.name(of: $0, in: pass.model.architecture))
    }
    let isGathered = sums.add(input, of: names) {
      InputSums(columns: input.columns, gathersMeans: gathersMeans)
    }
    guard isGathered else {
      throw WeightmillError(
        .mismatch, pass.model.catalogue.location,
        "has other matrices than the one that the interrupted run learned from",
        at: names[0].text, remedy: "begin anew, without --resume")
    }
    guard sums.inputs[names[0]]?.areFinite == true else {
      throw WeightmillError(
        .mismatch, pass.model.catalogue.location,
        "computes values that are infinite or not numbers",
        at: "the input of \(names[0].text)",
        remedy: "its weights are damaged: look for the notes when it was converted")
    }
  }

  /// Adds the surprise at each token of the second half of each window, as llama-imatrix does.
  private func measure(
    _ final: Activations, _ part: TextWindows.Pass, into sums: inout ImportanceSums
  ) throws(WeightmillError) {
    let positions = part.ranges.flatMap { window -> [Int] in
      let (first, end) = (window.lowerBound + window.count / 2, window.upperBound - 1)
      return first < end ? Array(first..<end) : []
    }
    let rows = pass.model.configuration.vocabularyRows
    let most = max(16, Self.heldLogits / max(1, rows) / 16 * 16)
    for first in stride(from: 0, to: positions.count, by: most) {
      let some = Array(positions[first..<min(first + most, positions.count)])
      let logits = try pass.logits(rows: 0..<rows, of: final.selecting(some))
      for surprise in try surprises(logits, some.map { part.tokens[$0 + 1] }) {
        sums.perplexity?.add(surprise)
      }
    }
  }

  /// The negative logarithms of the probabilities of tokens.
  private func surprises(
    _ logits: Activations, _ tokens: [Int]
  ) throws(WeightmillError) -> [Double] {
    let panels = logits.panels
    let found = Mutex([Double](repeating: 0, count: tokens.count))
    try workers.forEach(panels.count, scratch: {}) { (panel, _) throws(WeightmillError) in
      for (position, comparison) in zip(
        panels[panel], logits.comparisons(panel: panel, candidate: logits))
      {
        guard !comparison.reference.isBroken else {
          throw WeightmillError(
            .mismatch, pass.model.catalogue.location,
            "predicts values that are infinite or not numbers",
            remedy: "its weights are damaged: look for the notes when it was converted")
        }
        let surprise = comparison.reference.logPartition - logits[position, tokens[position]]
        found.withLock { $0[position] = surprise }
      }
    }
    return found.withLock { $0 }
  }
}

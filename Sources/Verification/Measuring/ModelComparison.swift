package import WeightmillLLaMA
package import WeightmillTensors

/// Compares what two models predict for the same tokens.
///
/// Weights of both stream layer by layer. Memory is the activations of `tokensPerPass` tokens for
/// each model, the logits of some of them, and a tile of weights for each thread.
package struct ModelComparison: Sendable {
  /// The model or the logits that a candidate is judged by.
  package enum Reference: Sendable {
    /// Another model.
    case model(LlamaModel)
    /// Logits that were saved.
    case saved(any SavedLogits)
  }

  /// The number of tokens that go through the models together.
  package static let tokensPerPass = 2048
  /// How many logits of each model are held at once, at most.
  private static let heldLogits = 1 << 25

  private let candidate: ForwardPass
  private let reference: Reference
  private let workers: Workers
  /// The rows that both sides have.
  private let rows: SharedRows
  /// The number of tokens that are compared.
  package var vocabularyRows: Int { rows.count }
  /// Whether to measure what each tensor adds to the error; takes about a twelfth of the time.
  package var measuresTensors = true

  /// Prepares a comparison.
  ///
  /// - Parameters:
  ///   - candidate: The model to be judged.
  ///   - reference: What to judge it by.
  ///   - workers: The threads.
  ///   - precision: The numbers to compute with.
  /// - Throws: `mismatch` when the sizes of their vocabularies differ by more than padding.
  package init(
    candidate: LlamaModel, reference: Reference, workers: Workers, precision: Precision = .single
  ) throws(WeightmillError) {
    let theirs =
      switch reference {
      case .model(let model): model.configuration.vocabularyRows
      case .saved(let logits): logits.vocabularyRows
      }
    rows = try SharedRows(
      candidate: candidate.configuration.vocabularyRows, reference: theirs,
      location: candidate.catalogue.location)
    self.candidate = ForwardPass(
      try candidate.inGGUFOrder(), workers: workers, precision: precision)
    self.reference =
      if case .model(let model) = reference { .model(try model.inGGUFOrder()) } else { reference }
    self.workers = workers
  }

  /// Compares the models on texts.
  ///
  /// - Parameters:
  ///   - texts: The texts; for saved logits, those of the file.
  ///   - writer: Where the reference's logits are saved.
  ///   - cancellation: A way to stop: what was measured until then is returned.
  ///   - progress: Called with the share of the work that is done.
  /// - Returns: What was found at every position that was judged.
  /// - Throws: `mismatch` when there is too little text, or a model predicts no numbers;
  ///   `interrupted` when nothing was measured yet; reading errors.
  package func run(
    _ texts: [EvaluationText], saving writer: LogitsWriter? = nil,
    cancellation: Cancellation = Cancellation(), progress: (Double) -> Void = { _ in }
  ) throws(WeightmillError) -> ComparisonResult {
    try rows.check(texts, location: candidate.model.catalogue.location)
    let passes = EvaluationPass.all(texts, ofAtMost: Self.tokensPerPass)
    var result = ComparisonResult(texts: texts, rows: rows)
    var lockStep = lockStep
    try lockStep?.measureVectors()
    for (number, pass) in passes.enumerated() {
      let step = { (share: Double) -> Bool in
        progress((Double(number) + share) / Double(passes.count))
        return !cancellation.isCancelled
      }
      let before = lockStep
      guard
        let found = try compare(
          pass, &lockStep, firstPosition: result.positions.count, writer, step: step)
      else {
        // What a stopped pass shows of some layers says nothing beside the others.
        lockStep = before
        result.isPartial = true
        break
      }
      result.add(found, of: pass)
    }
    if result.isPartial, result.positions.isEmpty {
      throw WeightmillError(
        .interrupted, candidate.model.catalogue.location,
        "was not measured: interrupted during the first \(passes.first?.tokens.count ?? 0) tokens")
    }
    guard result.total != nil else {
      throw WeightmillError(
        .mismatch, candidate.model.catalogue.location, "cannot be measured: the text is too short",
        remedy: "give at least two tokens of text, with --second-half a whole window")
    }
    if let lockStep { result.take(lockStep) }
    return result
  }

  private var lockStep: LockStep? {
    guard case .model(let model) = reference else { return nil }
    return LockStep(
      candidate: candidate,
      reference: ForwardPass(model, workers: workers, precision: candidate.precision),
      measuresTensors: measuresTensors)
  }

  /// What one pass shows; `nil` when it was stopped.
  private func compare(
    _ pass: EvaluationPass, _ lockStep: inout LockStep?, firstPosition: Int,
    _ writer: LogitsWriter?, step: (Double) -> Bool
  ) throws(WeightmillError) -> [PositionResult]? {
    // Logits take about as long as one more layer.
    let layers = candidate.model.configuration.layerCount
    let share = Double(layers) / Double(layers + 1)
    let ours: Activations
    var theirs: Activations?
    if lockStep != nil {
      guard let both = try lockStep?.run(pass, step: { step($0 * share) }) else { return nil }
      (ours, theirs) = (both.candidate, both.reference)
    } else {
      guard let alone = try candidate.run(pass, step: { step($0 * share) }) else { return nil }
      ours = alone
    }
    var results: [PositionResult] = []
    let height = max(1, Self.heldLogits / max(rows.rest.upperBound, 1))
    for first in stride(from: 0, to: pass.judged.count, by: height) {
      let positions = Array(pass.judged[first..<min(first + height, pass.judged.count)])
      results += try compareLogits(
        positions, ours, theirs, lockStep?.reference, first: firstPosition + first, writer)
      let done = Double(results.count) / Double(pass.judged.count)
      guard step(share + (1 - share) * done) else { return nil }
    }
    return results
  }

  private func compareLogits(
    _ positions: [EvaluationPass.JudgedPosition], _ ours: Activations, _ theirs: Activations?,
    _ referencePass: ForwardPass?, first: Int, _ writer: LogitsWriter?
  ) throws(WeightmillError) -> [PositionResult] {
    let tokens = positions.map(\.token)
    let ids = 0..<rows.count
    let logits = try candidate.logits(rows: ids, of: ours.selecting(tokens))
    let expected: Activations
    if let referencePass, let theirs {
      expected = try referencePass.logits(rows: ids, of: theirs.selecting(tokens))
    } else {
      expected = try Activations(
        rows: positions.count, columns: ids.count, precision: candidate.precision
      ) { (index) throws(WeightmillError) in Array(try saved(first + index)[ids]) }
    }
    if let writer {
      try workers.forEach(positions.count, scratch: {}) { (index, _) throws(WeightmillError) in
        try writer.write(expected[index], position: first + index)
      }
    }
    let rest = try restLogits(tokens, ours, theirs, referencePass, first: first)
    var results = try PositionComparison.compare(
      reference: expected, candidate: logits, rest: rest, targets: positions.map(\.target),
      workers: workers
    ) { side, index in broken(side, position: positions[index]) }
    if !isExact { for index in results.indices { results[index].logitError = .nan } }
    return results
  }

  /// The logits of the rows that only one side has; `nil` where both have the same.
  private func restLogits(
    _ tokens: [Int], _ ours: Activations, _ theirs: Activations?, _ referencePass: ForwardPass?,
    first: Int
  ) throws(WeightmillError) -> PositionComparison.Rest? {
    guard !rows.rest.isEmpty else { return nil }
    if rows.candidate > rows.reference {
      let logits = try candidate.logits(rows: rows.rest, of: ours.selecting(tokens))
      return .init(side: .candidate, logits: logits)
    }
    if let referencePass, let theirs {
      let logits = try referencePass.logits(rows: rows.rest, of: theirs.selecting(tokens))
      return .init(side: .reference, logits: logits)
    }
    let logits = try Activations(
      rows: tokens.count, columns: rows.rest.count, precision: candidate.precision
    ) { (index) throws(WeightmillError) in Array(try saved(first + index)[rows.rest]) }
    return .init(side: .reference, logits: logits)
  }

  private var isExact: Bool {
    if case .saved(let logits) = reference { logits.isExact } else { true }
  }

  private func saved(_ position: Int) throws(WeightmillError) -> [Double] {
    guard case .saved(let logits) = reference else { return [] }
    return try logits.logits(position).map(Double.init)
  }

  private func broken(
    _ side: PositionComparison.BrokenSide, position: EvaluationPass.JudgedPosition
  ) -> WeightmillError {
    let location =
      switch (side, reference) {
      case (.candidate, _): candidate.model.catalogue.location
      case (.reference, .model(let model)): model.catalogue.location
      case (.reference, .saved(let logits)): logits.location
      }
    return WeightmillError(
      .mismatch, location, "predicts values that are infinite or not numbers",
      at: "token \(position.index) of text \(position.text + 1)",
      remedy: "its weights are damaged: look for the notes when it was converted")
  }
}

extension ForwardPass {
  /// Runs one pass of one model.
  ///
  /// - Parameters:
  ///   - pass: The tokens.
  ///   - step: Called after each layer with the share of the layers that is done; `false` stops.
  /// - Returns: The vectors before the output matrix; `nil` when it was stopped.
  /// - Throws: Reading errors.
  func run(
    _ pass: EvaluationPass, step: (Double) -> Bool
  ) throws(WeightmillError) -> Activations? {
    var hidden = try embed(pass.tokens)
    for layer in 0..<model.configuration.layerCount {
      try apply(layer: layer, to: &hidden, windows: pass.windows)
      guard step(Double(layer + 1) / Double(model.configuration.layerCount)) else { return nil }
    }
    return try normalized(hidden)
  }
}

package import WeightmillLLaMA
package import WeightmillTensors

/// The attribution of the divergence to tensors: each group in turn is taken from the reference, and
/// the divergence measured again.
///
/// Layers below the first one that a group touches give the same as before: their outputs are kept
/// while memory allows, so that on the average half of the layers are run for each group.
package struct DivergenceAttribution: Sendable {
  /// The tensors and their shares of the divergence.
  package struct Result: Sendable {
    /// The groups, those with the largest share first.
    package internal(set) var groups: [AttributedDivergence] = []
    /// The number of tokens it was measured on.
    package let tokens: Int
    /// Whether it was interrupted, so that groups are missing.
    package internal(set) var isPartial = false
  }

  /// How many bytes of activations are kept at most.
  private static let keptBytes = 256 << 20

  private let candidate: LlamaModel
  private let reference: LlamaModel
  private let grouping: TensorGrouping
  private let workers: Workers
  private let precision: Precision

  /// Prepares an attribution.
  ///
  /// - Parameters:
  ///   - candidate: The model to be judged.
  ///   - reference: The model to judge it by.
  ///   - grouping: Which tensors are taken together.
  ///   - workers: The threads.
  ///   - precision: The numbers to compute with.
  /// - Throws: `mismatch` when the models have other layers.
  package init(
    candidate: LlamaModel, reference: LlamaModel, grouping: TensorGrouping, workers: Workers,
    precision: Precision = .single
  ) throws(WeightmillError) {
    self.candidate = try candidate.inGGUFOrder()
    self.reference = try reference.inGGUFOrder()
    self.grouping = grouping
    self.workers = workers
    self.precision = precision
    let roles = self.candidate.roles
    guard roles == self.reference.roles,
      roles.allSatisfy({
        $0.extents(in: candidate.configuration) == $0.extents(in: reference.configuration)
      })
    else {
      throw WeightmillError(
        .mismatch, candidate.catalogue.location,
        "has other tensors than the reference: nothing can be attributed to them",
        remedy: "leave out --attribute")
    }
  }

  /// Measures the share of each group.
  ///
  /// - Parameters:
  ///   - texts: The texts; of each in turn the first windows are taken.
  ///   - tokens: How many tokens are taken at most, at least 2.
  ///   - roles: The tensors that differ.
  ///   - cancellation: A way to stop: what was measured until then is returned.
  ///   - progress: Called with the share of the work that is done.
  /// - Returns: The shares.
  /// - Throws: `mismatch` when a model predicts no numbers; reading errors.
  package func run(
    _ texts: [EvaluationText], tokens: Int, roles: [TensorRole],
    cancellation: Cancellation = Cancellation(), progress: (Double) -> Void = { _ in }
  ) throws(WeightmillError) -> Result {
    let pass = EvaluationPass(firstWindowsOf: texts, ofAtMost: tokens)
    let groups = grouping.groups(
      candidate.roles.filter(Set(roles).contains), in: candidate.architecture)
    var result = Result(tokens: pass.tokens.count)
    guard !groups.isEmpty, !pass.judged.isEmpty else { return result }
    let expected = try logits(reference, pass)
    var kept = KeptStates(
      layerCount: candidate.configuration.layerCount,
      bytes: pass.tokens.count * candidate.configuration.hiddenSize
        * (precision == .single ? 4 : 8), limit: Self.keptBytes)
    let whole = try divergence(candidate, pass, from: -1, &kept, expected)
    for (number, group) in groups.enumerated() {
      guard !cancellation.isCancelled else {
        result.isPartial = true
        break
      }
      progress(Double(number) / Double(groups.count))
      let names = Set(
        group.roles.map { NamingScheme.gguf.name(of: $0, in: candidate.architecture) })
      let model = try LlamaModel(
        catalogue: SubstitutedCatalogue(
          candidate.catalogue, takingFrom: reference.catalogue, names: names),
        configuration: candidate.configuration, scheme: .gguf)
      let first = group.roles.map(\.firstLayer).min() ?? -1
      let rest = try divergence(
        model, pass, from: min(first, candidate.configuration.layerCount), &kept, expected)
      result.groups.append(
        .init(
          name: group.name, types: types(of: group.roles), divergence: rest,
          share: whole > 0 ? (whole - rest) / whole : 0))
    }
    result.groups.sort { $0.share > $1.share }
    return result
  }

  private func types(of roles: [TensorRole]) -> String {
    let types = roles.compactMap { candidate.tensor($0)?.type.name }
    return Set(types).sorted().joined(separator: ", ")
  }

  private func logits(
    _ model: LlamaModel, _ pass: EvaluationPass
  ) throws(WeightmillError) -> Activations {
    let forward = ForwardPass(model, workers: workers, precision: precision)
    let final = try forward.run(pass, step: { _ in true }) ?? Activations(rows: 0, columns: 0)
    return try logits(forward, final, pass)
  }

  private func logits(
    _ forward: ForwardPass, _ final: Activations, _ pass: EvaluationPass
  ) throws(WeightmillError) -> Activations {
    try forward.logits(
      rows: 0..<forward.model.configuration.vocabularyRows,
      of: final.selecting(pass.judged.map(\.token)))
  }

  /// The mean divergence of a model whose layers below one are the candidate's.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - pass: The tokens.
  ///   - first: The first layer that differs from the candidate's; -1 for the embeddings. The
  ///     candidate itself is run first, with -1, and fills `kept`.
  ///   - kept: The candidate's states.
  ///   - expected: The reference's logits.
  /// - Returns: The mean, in nats.
  /// - Throws: `mismatch` when the model predicts no numbers; reading errors.
  private func divergence(
    _ model: LlamaModel, _ pass: EvaluationPass, from first: Int, _ kept: inout KeptStates,
    _ expected: Activations
  ) throws(WeightmillError) -> Double {
    let forward = ForwardPass(model, workers: workers, precision: precision)
    var (layer, hidden) =
      if let state = kept.state(before: first) { state } else {
        (0, try forward.embed(pass.tokens))
      }
    while layer < model.configuration.layerCount {
      kept.keep(hidden, before: layer)
      try forward.apply(layer: layer, to: &hidden, windows: pass.windows)
      layer += 1
    }
    kept.keep(hidden, before: layer)
    kept.isFilled = true
    let logits = try logits(forward, forward.normalized(hidden), pass)
    let results = try PositionComparison.compare(
      reference: expected, candidate: logits, targets: pass.judged.map { _ in nil },
      workers: workers
    ) { [candidate] _, _ in
      WeightmillError(
        .mismatch, candidate.catalogue.location,
        "predicts values that are infinite or not numbers")
    }
    return results.reduce(0) { $0 + $1.divergence } / Double(results.count)
  }
}

/// The candidate's residual stream before some of its layers.
private struct KeptStates {
  private let stride: Int
  private var states: [Int: Activations] = [:]
  /// Whether the candidate was run; what is run later is not the candidate.
  var isFilled = false

  init(layerCount: Int, bytes: Int, limit: Int) {
    stride = max(1, ((layerCount + 1) * bytes + limit - 1) / limit)
  }

  mutating func keep(_ hidden: Activations, before layer: Int) {
    if !isFilled, layer % stride == 0 { states[layer] = hidden }
  }

  /// The nearest state that is kept at or below a layer.
  func state(before layer: Int) -> (layer: Int, hidden: Activations)? {
    guard layer >= 0, let nearest = states.keys.filter({ $0 <= layer }).max() else { return nil }
    return states[nearest].map { (nearest, $0) }
  }
}

extension TensorRole {
  /// The first layer whose input is as before when the tensor changes; -1 for embeddings.
  fileprivate var firstLayer: Int {
    switch self {
    case .tokenEmbedding: -1
    case .layer(let layer, _): layer
    case .ropeFactors: 0
    case .outputNorm, .output, .rotaryFrequencies: Int.max
    }
  }
}

extension EvaluationPass {
  /// Takes windows of several texts in turn, until there are enough tokens; the first one is cut
  /// if it is longer.
  ///
  /// - Parameters:
  ///   - texts: The texts.
  ///   - limit: How many tokens to take at most.
  init(firstWindowsOf texts: [EvaluationText], ofAtMost limit: Int) {
    self.init()
    var starts = [Int](repeating: 0, count: texts.count)
    for number in 0..<(texts.map(\.windows.count).max() ?? 0) {
      for (index, text) in texts.enumerated() where number < text.windows.count {
        let window = text.windows[number]
        if tokens.isEmpty, window.tokens.count > limit {
          let cut = Array(window.tokens.prefix(max(2, limit)))
          add(.init(tokens: cut, judged: 0..<cut.count), text: index, start: 0)
          return
        }
        guard tokens.count + window.tokens.count <= limit else { return }
        add(window, text: index, start: starts[index])
        starts[index] += window.tokens.count
      }
    }
  }
}

/// The divergence that is lost when some tensors are taken from the reference.
public struct AttributedDivergence: Codable, Equatable, Sendable {
  /// The tensor, or the group: `blk.2`, `ffn_down`.
  public var name: String
  /// The candidate's types in it, such as `Q3_K`.
  public var types: String
  /// The mean divergence without its error, in nats.
  public var divergence: Double
  /// The share of the divergence that goes: shares need not add up to 1.
  public var share: Double

  /// Makes one.
  package init(name: String, types: String, divergence: Double, share: Double) {
    self.name = name
    self.types = types
    self.divergence = divergence
    self.share = share
  }
}

/// A catalogue in which some tensors are another catalogue's.
struct SubstitutedCatalogue: Catalogue {
  let location: String
  let tensors: [TensorDescriptor]
  private let own: any Catalogue
  private let other: any Catalogue
  /// For each tensor that is taken from the other catalogue, its index there.
  private let otherIndices: [Int?]

  /// Puts tensors in place of others of the same names.
  ///
  /// - Parameters:
  ///   - own: The catalogue.
  ///   - other: Where some tensors are taken from.
  ///   - names: Which ones.
  /// - Throws: `malformed` when two of the other's tensors have one name.
  init(_ own: any Catalogue, takingFrom other: any Catalogue, names: Set<String>)
    throws(WeightmillError)
  {
    let index = try TensorIndex(other)
    location = own.location
    self.own = own
    self.other = other
    otherIndices = own.tensors.map { names.contains($0.name) ? index[$0.name] : nil }
    tensors = zip(own.tensors, otherIndices).map { tensor, otherIndex in
      otherIndex.map { other.tensors[$0] } ?? tensor
    }
  }

  func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    guard let otherIndex = otherIndices[index] else {
      return try own.read(rows: rows, ofTensor: index, into: &bytes, at: offset)
    }
    try other.read(rows: rows, ofTensor: otherIndex, into: &bytes, at: offset)
  }
}

import CWeightmillKernels
package import WeightmillTensors

/// A reference forward pass over any catalogue, one tile of weights at a time.
///
/// The pass is driven layer by layer from outside, so that two models can go in step:
///
/// ```swift
/// var hidden = try pass.embed(tokens)
/// for layer in 0..<model.configuration.layerCount {
///   try pass.apply(layer: layer, to: &hidden, windows: [0..<tokens.count])
/// }
/// let logits = try pass.logits(
///   rows: 0..<model.configuration.vocabularyRows, of: pass.normalized(hidden))
/// ```
///
/// Memory is the activations, plus a tile of weights for each thread. Results have the same bits for
/// any number of threads, on any processor, and whatever other tokens are computed beside a token.
///
/// Every product is a chain of fused multiply-adds over 256 columns, in their order and beginning at
/// +0; the sums of such groups of columns are added in order. Keys are such columns, too, when values
/// are summed. Sums of squares in norms and of exponentials are binary64.
package struct ForwardPass: Sendable {
  /// Sees what text sends into the matrices of a model: some matrices, and the input they share.
  package typealias InputObserver = ([TensorRole], Activations) throws(WeightmillError) -> Void

  /// Sees a matrix's products with the input that was seen last, before anything else is done with them.
  package typealias ProductObserver = (TensorRole, Activations) throws(WeightmillError) -> Void

  /// The model.
  package let model: LlamaModel
  let workers: Workers
  let kernels: Kernels
  var configuration: LlamaConfiguration { model.configuration }

  /// Prepares a pass.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - workers: The threads.
  ///   - precision: The numbers to compute with.
  package init(_ model: LlamaModel, workers: Workers, precision: Precision = .single) {
    self.init(model, workers: workers, precision: precision, level: nil)
  }

  /// Prepares a pass that uses certain instructions, to compare them.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - workers: The threads.
  ///   - precision: The numbers to compute with.
  ///   - level: A level of `CKernels`, not above the processor's; `nil` is its best.
  package init(_ model: LlamaModel, workers: Workers, precision: Precision, level: Int?) {
    self.model = model
    self.workers = workers
    kernels = Kernels(precision, level: level)
  }

  /// The numbers that it computes with.
  package var precision: Precision { kernels.precision }

  /// The embeddings of tokens.
  ///
  /// - Parameter tokens: Ids below the number of embedding rows.
  /// - Returns: `[tokens, hiddenSize]`.
  /// - Throws: `mismatch` for an id without a row; reading errors.
  package func embed(_ tokens: [Int]) throws(WeightmillError) -> Activations {
    let matrix = try WeightMatrix(.tokenEmbedding, of: model)
    if let token = tokens.first(where: { !(0..<matrix.rows).contains($0) }) {
      throw WeightmillError(
        .mismatch, model.catalogue.location,
        "has \(matrix.rows) embedding rows, none for token \(token)",
        remedy: "use the model's own tokenizer")
    }
    let hidden = Activations(
      rows: tokens.count, columns: configuration.hiddenSize, precision: precision)
    let scale = configuration.scales.embedding
    try workers.forEach(tokens.count, scratch: {}) { (index, _) throws(WeightmillError) in
      for (column, value) in try matrix.row(tokens[index]).enumerated() {
        hidden.set(Double(value) * scale, row: index, column: column)
      }
    }
    return hidden
  }

  /// Applies a layer to the residual stream, in place.
  ///
  /// - Parameters:
  ///   - layer: The layer's number.
  ///   - hidden: `[tokens, hiddenSize]`.
  ///   - windows: Which tokens see each other: each window is a text by itself.
  ///   - observe: Called with the input of every matrix of the layer, in the order of their use.
  /// - Throws: Reading errors, and `unsupported` for types that cannot be decoded.
  package func apply(
    layer: Int, to hidden: inout Activations, windows: [Range<Int>],
    observe: InputObserver = { _, _ in }
  ) throws(WeightmillError) {
    try apply(layer: layer, to: &hidden, windows: windows, observe: observe) { _, _ in }
  }

  /// Applies a layer as the function above does.
  ///
  /// - Parameters:
  ///   - layer: The layer's number.
  ///   - hidden: `[tokens, hiddenSize]`.
  ///   - windows: Which tokens see each other: each window is a text by itself.
  ///   - observe: Called with the input of every matrix of the layer, in the order of their use.
  ///   - products: Called with every matrix's products with that input.
  /// - Throws: Reading errors, and `unsupported` for types that cannot be decoded.
  package func apply(
    layer: Int, to hidden: inout Activations, windows: [Range<Int>], observe: InputObserver,
    products: ProductObserver
  ) throws(WeightmillError) {
    let tokens = 0..<hidden.rows
    precondition(hidden.columns == configuration.hiddenSize && hidden.precision == precision)
    precondition(windows.allSatisfy { $0.isEmpty || tokens.contains($0) })
    var texts = windows.map { window in
      AttendedText(
        tokens: window, cache: KeyValueCache(configuration, kernels, capacity: window.count))
    }
    try apply(layer: layer, to: &hidden, texts: &texts, observe: observe, products: products)
  }

  /// Applies a layer to new tokens of texts, which see the earlier ones.
  func apply(
    layer: Int, to hidden: inout Activations, texts: inout [AttendedText], observe: InputObserver,
    products: ProductObserver = { _, _ in }
  ) throws(WeightmillError) {
    let input = try attentionInput(layer, hidden)
    let seen = try attended(layer, input, &texts, observe, products)
    try observe([.layer(layer, .attentionOutput)], seen)
    add(try attentionAddend(layer, seen, products), to: &hidden)
    let gated = try gated(layer, try feedForwardInput(layer, hidden), observe, products)
    try observe([.layer(layer, .down)], gated)
    add(try feedForwardAddend(layer, gated, products), to: &hidden)
  }

  /// The residual stream after the last norm.
  ///
  /// - Parameter hidden: `[tokens, hiddenSize]` after the last layer.
  /// - Returns: `[tokens, hiddenSize]`.
  /// - Throws: Reading errors.
  package func normalized(_ hidden: Activations) throws(WeightmillError) -> Activations {
    try normalized(hidden, by: .outputNorm)
  }

  /// Some of the logits.
  ///
  /// - Parameters:
  ///   - rows: Ids of the vocabulary.
  ///   - hidden: `[tokens, hiddenSize]` after the last norm.
  /// - Returns: `[tokens, rows.count]`.
  /// - Throws: Reading errors.
  package func logits(
    rows: Range<Int>, of hidden: Activations
  ) throws(WeightmillError) -> Activations {
    var logits = try product(.output, hidden, rows: rows)
    scale(&logits, by: 1 / configuration.scales.logit)
    if let cap = configuration.scales.logitCap {
      logits.makeUnique()
      let target = logits
      forEachPanel(target) { panel in
        unsafe weightmill_cap(
          kernels.mode, target.address(panel: panel), target.panelStride, 1, cap)
      }
    }
    return logits
  }

  // MARK: Parts

  /// The input of queries, keys and values.
  func attentionInput(_ layer: Int, _ hidden: Activations) throws(WeightmillError) -> Activations {
    try normalizedIfNeeded(hidden, by: .layer(layer, .attentionNorm))
  }

  /// The input of the attention's output matrix.
  func attended(
    _ layer: Int, _ input: Activations, _ texts: inout [AttendedText], _ observe: InputObserver,
    _ products: ProductObserver
  ) throws(WeightmillError) -> Activations {
    let attention = Attention(
      configuration: configuration, kernels: kernels, workers: workers,
      window: configuration.window(ofLayer: layer))
    let outputs = try self.products(
      layer, [.query, .key, .value], fused: .queryKeyValue,
      [configuration.queryWidth, configuration.keyValueWidth, configuration.keyValueWidth],
      of: input, observe, products)
    var (queries, keys) = (outputs[0], outputs[1])
    try normalizeHeads(of: &queries, by: .layer(layer, .queryNorm))
    try normalizeHeads(of: &keys, by: .layer(layer, .keyNorm))
    if configuration.rotates(layer: layer) {
      let frequencies = try RotaryFrequencies(model, layer: layer)
      Rotation(configuration, model.rowOrder, frequencies, kernels).apply(
        to: &queries, &keys, texts: texts, workers)
    }
    return attention(queries: queries, keys: keys, values: outputs[2], texts: &texts)
  }

  /// What attention adds to the residual stream.
  func attentionAddend(
    _ layer: Int, _ seen: Activations, _ products: ProductObserver
  ) throws(WeightmillError) -> Activations {
    let output = try product(layer, .attentionOutput, seen, products)
    return try finished(output, by: .layer(layer, .attentionOutputNorm))
  }

  /// The input of the feed-forward part.
  func feedForwardInput(
    _ layer: Int, _ hidden: Activations
  ) throws(WeightmillError) -> Activations {
    try normalizedIfNeeded(hidden, by: .layer(layer, .feedForwardNorm))
  }

  /// The input of the feed-forward part's last matrix.
  func gated(
    _ layer: Int, _ input: Activations, _ observe: InputObserver, _ products: ProductObserver
  ) throws(WeightmillError) -> Activations {
    let width = configuration.feedForwardSize
    let outputs = try self.products(
      layer, [.gate, .up], fused: .gateAndUp, [width, width], of: input, observe, products)
    let (gate, up) = (outputs[0], outputs[1])
    let activation =
      switch configuration.architecture.activation {
      case .silu: WEIGHTMILL_SILU
      case .gelu: WEIGHTMILL_GELU
      }
    forEachPanel(gate) { panel in
      unsafe weightmill_gate(
        kernels.mode, gate.address(panel: panel), up.address(panel: panel), gate.panelStride,
        activation)
    }
    return gate
  }

  /// What the feed-forward part adds to the residual stream.
  func feedForwardAddend(
    _ layer: Int, _ gated: Activations, _ products: ProductObserver
  ) throws(WeightmillError) -> Activations {
    let output = try product(layer, .down, gated, products)
    return try finished(output, by: .layer(layer, .feedForwardOutputNorm))
  }

  /// The addend of a layer's part to the residual stream: behind a norm if there is one, and scaled.
  private func finished(
    _ output: Activations, by role: TensorRole
  ) throws(WeightmillError) -> Activations {
    var result = try normalizedIfNeeded(output, by: role)
    scale(&result, by: configuration.scales.residual)
    return result
  }

  func add(_ term: Activations, to sum: inout Activations) {
    sum.makeUnique()
    let target = sum
    forEachPanel(target) { panel in
      unsafe weightmill_add(
        kernels.mode, target.address(panel: panel), term.address(panel: panel), term.panelStride)
    }
  }

  private func scale(_ vectors: inout Activations, by factor: Double) {
    guard factor != 1 else { return }
    vectors.makeUnique()
    let target = vectors
    forEachPanel(target) { panel in
      unsafe weightmill_scale(
        kernels.mode, target.address(panel: panel), target.panelStride, factor)
    }
  }

  /// The vectors behind a norm, or as they are if the model has no such norm.
  private func normalizedIfNeeded(
    _ hidden: Activations, by role: TensorRole
  ) throws(WeightmillError) -> Activations {
    model[role] == nil ? hidden : try normalized(hidden, by: role)
  }

  /// RMSNorm of each head of queries or keys, or of all heads together, if the model has it.
  private func normalizeHeads(
    of vectors: inout Activations, by role: TensorRole
  ) throws(WeightmillError) {
    guard model[role] != nil else { return }
    let gains = try model.vector(role)
    vectors.makeUnique()
    let target = vectors
    forEachPanel(target) { panel in
      for column in stride(from: 0, to: target.columns, by: gains.count) {
        let head = unsafe target.address(panel: panel, column: column)
        unsafe weightmill_norm(
          kernels.mode, head, gains.count, gains, configuration.normEpsilon, head)
      }
    }
  }

  /// RMSNorm: each vector over the root of its mean square, times the gains.
  private func normalized(
    _ hidden: Activations, by role: TensorRole
  ) throws(WeightmillError) -> Activations {
    let gains = try model.vector(role)
    precondition(gains.count == hidden.columns && hidden.precision == precision)
    let result = Activations(
      rows: hidden.rows, columns: hidden.columns, precision: precision, isZeroed: false)
    forEachPanel(hidden) { panel in
      unsafe weightmill_norm(
        kernels.mode, hidden.address(panel: panel), hidden.columns, gains,
        configuration.normEpsilon, result.address(panel: panel))
    }
    return result
  }

  private func forEachPanel(_ vectors: Activations, _ body: @Sendable (Int) -> Void) {
    workers.forEachPanel(vectors, body)
  }

  /// The products of matrices that share an input, whether they are apart or one matrix.
  ///
  /// - Parameters:
  ///   - layer: The layer.
  ///   - kinds: The matrices.
  ///   - fused: The matrix that they make, one below the other, in models that have it.
  ///   - heights: Their rows.
  ///   - input: The vectors.
  ///   - observe: Sees the matrices and their input.
  ///   - observer: Sees their products.
  /// - Returns: Vectors for each of the matrices, which nobody else has.
  /// - Throws: Reading errors, and what the observers throw.
  private func products(
    _ layer: Int, _ kinds: [TensorRole.LayerTensor], fused: TensorRole.LayerTensor,
    _ heights: [Int], of input: Activations, _ observe: InputObserver,
    _ observer: ProductObserver
  ) throws(WeightmillError) -> [Activations] {
    guard model[.layer(layer, fused)] != nil else {
      try observe(kinds.map { .layer(layer, $0) }, input)
      var outputs: [Activations] = []
      for kind in kinds { outputs.append(try product(layer, kind, input, observer)) }
      return outputs
    }
    try observe([.layer(layer, fused)], input)
    let whole = try product(layer, fused, input, observer)
    var first = 0
    return heights.map { height in
      defer { first += height }
      return whole.selecting(columns: first..<first + height)
    }
  }

  /// Each vector times the transposed weights, which somebody sees; then what is added to it.
  private func product(
    _ layer: Int, _ kind: TensorRole.LayerTensor, _ vectors: Activations,
    _ products: ProductObserver
  ) throws(WeightmillError) -> Activations {
    var output = try product(.layer(layer, kind), vectors)
    try products(.layer(layer, kind), output)
    guard let bias = kind.bias, model[.layer(layer, bias)] != nil else { return output }
    let terms = try model.vector(.layer(layer, bias))
    output.makeUnique()
    let target = output
    forEachPanel(target) { panel in
      unsafe weightmill_shift(kernels.mode, target.address(panel: panel), target.columns, terms)
    }
    return output
  }

  /// Each vector times the transposed weights.
  private func product(
    _ role: TensorRole, _ vectors: Activations, rows selection: Range<Int>? = nil
  ) throws(WeightmillError) -> Activations {
    let matrix = try WeightMatrix(role, of: model)
    precondition(vectors.columns == matrix.columns && vectors.precision == precision)
    let rows = selection ?? 0..<matrix.rows
    precondition((0..<matrix.rows).contains(rows))
    let output = Activations(
      rows: vectors.rows, columns: rows.count, precision: precision,
      isZeroed: vectors.rows <= Kernels.fewTokens)
    let height = tileHeight(rows: rows.count, tokens: vectors.rows)
    try workers.forEach(
      (rows.count + height - 1) / height,
      scratch: { (WeightMatrix.Tile(), TileProduct(kernels, tokens: vectors.rows)) }
    ) { (number, scratch) throws(WeightmillError) in
      let first = rows.lowerBound + number * height
      try matrix.read(first..<min(first + height, rows.upperBound), into: &scratch.0)
      let tile = scratch.0
      unsafe scratch.1.run(
        rows: tile.rows.count, vectors,
        into: output.address(panel: 0, column: number * height), stride: output.panelStride
      ) { part, columns, values in
        unsafe matrix.decode(
          first + part.lowerBound..<first + part.upperBound, columns: columns, of: tile,
          stride: Kernels.group, into: values)
      }
    }
    return output
  }

  /// Several tiles for each thread, so that none waits long for the last one.
  private func tileHeight(rows: Int, tokens: Int) -> Int {
    let block = kernels.blockRows(forTokens: tokens)
    let share = rows / (8 * workers.threads) / block * block
    return max(block, min(TileProduct.rows / block * block, share))
  }
}

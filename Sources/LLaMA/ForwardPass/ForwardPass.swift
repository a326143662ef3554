import Quantization
public import Tensors

/// A reference forward pass in float32 over any catalogue, one tile of weights at a time.
///
/// The pass is driven layer by layer from outside, so that two models can go in step:
///
///     var hidden = try pass.embed(tokens)
///     for layer in 0 ..< configuration.layerCount { try pass.apply(layer: layer, to: &hidden, …) }
///     let final = try pass.normalized(hidden)
///     let logits = try pass.logits(rows: 0 ..< 1000, of: final)
///
/// Memory is the activations, plus a tile of decoded weights for each thread. Results do not
/// depend on the number of threads.
public struct ForwardPass: Sendable {
  /// Sees what text sends into the matrices of a model: some matrices, and the input they share.
  public typealias InputObserver = ([TensorRole], Activations) throws(WeightmillError) -> Void

  /// How many float32 weights a tile holds, about.
  private static let tileSize = 1 << 17

  /// The model.
  public let model: LlamaModel
  let workers: Workers
  private var configuration: LlamaConfiguration { model.configuration }

  /// Prepares a pass.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - workers: The threads.
  public init(_ model: LlamaModel, workers: Workers) {
    self.model = model
    self.workers = workers
  }

  /// The embeddings of tokens.
  ///
  /// - Parameter tokens: Ids below the number of embedding rows.
  /// - Returns: `[tokens, hiddenSize]`.
  /// - Throws: `mismatch` for an id without a row; reading errors.
  public func embed(_ tokens: [Int]) throws(WeightmillError) -> Activations {
    let (index, tensor) = try weights(.tokenEmbedding)
    let decoder = try RowDecoder(tensor.type, location: model.catalogue.location)
    var hidden = Activations(rows: tokens.count, columns: configuration.hiddenSize)
    for (place, token) in tokens.enumerated() {
      guard (0..<tensor.shape.rows).contains(token) else {
        throw WeightmillError(
          .mismatch, model.catalogue.location,
          "has \(tensor.shape.rows) embedding rows, none for token \(token)",
          remedy: "use the model's own tokenizer")
      }
      let row = try decode(token..<token + 1, of: index, with: decoder)
      hidden.values.replaceSubrange(
        place * hidden.columns..<(place + 1) * hidden.columns, with: row)
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
  public func apply(
    layer: Int, to hidden: inout Activations, windows: [Range<Int>],
    observe: InputObserver = { _, _ in }
  ) throws(WeightmillError) {
    let attention = Attention(
      configuration: configuration, rowOrder: model.scheme.rowOrder, workers: workers)
    let input = try normalized(hidden, by: .layer(layer, .attentionNorm))
    try observe([.layer(layer, .query), .layer(layer, .key), .layer(layer, .value)], input)
    var queries = try product(.layer(layer, .query), input)
    var keys = try product(.layer(layer, .key), input)
    let values = try product(.layer(layer, .value), input)
    attention.rotate(&queries, heads: configuration.headCount, windows: windows)
    attention.rotate(&keys, heads: configuration.keyValueHeadCount, windows: windows)
    let seen = try attention(queries: queries, keys: keys, values: values, windows: windows)
    try observe([.layer(layer, .attentionOutput)], seen)
    hidden.add(try product(.layer(layer, .attentionOutput), seen))

    let middle = try normalized(hidden, by: .layer(layer, .feedForwardNorm))
    try observe([.layer(layer, .gate), .layer(layer, .up)], middle)
    var gate = try product(.layer(layer, .gate), middle)
    let up = try product(.layer(layer, .up), middle)
    for place in gate.values.indices {
      let value = gate.values[place]
      gate.values[place] = value / (1 + Elementary.exponential(-value)) * up.values[place]
    }
    try observe([.layer(layer, .down)], gate)
    hidden.add(try product(.layer(layer, .down), gate))
  }

  /// The residual stream after the last norm.
  ///
  /// - Parameter hidden: `[tokens, hiddenSize]` after the last layer.
  /// - Returns: `[tokens, hiddenSize]`.
  /// - Throws: Reading errors.
  public func normalized(_ hidden: Activations) throws(WeightmillError) -> Activations {
    try normalized(hidden, by: .outputNorm)
  }

  /// Some of the logits.
  ///
  /// - Parameters:
  ///   - rows: Ids of the vocabulary.
  ///   - hidden: `[tokens, hiddenSize]` after the last norm.
  /// - Returns: `[tokens, rows.count]`.
  /// - Throws: Reading errors.
  public func logits(
    rows: Range<Int>, of hidden: Activations
  ) throws(WeightmillError) -> Activations {
    try product(.output, hidden, rows: rows)
  }

  // MARK: Parts

  private func weights(
    _ role: TensorRole
  ) throws(WeightmillError) -> (index: Int, tensor: TensorDescriptor) {
    guard let index = model[role] else {
      throw WeightmillError(.internal, model.catalogue.location, "lacks a tensor that was checked")
    }
    return (index, model.catalogue.tensors[index])
  }

  private func decode(
    _ rows: Range<Int>, of index: Int, with decoder: RowDecoder
  ) throws(WeightmillError) -> [Float] {
    let bytes = try model.catalogue.bytes(rows: rows, ofTensor: index)
    let count = rows.count * model.catalogue.tensors[index].shape.columns
    var values = [Float](repeating: 0, count: count)
    decoder.decode(bytes, into: &values)
    return values
  }

  /// RMSNorm: each vector over the root of its mean square, times the gains.
  private func normalized(
    _ hidden: Activations, by role: TensorRole
  ) throws(WeightmillError) -> Activations {
    let (index, tensor) = try weights(role)
    let decoder = try RowDecoder(tensor.type, location: model.catalogue.location)
    let gains = try decode(0..<1, of: index, with: decoder)
    var result = hidden
    for row in 0..<hidden.rows {
      let range = row * hidden.columns..<(row + 1) * hidden.columns
      var sum = 0.0
      for place in range { sum += Double(hidden.values[place]) * Double(hidden.values[place]) }
      let mean = sum / Double(hidden.columns)
      let scale = Float(1 / (mean + configuration.normEpsilon).squareRoot())
      for place in range {
        result.values[place] = hidden.values[place] * scale * gains[place - range.lowerBound]
      }
    }
    return result
  }

  /// Each vector times the transposed weights.
  func product(
    _ role: TensorRole, _ vectors: Activations, rows selection: Range<Int>? = nil
  ) throws(WeightmillError) -> Activations {
    let (index, tensor) = try weights(role)
    let decoder = try RowDecoder(tensor.type, location: model.catalogue.location)
    let rows = selection ?? 0..<tensor.shape.rows
    let columns = tensor.shape.columns
    // Several tiles for each thread, so that none waits long for the last one.
    let share = (rows.count + 4 * workers.threads - 1) / (4 * workers.threads)
    let height = max(2, min(Self.tileSize / max(columns, 1), share))
    var output = Activations(rows: vectors.rows, columns: rows.count)
    try unsafe output.values.withUnsafeMutableBufferPointer { (target) throws(WeightmillError) in
      try unsafe vectors.values.withUnsafeBufferPointer { (source) throws(WeightmillError) in
        guard let to = target.baseAddress, let from = source.baseAddress else { return }
        let shared = unsafe SharedFloats(base: to)
        let input = unsafe SharedConstants(base: from)
        let tiles = (rows.count + height - 1) / height
        try workers.forEach(tiles, scratch: {}) { (tile, _) throws(WeightmillError) in
          let first = rows.lowerBound + tile * height
          let range = first..<min(first + height, rows.upperBound)
          let weights = try decode(range, of: index, with: decoder)
          unsafe weights.withUnsafeBufferPointer { weights in
            guard let base = weights.baseAddress else { return }
            unsafe Products.multiply(
              input.base, tokens: vectors.rows, base, rows: range.count, columns: columns,
              into: shared.base + (first - rows.lowerBound), stride: rows.count)
          }
        }
      }
    }
    return output
  }
}

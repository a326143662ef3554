import WeightmillLLaMA
import WeightmillTensors

/// A whole forward pass in plain Swift, the oracle of the one that is fast: binary64, one token after
/// the other, one number after the other, over tensors in Hugging Face's names and row order.
///
/// Source: the modelling code of transformers for each of the architectures.
struct PlainForwardPass {
  private let model: LlamaModel
  private let view: LlamaView
  private var configuration: LlamaConfiguration { model.configuration }

  init(_ model: LlamaModel) {
    self.model = model
    view = LlamaView(model, as: .huggingFace)
  }

  /// The logits of every token of a text.
  func logits(_ tokens: [Int]) throws -> [[Double]] {
    let embeddings = try matrix(.tokenEmbedding)
    var hidden = tokens.map { token in
      embeddings[token].map { $0 * configuration.scales.embedding }
    }
    for layer in 0..<configuration.layerCount {
      let seen = try attention(layer, hidden)
      for token in hidden.indices { add(seen[token], to: &hidden[token]) }
      let fed = try hidden.map { try feedForward(layer, $0) }
      for token in hidden.indices { add(fed[token], to: &hidden[token]) }
    }
    let output = model.tiesEmbeddings ? embeddings : try matrix(.output)
    let gains = try vector(.outputNorm)
    return hidden.map { state in
      product(output, norm(state, gains)).map {
        capped($0 / configuration.scales.logit, by: configuration.scales.logitCap)
      }
    }
  }

  /// c tanh(x / c), by another formula than the kernels have.
  private func capped(_ value: Double, by cap: Double?) -> Double {
    guard let cap else { return value }
    let (up, down) = (
      Elementary.exponential(value / cap), Elementary.exponential(-value / cap)
    )
    return cap * (up - down) / (up + down)
  }

  private func attention(_ layer: Int, _ hidden: [[Double]]) throws -> [[Double]] {
    let (heads, head) = (configuration.headCount, configuration.headDimension)
    let group = heads / configuration.keyValueHeadCount
    let scale = configuration.scales.attention ?? 1 / Double(head).squareRoot()
    var (queries, keys, values) = ([[Double]](), [[Double]](), [[Double]]())
    for (position, state) in hidden.enumerated() {
      let input = try normed(state, layer, .attentionNorm)
      let widths = [
        configuration.queryWidth, configuration.keyValueWidth, configuration.keyValueWidth,
      ]
      let parts = try linear(layer, [.query, .key, .value], fused: .queryKeyValue, widths, input)
      var (query, key) = (parts[0], parts[1])
      query = try headNorm(query, layer, .queryNorm)
      key = try headNorm(key, layer, .keyNorm)
      if configuration.architecture.unrotatedInterval.map({ (layer + 1) % $0 != 0 }) ?? true {
        query = try rotated(query, position, of: hidden.count, layer)
        key = try rotated(key, position, of: hidden.count, layer)
      }
      queries.append(query)
      keys.append(key)
      values.append(parts[2])
    }
    let window = Self.window(configuration, layer)
    return try hidden.indices.map { token in
      var seen: [Double] = []
      let others = (0...token).filter { token - $0 < window }
      for number in 0..<heads {
        let (own, shared) = (number * head, number / group * head)
        let scores = others.map { other in
          capped(
            (0..<head).reduce(0.0) { $0 + queries[token][own + $1] * keys[other][shared + $1] }
              * scale, by: configuration.scales.attentionCap)
        }
        let largest = scores.max() ?? 0
        let weights = scores.map { Elementary.exponential($0 - largest) }
        let sum = weights.reduce(0, +)
        for feature in 0..<head {
          seen.append(
            zip(others, weights).reduce(0.0) { $0 + $1.1 / sum * values[$1.0][shared + feature] })
        }
      }
      return try finished(
        try linear(layer, .attentionOutput, seen), layer, .attentionOutputNorm)
    }
  }

  private func feedForward(_ layer: Int, _ state: [Double]) throws -> [Double] {
    let input = try normed(state, layer, .feedForwardNorm)
    let width = configuration.feedForwardSize
    let parts = try linear(layer, [.gate, .up], fused: .gateAndUp, [width, width], input)
    let product = zip(parts[0], parts[1]).map { activated($0) * $1 }
    return try finished(try linear(layer, .down, product), layer, .feedForwardOutputNorm)
  }

  /// SiLU, or GELU as it is written down: with tanh.
  private func activated(_ value: Double) -> Double {
    switch configuration.architecture.activation {
    case .silu: return value / (1 + Elementary.exponential(-value))
    case .gelu:
      let inner = (2 / Double.pi).squareRoot() * (value + 0.044715 * value * value * value)
      return value / 2 * (1 + capped(inner, by: 1))
    }
  }

  /// How many tokens a token sees: Phi-3 has a window in all layers, Gemma 2 in each second one from
  /// the first on, Gemma 3 in all but each sixth.
  private static func window(_ configuration: LlamaConfiguration, _ layer: Int) -> Int {
    guard let window = configuration.window else { return .max }
    switch configuration.architecture.name {
    case "gemma2": return layer.isMultiple(of: 2) ? window : .max
    case "gemma3": return layer % 6 == 5 ? .max : window
    default: return window
    }
  }

  private func finished(
    _ output: [Double], _ layer: Int, _ kind: TensorRole.LayerTensor
  ) throws -> [Double] {
    try normed(output, layer, kind).map { $0 * configuration.scales.residual }
  }

  private func rotated(
    _ values: [Double], _ position: Int, of length: Int, _ layer: Int
  ) throws -> [Double] {
    let angles = try RotaryFrequencies(model)
    let (head, turned) = (configuration.headDimension, configuration.rotaryDimension)
    let half = turned / 2
    var (frequencies, magnitude) = (
      length > angles.limit ? angles.beyond : angles.values, angles.magnitude
    )
    if let base = configuration.localRopeBase, Self.window(configuration, layer) < .max {
      frequencies = (0..<half).map {
        Elementary.power(base, -Double(2 * $0) / Double(turned))
      }
      magnitude = 1
    }
    return values.indices.map { index in
      let (first, place) = (index / head * head, index % head)
      guard place < turned else { return values[index] }
      let angle = Double(position) * frequencies[place % half]
      let other = values[first + (place + half) % turned] * (place < half ? -1 : 1)
      return magnitude
        * (values[index] * Elementary.cosine(angle) + other * Elementary.sine(angle))
    }
  }

  // MARK: Parts

  private func add(_ term: [Double], to sum: inout [Double]) {
    for index in sum.indices { sum[index] += term[index] }
  }

  private func norm(_ values: [Double], _ gains: [Double]) -> [Double] {
    let mean = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
    let root = (mean + configuration.normEpsilon).squareRoot()
    // Gemma's files hold gains less one; the sum is binary32, as in GGUF files.
    let isLess = configuration.architecture.name.hasPrefix("gemma")
    return zip(values, gains).map { $0 / root * (isLess ? Double(Float($1) + 1) : $1) }
  }

  private func normed(
    _ values: [Double], _ layer: Int, _ kind: TensorRole.LayerTensor
  ) throws -> [Double] {
    model[.layer(layer, kind)] == nil ? values : norm(values, try vector(.layer(layer, kind)))
  }

  private func headNorm(
    _ values: [Double], _ layer: Int, _ kind: TensorRole.LayerTensor
  ) throws -> [Double] {
    guard model[.layer(layer, kind)] != nil else { return values }
    let gains = try vector(.layer(layer, kind))
    return stride(from: 0, to: values.count, by: gains.count).flatMap { first in
      norm(Array(values[first..<first + gains.count]), gains)
    }
  }

  private func product(_ matrix: [[Double]], _ vector: [Double]) -> [Double] {
    matrix.map { row in zip(row, vector).reduce(0) { $0 + $1.0 * $1.1 } }
  }

  /// The products of matrices that have the same input, which may be one matrix.
  private func linear(
    _ layer: Int, _ kinds: [TensorRole.LayerTensor], fused: TensorRole.LayerTensor,
    _ heights: [Int], _ input: [Double]
  ) throws -> [[Double]] {
    guard model[.layer(layer, fused)] != nil else {
      return try kinds.map { try linear(layer, $0, input) }
    }
    var rest = try linear(layer, fused, input)[...]
    return heights.map { height in
      defer { rest = rest.dropFirst(height) }
      return Array(rest.prefix(height))
    }
  }

  private func linear(
    _ layer: Int, _ kind: TensorRole.LayerTensor, _ input: [Double]
  ) throws -> [Double] {
    var output = product(try matrix(.layer(layer, kind)), input)
    if let bias = kind.bias, model[.layer(layer, bias)] != nil {
      add(try vector(.layer(layer, bias)), to: &output)
    }
    return output
  }

  private func vector(_ role: TensorRole) throws -> [Double] { try matrix(role)[0] }

  private func matrix(_ role: TensorRole) throws -> [[Double]] {
    let name = NamingScheme.huggingFace.name(of: role, in: model.architecture)
    guard let index = view.tensors.firstIndex(where: { $0.name == name }) else {
      throw WeightmillError(.internal, name, "is not there")
    }
    let shape = view.tensors[index].shape
    let bytes = try view.bytes(rows: 0..<shape.rows, ofTensor: index)
    let values = ScalarRows.values(bytes, as: view.tensors[index].type).map(Double.init)
    return (0..<shape.rows).map { Array(values[$0 * shape.columns..<($0 + 1) * shape.columns]) }
  }
}

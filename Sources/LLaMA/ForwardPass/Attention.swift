import Tensors

/// Causal attention with rotary positions and grouped heads, in float32.
///
/// Source: Touvron et al., "LLaMA"; Su et al., "RoFormer"; Ainslie et al., "GQA".
struct Attention: Sendable {
  let configuration: LlamaConfiguration
  let rowOrder: NamingScheme.RowOrder
  let workers: Workers

  /// Turns each pair of values of each head by its position's angle, in place.
  ///
  /// Angles are float32 products as in Hugging Face's implementation: position times
  /// `1 / base^(2i/d)`; positions count from the start of each window.
  func rotate(_ vectors: inout Activations, heads: Int, windows: [Range<Int>]) {
    let head = configuration.headDimension
    let half = head / 2
    let frequencies = (0..<half).map { place in
      Float(1 / Elementary.power(configuration.ropeBase, Double(2 * place) / Double(head)))
    }
    let longest = windows.map(\.count).max() ?? 0
    let turns = (0..<longest * half).map { place -> (cosine: Float, sine: Float) in
      let angle = Double(Float(place / half) * frequencies[place % half])
      return (Float(Elementary.cosine(angle)), Float(Elementary.sine(angle)))
    }
    let columns = vectors.columns
    for window in windows {
      for token in window {
        for place in 0..<half {
          let (cosine, sine) = turns[(token - window.lowerBound) * half + place]
          let (a, b) = rowOrder == .halves ? (place, place + half) : (2 * place, 2 * place + 1)
          for first in stride(from: token * columns, to: token * columns + heads * head, by: head) {
            let (x, y) = (vectors.values[first + a], vectors.values[first + b])
            vectors.values[first + a] = x * cosine - y * sine
            vectors.values[first + b] = y * cosine + x * sine
          }
        }
      }
    }
  }

  /// What each token takes from the tokens before it and from itself, in its own window.
  ///
  /// - Returns: `[tokens, queryWidth]`.
  func callAsFunction(
    queries: Activations, keys: Activations, values: Activations, windows: [Range<Int>]
  ) throws(WeightmillError) -> Activations {
    var output = Activations(rows: queries.rows, columns: configuration.queryWidth)
    let heads = configuration.headCount
    unsafe try output.values.withUnsafeMutableBufferPointer { (buffer) throws(WeightmillError) in
      guard let base = buffer.baseAddress else { return }
      let target = unsafe SharedFloats(base: base)
      try workers.forEach(windows.count * heads, scratch: { [Float]() }) {
        (piece, scores: inout [Float]) throws(WeightmillError) in
        unsafe attend(
          head: piece % heads, window: windows[piece / heads], queries, keys, values,
          scores: &scores, into: target)
      }
    }
    return output
  }

  private func attend(
    head: Int, window: Range<Int>, _ queries: Activations, _ keys: Activations,
    _ values: Activations, scores: inout [Float], into target: SharedFloats
  ) {
    let size = configuration.headDimension
    let scale = 1 / Float(size).squareRoot()
    let group = configuration.headCount / configuration.keyValueHeadCount
    let (q, k) = (head * size, head / group * size)
    scores = [Float](repeating: 0, count: window.count)
    unsafe queries.values.withUnsafeBufferPointer { queryBuffer in
      unsafe keys.values.withUnsafeBufferPointer { keyBuffer in
        unsafe values.values.withUnsafeBufferPointer { valueBuffer in
          guard let queryBase = queryBuffer.baseAddress, let keyBase = keyBuffer.baseAddress,
            let valueBase = valueBuffer.baseAddress
          else { return }
          for token in window {
            let query = unsafe queryBase + (token &* queries.columns &+ q)
            let seen = window.lowerBound...token
            for other in seen {
              let key = unsafe keyBase + (other &* keys.columns &+ k)
              scores[other - window.lowerBound] = unsafe Products.dot(query, key, size) * scale
            }
            Self.softmax(&scores, count: seen.count)
            let result = unsafe target.base + (token &* queries.columns &+ q)
            for other in seen {
              let value = unsafe valueBase + (other &* values.columns &+ k)
              unsafe Products.accumulate(
                value, scale: scores[other - window.lowerBound], into: result, size)
            }
          }
        }
      }
    }
  }

  private static func softmax(_ scores: inout [Float], count: Int) {
    var largest = scores[0]
    for place in 1..<max(count, 1) where scores[place] > largest { largest = scores[place] }
    var sum: Float = 0
    for place in 0..<count {
      scores[place] = Elementary.exponential(scores[place] - largest)
      sum += scores[place]
    }
    for place in 0..<count { scores[place] /= sum }
  }
}

import CWeightmillKernels

/// The keys and values of a text in one layer, laid out as the weights of products.
///
/// They lie in chunks of 256 tokens, or fewer where no more are expected. A key is a row of weights
/// with a column for each feature; a value is a column of weights with a row for each feature.
struct KeyValueCache: Sendable {
  private struct Chunk: Sendable {
    let capacity: Int
    var keys: PanelStorage
    var values: PanelStorage
  }

  private let kernels: Kernels
  private let heads: Int
  private let features: Int
  /// The number of tokens that are expected.
  private let capacity: Int
  /// The number of tokens that it holds.
  private(set) var count = 0
  private var chunks: [Chunk] = []

  init(_ configuration: LlamaConfiguration, _ kernels: Kernels, capacity: Int) {
    self.kernels = kernels
    heads = configuration.keyValueHeadCount
    features = configuration.headDimension
    self.capacity = capacity
  }

  /// Makes room for more tokens, which `store` must be called for.
  mutating func extend(by tokens: Int) {
    let block = kernels.blockRows
    let featureBlocks = (features + block - 1) / block
    for index in chunks.indices where (index + 1) * Kernels.group > count {
      if !isKnownUniquelyReferenced(&chunks[index].keys) {
        chunks[index].keys = PanelStorage(copying: chunks[index].keys)
      }
      if !isKnownUniquelyReferenced(&chunks[index].values) {
        chunks[index].values = PanelStorage(copying: chunks[index].values)
      }
    }
    count += tokens
    while chunks.count * Kernels.group < count {
      let left = max(capacity, count) - chunks.count * Kernels.group
      let size = min(Kernels.group, left)
      let keyBlocks = (size + block - 1) / block
      let scale = heads * block * kernels.precision.size
      chunks.append(
        Chunk(
          capacity: size,
          keys: PanelStorage(byteCount: keyBlocks * features * scale, isZeroed: true),
          values: PanelStorage(byteCount: featureBlocks * size * scale, isZeroed: true)))
    }
  }

  /// Forgets all tokens but the first.
  mutating func truncate(to count: Int) {
    self.count = min(self.count, count)
    chunks.removeLast(chunks.count - (self.count + Kernels.group - 1) / Kernels.group)
  }

  /// Takes what it holds, so that nobody else holds it.
  mutating func take() -> KeyValueCache {
    let taken = self
    truncate(to: 0)
    return taken
  }

  /// Stores one head of one token.
  ///
  /// - Parameters:
  ///   - position: The token's index in the text.
  ///   - head: A head of keys and values.
  ///   - key: The head's first feature; the others follow in steps of a panel's tokens.
  ///   - value: The same for the value.
  func store(
    position: Int, head: Int, key: UnsafeRawPointer, value: UnsafeRawPointer
  ) {
    let chunk = chunks[position / Kernels.group]
    let (block, size) = (kernels.blockRows, kernels.precision.size)
    let index = position % Kernels.group
    precondition(position < count && index < chunk.capacity && head < heads)
    let keyStart = keyOffset(head, of: chunk) + index / block * features * block + index % block
    unsafe weightmill_store(
      kernels.mode, key, features, 1, 0, chunk.keys.base + keyStart * size)
    let valueStart = valueOffset(head, of: chunk) + index * block
    unsafe weightmill_store(
      kernels.mode, value, features, 0, chunk.capacity * block,
      chunk.values.base + valueStart * size)
  }

  private func keyOffset(_ head: Int, of chunk: Chunk) -> Int {
    let block = kernels.blockRows
    return head * ((chunk.capacity + block - 1) / block) * features * block
  }

  private func valueOffset(_ head: Int, of chunk: Chunk) -> Int {
    let block = kernels.blockRows
    return head * ((features + block - 1) / block) * chunk.capacity * block
  }

  /// The products of a panel of queries with the first keys of a head: `[key][16 tokens]`.
  func scores(
    keys count: Int, head: Int, queries: UnsafeRawPointer, into scores: UnsafeMutableRawPointer
  ) {
    let (block, size) = (kernels.blockRows, kernels.precision.size)
    for first in stride(from: 0, to: count, by: Kernels.group) {
      let chunk = chunks[first / Kernels.group]
      unsafe weightmill_products(
        kernels.mode, chunk.keys.base + keyOffset(head, of: chunk) * size, features * block,
        min(count - first, Kernels.group), features, queries, 0, 1,
        scores + first * Kernels.tokens * size, 0, 0)
    }
  }

  /// The sums of the first values of a head, each times its weight: `[feature][16 tokens]`.
  func weighted(
    keys count: Int, head: Int, weights: UnsafeRawPointer, into sums: UnsafeMutableRawPointer
  ) {
    let (block, size) = (kernels.blockRows, kernels.precision.size)
    for first in stride(from: 0, to: count, by: Kernels.group) {
      let chunk = chunks[first / Kernels.group]
      unsafe weightmill_products(
        kernels.mode, chunk.values.base + valueOffset(head, of: chunk) * size,
        chunk.capacity * block, features, min(count - first, Kernels.group),
        weights + first * Kernels.tokens * size, 0, 1, sums, 0, first > 0 ? 1 : 0)
    }
  }
}

/// Some tokens of a pass that are the newest of a text.
struct AttendedText: Sendable {
  /// The text's tokens, by their indices in the pass.
  let tokens: Range<Int>
  /// The earlier tokens of the text, in the layer that is being applied; then all of them.
  var cache: KeyValueCache
  /// The first token's index in the text.
  let position: Int

  init(tokens: Range<Int>, cache: KeyValueCache) {
    self.tokens = tokens
    self.cache = cache
    position = cache.count
  }
}

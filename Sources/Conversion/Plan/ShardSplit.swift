import WeightmillTensors

/// The cuts of a GGUF file into several: between tensors, which stay in their order.
public enum ShardSplit: Sendable, Equatable {
  /// A file ends before the tensor with which it would hold more bytes of tensors. One that alone is
  /// larger gets a file to itself.
  case maximumSize(Int)
  /// A file holds so many tensors, the last one what is left.
  case maximumTensors(Int)
  /// So many files of about the same size.
  case count(Int)

  /// How many files a model may be split into: as many as Weightmill reads.
  static let maximumCount = 1000

  /// Chooses the file of each tensor.
  ///
  /// The rule of sizes is llama-gguf-split's: it counts bytes of tensors, each filled up to a multiple
  /// of 32, not headers.
  ///
  /// - Parameters:
  ///   - sizes: The bytes of each tensor, in order.
  ///   - path: The output, for messages.
  /// - Returns: For each tensor the number of its file, from 0.
  /// - Throws: `usage` when there would be more files than a model may have, or than tensors.
  func shards(of sizes: [Int], path: String) throws(WeightmillError) -> [Int] {
    let padded = sizes.map { ($0 + 31) / 32 * 32 }
    let shards =
      switch self {
      case .maximumSize(let limit): Self.filled(padded, limit)
      case .maximumTensors(let limit): padded.indices.map { $0 / max(limit, 1) }
      case .count(let count): Self.even(padded, count)
      }
    let count = (shards.last ?? 0) + 1
    if case .count(let wanted) = self, count != wanted || wanted > sizes.count {
      throw WeightmillError(
        .usage, path, "cannot be cut into \(wanted) files: it has \(sizes.count) tensors",
        remedy: "ask for fewer parts")
    }
    try Self.check(count, path: path)
    return shards
  }

  /// Refuses more files than a model may have.
  static func check(_ count: Int, path: String) throws(WeightmillError) {
    guard count <= maximumCount else {
      throw WeightmillError(
        .usage, path, "would be \(count) files; at most \(maximumCount) are read again",
        remedy: "allow larger files")
    }
  }

  private static func filled(_ sizes: [Int], _ limit: Int) -> [Int] {
    var (shard, sum) = (0, 0)
    return sizes.enumerated().map { index, size in
      if index > 0, sum + size > limit { (shard, sum) = (shard + 1, 0) }
      sum += size
      return shard
    }
  }

  /// Cuts where the sum passes a multiple of the mean, and leaves at least a tensor for each file.
  private static func even(_ sizes: [Int], _ count: Int) -> [Int] {
    let total = sizes.reduce(0, +)
    var (shard, sum) = (0, 0)
    return sizes.enumerated().map { index, size in
      let isDue = Double(sum) + Double(size) / 2 > Double(total) / Double(count) * Double(shard + 1)
      let isLast = sizes.count - index <= count - 1 - shard
      if index > 0, shard < count - 1, isDue || isLast { shard += 1 }
      sum += size
      return shard
    }
  }
}

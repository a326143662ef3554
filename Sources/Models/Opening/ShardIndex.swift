import WeightmillLLaMA
import WeightmillStrictJSON
package import WeightmillTensors

/// A Hugging Face `*.index.json`: which shard holds which tensor.
package struct ShardIndex {
  let path: String
  /// The shards' names, sorted.
  package let shards: [String]
  private let shardOfTensor: [TensorName: String]

  package init(path: String, fileExtension: String) throws(WeightmillError) {
    self.path = path
    guard let map = try TextInput.json(path).object?["weight_map"]?.object else {
      throw WeightmillError(.malformed, path, "has no \"weight_map\"")
    }
    var shards: Set<String> = []
    var shardOfTensor: [TensorName: String] = [:]
    for member in map.members {
      guard let shard = member.value.string else {
        throw WeightmillError(
          .malformed, path, "the shard of tensor \(quoted(member.name)) is not a name")
      }
      try Self.check(shard, fileExtension: fileExtension, path: path)
      shards.insert(shard)
      shardOfTensor[TensorName(member.name)] = shard
    }
    guard !shards.isEmpty else { throw WeightmillError(.malformed, path, "names no shards") }
    self.shards = shards.sorted()
    self.shardOfTensor = shardOfTensor
  }

  /// A shard's name is a plain file name with the index's extension (rule IX-02).
  private static func check(
    _ shard: String, fileExtension: String, path: String
  ) throws(WeightmillError) {
    let isPlain = shard.utf8.allSatisfy { byte in
      byte > 0x20 && byte < 0x7F
        && ![0x22, 0x2A, 0x2F, 0x3A, 0x3C, 0x3E, 0x3F, 0x5C, 0x7C].contains(byte)
    }
    guard isPlain, shard.hasSuffix(fileExtension), !shard.hasPrefix("."), shard.utf8.count <= 255
    else {
      throw WeightmillError(
        .refused, path, "names the shard \(quoted(shard)), which is not a plain file name",
        remedy: "shards lie beside their index")
    }
  }

  /// Checks that each tensor the index names is in its shard, and none is in two.
  ///
  /// - Returns: Notes on tensors that the index does not name.
  package func check(_ parts: [(shard: String, catalogue: any Catalogue)]) throws(WeightmillError)
    -> [String]
  {
    var found: Set<TensorName> = []
    var notes: [String] = []
    for (shard, catalogue) in parts {
      for tensor in catalogue.tensors {
        let name = TensorName(tensor.name)
        guard found.insert(name).inserted else {
          throw WeightmillError(
            .malformed, catalogue.location, "repeats tensor \(quoted(tensor.name)) of another shard"
          )
        }
        switch shardOfTensor[name] {
        case shard?: break
        case nil: notes.append("tensor \(quoted(tensor.name)) of \(shard) is not in the index")
        case let other?:
          throw WeightmillError(
            .malformed, catalogue.location,
            "holds tensor \(quoted(tensor.name)), which the index places in \(other)")
        }
      }
    }
    let missing = shardOfTensor.keys.filter { !found.contains($0) }.map(\.text).sorted()
    guard missing.isEmpty else {
      throw WeightmillError(
        .mismatch, path,
        "names tensors that are in no shard: "
          + TensorFault.summary(missing.map { TensorFault($0, "is missing") }),
        remedy: "fetch the shards again")
    }
    return notes
  }
}

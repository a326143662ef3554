import WeightmillDigests
package import WeightmillLLaMA
import WeightmillModels
import WeightmillQuantization
package import WeightmillTensors

/// A digest by which a model is known again.
package enum ModelDigest {
  /// How many values of a tensor's first row are looked at.
  private static let looked = 64

  /// The digest of a model's tensors: names, shapes and the first values of each matrix, in any type that
  /// holds them.
  ///
  /// - Parameter model: The model.
  /// - Returns: The first half of the digits of a SHA-256: nobody has a reason to forge it.
  /// - Throws: Reading errors.
  package static func of(_ model: LlamaModel) throws(WeightmillError) -> String {
    var hash = SHA256()
    for (index, tensor) in model.catalogue.tensors.enumerated()
    where tensor.shape.extents.count == 2 && tensor.shape.count > 0 {
      hash.update(Array("\(tensor.name) \(tensor.shape.rows) \(tensor.shape.columns)\n".utf8))
      let stored = try model.catalogue.bytes(rows: 0..<1, ofTensor: index)
      var values = [Float](repeating: 0, count: tensor.shape.columns)
      try RowDecoder(tensor.type, location: model.catalogue.location).decode(
        stored, into: &values)
      hash.update(ImatrixValues.encode(Array(values.prefix(looked))))
    }
    return String(hash.hexadecimal.prefix(32))
  }
}

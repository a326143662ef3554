import LLaMA
import StrictJSON
public import Tensors

/// Digests that were written down earlier, to compare with.
public struct DigestManifest: Sendable {
  private let path: String
  private let digests: [TensorName: (dtype: String, shape: [Int], sha256: String)]

  /// Reads what `weightmill hash --json` prints.
  ///
  /// - Parameter path: The file.
  /// - Throws: `noInput`, or `malformed` when it is something else.
  public init(path: String) throws(WeightmillError) {
    self.path = path
    let malformed = WeightmillError(
      .malformed, path, "is no list of digests", remedy: "make one with `weightmill hash --json`")
    guard
      let tensors = try JSONParser.parse(path: path, limit: 100_000_000).object?["tensors"]?.array
    else { throw malformed }
    var digests: [TensorName: (dtype: String, shape: [Int], sha256: String)] = [:]
    for tensor in tensors {
      guard let object = tensor.object, let name = object["name"]?.string,
        let dtype = object["dtype"]?.string, let shape = object["shape"]?.array,
        let sha256 = object["sha256"]?.string, case let extents = shape.compactMap(\.integer),
        extents.count == shape.count, digests[TensorName(name)] == nil
      else { throw malformed }
      digests[TensorName(name)] = (dtype, extents, sha256.lowercased())
    }
    self.digests = digests
  }

  /// Compares digests with those of the manifest.
  ///
  /// - Parameter found: The digests of a checkpoint.
  /// - Throws: `mismatch`, naming every tensor that differs, is missing or is not in the manifest.
  public func check(_ found: [TensorDigest]) throws(WeightmillError) {
    var faults: [TensorFault] = []
    var seen: Set<TensorName> = []
    for digest in found {
      seen.insert(TensorName(digest.name))
      guard let expected = digests[TensorName(digest.name)] else {
        faults.append(TensorFault(digest.name, "is not in the list"))
        continue
      }
      if expected.dtype != digest.dtype || expected.shape != digest.shape {
        faults.append(
          TensorFault(
            digest.name,
            "is \(digest.dtype) \(digest.shape), not \(expected.dtype) \(expected.shape)"))
      } else if expected.sha256 != digest.sha256 {
        faults.append(TensorFault(digest.name, "holds other values"))
      }
    }
    for name in digests.keys.map(\.text).sorted() where !seen.contains(TensorName(name)) {
      faults.append(TensorFault(name, "is missing"))
    }
    guard faults.isEmpty else {
      throw WeightmillError(.mismatch, path, "does not agree: \(TensorFault.summary(faults))")
    }
  }
}

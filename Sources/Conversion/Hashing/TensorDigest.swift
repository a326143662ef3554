internal import Synchronization
internal import WeightmillDigests
import WeightmillLLaMA
import WeightmillStrictJSON
package import WeightmillTensors

/// The SHA-256 of a tensor's values, whatever file they are in.
///
/// Values are hashed row-major, little endian, in the tensor's own type; blocks as they are stored.
/// The same weights give the same digests in a PyTorch file, in safetensors and in shards.
package struct TensorDigest: Codable, Equatable, Sendable {
  /// The tensor's name.
  package let name: String
  /// The type, as safetensors and ggml spell it.
  package let dtype: String
  /// The extents, outermost first.
  package let shape: [Int]
  /// SHA-256 in hexadecimal.
  package let sha256: String

  /// About how many bytes are read at a time.
  private static let tileBytes = 4 << 20
  /// A row is read at once; those of the largest models take less than 1 MB.
  private static let maximumRowBytes = 256 << 20

  /// Hashes every tensor of a catalogue.
  ///
  /// - Parameters:
  ///   - catalogue: The tensors.
  ///   - workers: The threads; each hashes one tensor at a time.
  ///   - cancellation: A way to stop.
  ///   - progress: Called, from any thread, with the bytes hashed so far.
  /// - Returns: The digests in the order of the catalogue.
  /// - Throws: Reading errors, `interrupted`.
  package static func all(
    of catalogue: any Catalogue, workers: Workers, cancellation: Cancellation = Cancellation(),
    progress: @escaping @Sendable (Int) -> Void = { _ in }
  ) throws(WeightmillError) -> [TensorDigest] {
    let digests = Mutex([TensorDigest?](repeating: nil, count: catalogue.tensors.count))
    let done = Atomic<Int>(0)
    try workers.forEach(catalogue.tensors.count, scratch: { [UInt8]() }) {
      (index, buffer: inout [UInt8]) throws(WeightmillError) in
      let tensor = catalogue.tensors[index]
      guard tensor.bytesPerRow <= maximumRowBytes || tensor.shape.isEmpty else {
        throw WeightmillError(
          .unsupported, catalogue.location,
          "tensor \(quoted(tensor.name)) has rows of \(tensor.bytesPerRow) bytes")
      }
      var hash = SHA256()
      let height = max(1, tileBytes / max(tensor.bytesPerRow, 1))
      for first in stride(from: 0, to: tensor.shape.isEmpty ? 0 : tensor.shape.rows, by: height) {
        try cancellation.check(catalogue.location, "hashed")
        let rows = first..<min(first + height, tensor.shape.rows)
        let count = rows.count * tensor.bytesPerRow
        if buffer.count != count { buffer = [UInt8](repeating: 0, count: count) }
        try buffer.withMutableBytes { (span) throws(WeightmillError) in
          try catalogue.read(rows: rows, ofTensor: index, into: &span, at: 0)
        }
        hash.update(buffer)
        progress(done.wrappingAdd(count, ordering: .relaxed).newValue)
      }
      let digest = TensorDigest(tensor, hash.hexadecimal)
      digests.withLock { $0[index] = digest }
    }
    return digests.withLock { $0.compactMap { $0 } }
  }

  private init(_ tensor: TensorDescriptor, _ sha256: String) {
    name = tensor.name
    dtype = tensor.type.name
    shape = tensor.shape.extents
    self.sha256 = sha256
  }
}

/// Digests that were written down earlier, to compare with.
package struct DigestManifest: Sendable {
  private let path: String
  private let digests: [TensorName: (dtype: String, shape: [Int], sha256: String)]

  /// Reads what `weightmill hash --json` prints.
  ///
  /// - Parameter path: The file.
  /// - Throws: `noInput`, or `malformed` when it is something else.
  package init(path: String) throws(WeightmillError) {
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
  package func check(_ found: [TensorDigest]) throws(WeightmillError) {
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

import Synchronization
import WeightmillLLaMA
import WeightmillQuantization
import WeightmillTensors

/// A model some of whose matrices are quantized, in memory.
struct EncodedModel: Catalogue {
  let location: String
  let tensors: [TensorDescriptor]
  private let source: any Catalogue
  private let encoded: [Int: [UInt8]]

  /// Puts quantized matrices in the place of a model's.
  ///
  /// - Parameters:
  ///   - source: The model.
  ///   - matrices: The matrices, by their index in it.
  init(_ source: any Catalogue, with matrices: [Int: EncodedMatrix]) {
    self.source = source
    location = source.location
    tensors = source.tensors.enumerated().map { matrices[$0.offset]?.tensor ?? $0.element }
    encoded = matrices.mapValues(\.bytes)
  }

  func readingOrdinal(ofTensor index: Int) -> Int { source.readingOrdinal(ofTensor: index) }

  func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    guard let stored = encoded[index] else {
      return try source.read(rows: rows, ofTensor: index, into: &bytes, at: offset)
    }
    let tensor = tensors[index]
    let size = tensor.shape.columns / tensor.type.valuesPerBlock * tensor.type.bytesPerBlock
    bytes.copy(stored, from: rows.lowerBound * size, count: rows.count * size, to: offset)
  }
}

/// A quantized matrix.
struct EncodedMatrix: Sendable {
  let tensor: TensorDescriptor
  let bytes: [UInt8]
}

/// Quantizes matrices of a model as `quantize` does, for what text makes of them.
struct MatrixEncoder: Sendable {
  /// How many values are encoded at a time.
  private static let values = 1 << 18

  let model: LlamaModel
  /// What guides the encoders; by the names of GGUF files.
  let importance: ImportanceMatrix?
  let workers: Workers

  /// A matrix in another type.
  ///
  /// - Parameters:
  ///   - role: The matrix.
  ///   - type: A type whose blocks fit its rows.
  /// - Returns: Its index in the model and what it becomes; `nil` if the type cannot hold its values.
  /// - Throws: `malformed` for values that are not finite; `mismatch` for importance of another model;
  ///   reading errors.
  func encode(
    _ role: TensorRole, to type: TensorType
  ) throws(WeightmillError) -> (index: Int, matrix: EncodedMatrix)? {
    guard let index = model[role] else {
      throw WeightmillError(.internal, location, "lacks a tensor that was checked")
    }
    let tensor = model.catalogue.tensors[index]
    let (rows, columns) = (tensor.shape.rows, tensor.shape.columns)
    let entry = importance?.entries[TensorName(tensor.name)]
    let encoder = try RowEncoder(
      type, guide: entry.map { .importance($0.weights) } ?? .none, columns: columns,
      location: location)
    let height = max(1, Self.values / max(1, columns))
    let size = columns / type.valuesPerBlock * type.bytesPerBlock
    let pieces = Mutex([[UInt8]](repeating: [], count: (rows + height - 1) / height))
    let overflowed = Atomic<Bool>(false)
    try workers.forEach((rows + height - 1) / height, scratch: {}) {
      (piece, _) throws(WeightmillError) in
      let range = piece * height..<min((piece + 1) * height, rows)
      let values = try model.catalogue.finiteValues(rows: range, ofTensor: index)
      var bytes = [UInt8](repeating: 0, count: range.count * size)
      if encoder.encode(values, into: &bytes).overflowed > 0 {
        overflowed.store(true, ordering: .relaxed)
      }
      pieces.withLock { $0[piece] = bytes }
    }
    guard !overflowed.load(ordering: .relaxed) else { return nil }
    return (
      index,
      EncodedMatrix(
        tensor: TensorDescriptor(name: tensor.name, type: type, shape: tensor.shape),
        bytes: pieces.withLock { Array($0.joined()) })
    )
  }

  /// The model with some matrices quantized.
  ///
  /// - Parameter matrices: The matrices, by their index in the model.
  /// - Returns: A pass through it.
  /// - Throws: `mismatch`, never for matrices of this model.
  func pass(with matrices: [Int: EncodedMatrix]) throws(WeightmillError) -> ForwardPass {
    ForwardPass(
      try LlamaModel(
        catalogue: EncodedModel(model.catalogue, with: matrices),
        configuration: model.configuration, scheme: model.scheme), workers: workers)
  }

  private var location: String { model.catalogue.location }
}

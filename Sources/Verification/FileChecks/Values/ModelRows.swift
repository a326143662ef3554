import WeightmillLLaMA
import WeightmillQuantization
import WeightmillTensors

/// A model's tensors by what they are for, in GGUF's names and row order, as float32 values.
struct ModelRows: Sendable {
  /// The model.
  let model: LlamaModel
  private let view: LlamaView
  private let indices: [TensorRole: Int]

  /// Views a model.
  init(_ model: LlamaModel) {
    self.model = model
    view = LlamaView(model, as: .gguf)
    indices = Dictionary(
      uniqueKeysWithValues: model.roles.enumerated().map { ($0.element, $0.offset) })
  }

  /// Where messages say the tensors are.
  var location: String { view.location }

  /// The index of a tensor; of a model without an output matrix, the embeddings take its place.
  private func index(of role: TensorRole) -> Int? {
    indices[role] ?? (role == .output ? indices[.tokenEmbedding] : nil)
  }

  /// The description of a tensor, under its name in GGUF files.
  func tensor(_ role: TensorRole) -> TensorDescriptor? { index(of: role).map { view.tensors[$0] } }

  /// Reads rows.
  ///
  /// - Parameters:
  ///   - rows: The rows, within the tensor.
  ///   - role: The tensor, which must be there.
  ///   - buffers: Where to leave the values; reused from call to call.
  /// - Throws: The errors of reading; `unsupported` for types that are no weights; `internal` when
  ///   there is no such tensor.
  func read(
    _ rows: Range<Int>, of role: TensorRole, into buffers: inout RowBuffers
  ) throws(WeightmillError) {
    guard let index = index(of: role) else {
      throw WeightmillError(.internal, location, "lacks a tensor that was checked")
    }
    let tensor = view.tensors[index]
    let decoder = try RowDecoder(tensor.type, location: location)
    buffers.reserve(
      bytes: rows.count * tensor.bytesPerRow, values: rows.count * tensor.shape.columns)
    try buffers.bytes.withMutableBytes { (span) throws(WeightmillError) in
      try view.read(rows: rows, ofTensor: index, into: &span, at: 0)
    }
    decoder.decode(buffers.bytes, into: &buffers.values)
  }

  /// One row.
  func row(_ row: Int, of role: TensorRole) throws(WeightmillError) -> [Float] {
    var buffers = RowBuffers()
    try read(row..<row + 1, of: role, into: &buffers)
    return buffers.values
  }
}

/// Stored rows and what they decode to.
struct RowBuffers {
  fileprivate(set) var bytes: [UInt8] = []
  fileprivate(set) var values: [Float] = []

  fileprivate mutating func reserve(bytes byteCount: Int, values valueCount: Int) {
    if bytes.count != byteCount { bytes = [UInt8](repeating: 0, count: byteCount) }
    if values.count != valueCount { values = [Float](repeating: 0, count: valueCount) }
  }
}

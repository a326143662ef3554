package import WeightmillLLaMA
package import WeightmillTensors

/// A LLaMA model's tensors as a checkpoint in Hugging Face's layout has them, whatever file they are
/// in: its names, its order of rows, and vectors in the type of the matrices.
///
/// A GGUF file of F16 matrices has the gains of norms in F32. They are narrowed again where that
/// loses nothing: where every value is one of the narrower type.
package struct CheckpointForm: Catalogue {
  /// Vectors longer than this keep their type; those of the largest models have 64 kB.
  private static let maximumVectorBytes = 16 << 20

  /// The model's file or folder.
  package let location: String
  /// The tensors in Hugging Face's names and row order.
  package let tensors: [TensorDescriptor]
  /// Notes for the user.
  package let notes: [String]
  private let view: LlamaView

  /// Views a model, and reads its vectors.
  ///
  /// - Parameter model: The model.
  /// - Throws: `unsupported` when it is quantized; reading errors.
  package init(_ model: LlamaModel) throws(WeightmillError) {
    view = LlamaView(model, as: .huggingFace)
    location = view.location
    try Self.check(model, view)
    var notes: [String] = []
    let left = model.catalogue.tensors.count - model.roles.count
    if left > 0 {
      notes.append(
        "\(left) tensors of rotary frequencies are left out; they follow from the configuration")
    }
    let types = Set(view.tensors.filter { !Self.isVector($0) }.map(\.type))
    var tensors: [TensorDescriptor] = []
    var (narrowed, kept) = ([TensorFault](), [TensorFault]())
    for (index, tensor) in view.tensors.enumerated() {
      guard Self.isVector(tensor), tensor.type == .f32, let type = types.first, type != .f32 else {
        tensors.append(tensor)
        continue
      }
      let fits = types.count == 1 ? try Self.narrow(index, of: view, to: type) != nil : false
      tensors.append(
        TensorDescriptor(name: tensor.name, type: fits ? type : .f32, shape: tensor.shape))
      if fits {
        narrowed.append(TensorFault(tensor.name, ""))
      } else {
        kept.append(TensorFault(tensor.name, ""))
      }
    }
    if let type = types.first, !narrowed.isEmpty {
      notes.append(
        "\(narrowed.count) F32 vectors are taken as \(type.name), the matrices' type, of which "
          + "every value is one")
    }
    if !kept.isEmpty {
      notes.append(
        "F32 stays, as values are none of the matrices' type: \(TensorFault.summary(kept))")
    }
    self.tensors = tensors
    self.notes = notes
  }

  /// Refuses what cannot be a checkpoint's.
  private static func check(_ model: LlamaModel, _ view: LlamaView) throws(WeightmillError) {
    guard model.gainOffset == model.architecture.gainOffsets[.huggingFace] ?? 0 else {
      throw WeightmillError(
        .unsupported, view.location,
        "holds gains of norms plus one, of which a checkpoint's cannot be had bit for bit",
        remedy: "see how values differ with `weightmill compare`")
    }
    guard !model.architecture.fusesQueriesInGGUFOnly else {
      throw WeightmillError(
        .unsupported, view.location,
        "has queries, keys and values in one matrix, which no checkpoint of its kind has",
        remedy: "convert the checkpoint without fusing them")
    }
    guard let quantized = view.tensors.first(where: { !$0.type.isFloat }) else { return }
    throw WeightmillError(
      .unsupported, view.location,
      "is quantized: tensor \(quoted(quantized.name)) is \(quantized.type.name), whose digest "
        + "cannot be a checkpoint's",
      remedy: "start from the F16 file, or see how values differ with `weightmill compare`")
  }

  private static func isVector(_ tensor: TensorDescriptor) -> Bool {
    tensor.shape.extents.count == 1
  }

  /// A vector's bytes in a narrower type; `nil` when a value is not one of it.
  private static func narrow(
    _ index: Int, of view: LlamaView, to type: TensorType
  ) throws(WeightmillError) -> [UInt8]? {
    guard view.tensors[index].byteCount <= maximumVectorBytes else { return nil }
    let bytes = try view.bytes(rows: 0..<1, ofTensor: index)
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count / 2)
    for start in stride(from: 0, to: bytes.count - 3, by: 4) {
      let pattern = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << (8 * UInt32($1)) }
      let bits: UInt16
      let back: Float
      switch type {
      case .f16:
        bits = Binary16.bits(Float(bitPattern: pattern))
        back = Binary16.float(bits)
      case .bf16:
        bits = BFloat16.bits(Float(bitPattern: pattern))
        back = BFloat16.float(bits)
      default: return nil
      }
      guard back.bitPattern == pattern else { return nil }
      result.append(UInt8(truncatingIfNeeded: bits))
      result.append(UInt8(truncatingIfNeeded: bits >> 8))
    }
    return result
  }

  /// The ordinal of the tensor it comes from.
  package func readingOrdinal(ofTensor index: Int) -> Int { view.readingOrdinal(ofTensor: index) }

  /// Reads rows, narrowed where the vector is.
  package func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    guard tensors[index].type != view.tensors[index].type, !rows.isEmpty else {
      return try view.read(rows: rows, ofTensor: index, into: &bytes, at: offset)
    }
    guard let vector = try Self.narrow(index, of: view, to: tensors[index].type) else {
      throw WeightmillError(
        .inputOutput, location, "has changed since it was opened",
        remedy: "let nothing write to it, and try again")
    }
    bytes.copy(vector, from: 0, count: vector.count, to: offset)
  }
}

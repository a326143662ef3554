import WeightmillLLaMA
import WeightmillTensors

/// The tensors of a GGUF adapter, with the rows of B for queries and keys in Hugging Face's order.
struct UnpermutedAdapter: Catalogue {
  private let base: any Catalogue
  /// The tensors whose rows change places.
  private let rotated: Set<Int>
  private let permutation: RowPermutation

  /// Views an adapter.
  ///
  /// - Parameters:
  ///   - base: The tensors of the file.
  ///   - configuration: The sizes of the model that it is for.
  init(_ base: any Catalogue, _ configuration: LlamaConfiguration) {
    self.base = base
    let (scheme, architecture) = (NamingScheme.gguf, configuration.architecture)
    permutation = RowPermutation(head: configuration.headDimension, to: .halves)
    guard scheme.rowOrder(of: architecture) != .halves else {
      rotated = []
      return
    }
    rotated = Set(
      base.tensors.indices.filter { index in
        let tensor = base.tensors[index]
        guard let name = AdapterTensorName(gguf: tensor.name), name.part == .b,
          tensor.shape.rows.isMultiple(of: configuration.headDimension)
        else { return false }
        return scheme.role(of: name.module + ".weight", in: architecture)?.isRotated == true
      })
  }

  var location: String { base.location }

  var tensors: [TensorDescriptor] { base.tensors }

  func readingOrdinal(ofTensor index: Int) -> Int { base.readingOrdinal(ofTensor: index) }

  func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    try base.read(
      rows: rows, ofTensor: index, permutedBy: rotated.contains(index) ? permutation : nil,
      into: &bytes, at: offset)
  }
}

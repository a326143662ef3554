import Weightmill

/// The first example on the page of `Catalogue`.
func readRows() throws(WeightmillError) {
  // A file or folder of any kind. Only headers are read.
  let checkpoint = try Checkpoint(path: "fixtures/mini-ziya/base-meta")
  let catalogue = checkpoint.catalogue
  for tensor in catalogue.tensors { print(tensor.name, tensor.shape, tensor.type.name) }

  // Two rows of one tensor: bytes in its own type, then float32 numbers.
  guard let index = try TensorIndex(catalogue)["tok_embeddings.weight"] else { return }
  let tensor = catalogue.tensors[index]
  let bytes = try catalogue.bytes(rows: 0..<2, ofTensor: index)
  var values = [Float](repeating: 0, count: 2 * tensor.shape.columns)
  try RowDecoder(tensor.type, location: catalogue.location).decode(bytes, into: &values)
  print(values.prefix(4))
}

/// The second example on the page of `Catalogue`.
struct Matrices: Catalogue {
  let location: String
  let tensors: [TensorDescriptor]
  private let base: any Catalogue
  private let indices: [Int]

  init(of base: any Catalogue) {
    self.base = base
    location = base.location
    indices = base.tensors.indices.filter { base.tensors[$0].shape.extents.count > 1 }
    tensors = indices.map { base.tensors[$0] }
  }

  func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    try base.read(rows: rows, ofTensor: indices[index], into: &bytes, at: offset)
  }
}

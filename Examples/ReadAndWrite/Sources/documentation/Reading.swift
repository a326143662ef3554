import Weightmill

/// The examples of the article "Read a checkpoint".
func readACheckpoint() throws(WeightmillError) {
  let checkpoint = try Checkpoint(path: "fixtures/mini-ziya/base-meta")
  print(checkpoint.layout.rawValue)
  for note in checkpoint.notes { print("note:", note) }

  let model = try ModelLoader.load(
    "fixtures/mini-ziya/base-meta", delta: "fixtures/mini-ziya/delta")
  let configuration = model.llama.configuration
  print(configuration.layerCount, configuration.vocabularyRows)
  if let tokenizer = model.tokenizer {
    let ids = try tokenizer.encode("深度学习")
    print(ids, try tokenizer.decode(ids))
  }
  for tensor in model.llama.catalogue.tensors {
    print(tensor.name, try largest(of: tensor, in: model))
  }

  do throws(WeightmillError) {
    _ = try Checkpoint(path: "fixtures/mini-ziya/expected/eval-en.txt")
  } catch {
    print(error.code, error)
  }
}

/// The largest magnitude of a tensor, read by as many rows as fit into 64 Ki numbers.
func largest(
  of tensor: TensorDescriptor, in model: LoadedModel
) throws(WeightmillError) -> Float {
  let catalogue = model.llama.catalogue
  guard let index = try TensorIndex(catalogue)[tensor.name] else { return 0 }
  let decoder = try RowDecoder(tensor.type, location: catalogue.location)
  let step = max(1, (1 << 16) / max(1, tensor.shape.columns))
  var largest: Float = 0
  for first in stride(from: 0, to: tensor.shape.rows, by: step) {
    let rows = first..<min(first + step, tensor.shape.rows)
    var values = [Float](repeating: 0, count: rows.count * tensor.shape.columns)
    decoder.decode(try catalogue.bytes(rows: rows, ofTensor: index), into: &values)
    for value in values { largest = max(largest, abs(value)) }
  }
  return largest
}

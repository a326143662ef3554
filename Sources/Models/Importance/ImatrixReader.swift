package import WeightmillGGUF
package import WeightmillQuantization
package import WeightmillTensors

/// Reads an importance matrix from a GGUF file.
package struct ImatrixReader {
  private let file: GGUFFile

  /// Checks that the file says it holds one.
  package init(_ file: GGUFFile) throws(WeightmillError) {
    self.file = file
    let type = file.metadata[ImatrixKey.type]
    guard type == nil || type?.string == ImatrixKey.typeValue else {
      throw WeightmillError(
        .malformed, file.location,
        "is a GGUF file of the type \(quoted(type?.string ?? "?")), not an importance matrix",
        remedy: "give a file that `weightmill imatrix` or llama-imatrix wrote")
    }
    for key in [ImatrixKey.datasets, ImatrixKey.chunkCount, ImatrixKey.chunkSize]
    where file.metadata[key] == nil {
      throw error("lacks \(key): it is no importance matrix")
    }
  }

  /// Reads all entries.
  package func matrix() throws(WeightmillError) -> ImportanceMatrix {
    ImportanceMatrix(
      entries: try entries(), datasets: try datasets(),
      chunkCount: try number(ImatrixKey.chunkCount), chunkSize: try number(ImatrixKey.chunkSize))
  }

  private func error(_ problem: String, at position: String? = nil) -> WeightmillError {
    WeightmillError(
      .malformed, file.location, problem, at: position,
      remedy: "compute it anew with `weightmill imatrix`")
  }

  private func number(_ key: String) throws(WeightmillError) -> Int {
    guard case .uint32(let value)? = file.metadata[key] else {
      throw error("its \(key) is not a u32")
    }
    return Int(value)
  }

  private func datasets() throws(WeightmillError) -> [String] {
    guard case .array(.string, let values)? = file.metadata[ImatrixKey.datasets] else {
      throw error("its \(ImatrixKey.datasets) is not an array of texts")
    }
    return values.compactMap(\.string)
  }

  /// The indices in the file of an entry's tensors.
  private struct Parts {
    var sums: Int?
    var counts: Int?
    var inputSums: Int?
  }

  private func entries() throws(WeightmillError) -> [TensorName: ImportanceMatrix.Entry] {
    var pairs: [TensorName: Parts] = [:]
    var room = ImatrixFile.maximumValues
    for (index, tensor) in file.tensors.enumerated() {
      // Tensors of other names are none of this format's, and are left alone, as in llama.cpp.
      guard let (name, part) = Self.parts(tensor.name) else { continue }
      pairs[name, default: Parts()][keyPath: part] = index
      guard tensor.type == .f32 else {
        throw error("tensor \(quoted(tensor.name)) is \(tensor.type.name), not F32")
      }
      guard tensor.shape.count <= room else {
        throw WeightmillError(
          .unsupported, file.location,
          "holds more than \(ImatrixFile.maximumValues) values", at: "tensor \(tensor.name)")
      }
      room -= tensor.shape.count
    }
    guard !pairs.isEmpty else { throw error("holds no entries") }
    var entries: [TensorName: ImportanceMatrix.Entry] = [:]
    for (name, pair) in pairs.sorted(by: { $0.key.text < $1.key.text }) {
      guard let sums = pair.sums, let counts = pair.counts else {
        throw error(
          "has sums or counts for \(quoted(name.text)), but not both",
          at: "tensor \(name.text)")
      }
      entries[name] = try entry(sums: sums, counts: counts, inputSums: pair.inputSums)
    }
    return entries
  }

  private static func parts(
    _ name: String
  ) -> (name: TensorName, part: WritableKeyPath<Parts, Int?>)? {
    for (suffix, part) in [
      (ImatrixKey.sums, \Parts.sums), (ImatrixKey.counts, \Parts.counts),
      (ImatrixKey.inputSums, \Parts.inputSums),
    ]
    where name.utf8.count > suffix.utf8.count
      && name.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    {
      return (TensorName(String(Substring(name.utf8.dropLast(suffix.utf8.count)))), part)
    }
    return nil
  }

  private func entry(
    sums: Int, counts: Int, inputSums: Int?
  ) throws(WeightmillError) -> ImportanceMatrix.Entry {
    let sumsTensor = file.tensors[sums]
    let position = "tensor \(sumsTensor.name)"
    let values = try self.values(sums)
    let numbers = try self.values(counts)
    guard !values.isEmpty, !numbers.isEmpty, values.count % numbers.count == 0 else {
      throw error("has \(values.count) sums for \(numbers.count) counts", at: position)
    }
    try ImatrixValues.checkSums(values, file: file.location, at: position)
    guard numbers.allSatisfy({ (0...ImatrixFile.maximumCount).contains($0) }) else {
      throw error(
        "counts a number of vectors that is negative or impossible",
        at: "tensor \(file.tensors[counts].name)")
    }
    let inputs = try inputSums.map { (index) throws(WeightmillError) in
      let inputs = try self.values(index)
      let position = "tensor \(file.tensors[index].name)"
      guard inputs.count == values.count else {
        throw error(
          "has \(inputs.count) sums of inputs for \(values.count) of squares", at: position)
      }
      if let column = inputs.firstIndex(where: { !$0.isFinite }) {
        throw error("the sum of inputs of column \(column) is \(inputs[column])", at: position)
      }
      return inputs
    }
    return ImportanceMatrix.Entry(
      sums: values, counts: numbers.map { $0.rounded() }, inputSums: inputs)
  }

  private func values(_ index: Int) throws(WeightmillError) -> [Float] {
    let rows = file.tensors[index].shape.rows
    return ImatrixValues.decode(try file.bytes(rows: 0..<rows, ofTensor: index))
  }
}

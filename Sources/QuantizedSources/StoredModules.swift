import WeightmillTensors

/// The tensors of a checkpoint by module and part: `model.layers.0.mlp.up_proj` and `qweight`.
struct StoredModules {
  let catalogue: any Catalogue
  private let indices: TensorIndex

  init(_ catalogue: any Catalogue) throws(WeightmillError) {
    self.catalogue = catalogue
    indices = try TensorIndex(catalogue)
  }

  /// The modules that have a part of this name, in the order of the file.
  ///
  /// - Parameter part: The last component of a tensor's name.
  /// - Returns: The module's name and the tensor's index.
  func modules(with part: String) -> [(name: String, index: Int)] {
    let suffix = "." + part
    return catalogue.tensors.enumerated().compactMap { index, tensor in
      tensor.name.hasSuffix(suffix) ? (String(tensor.name.dropLast(suffix.count)), index) : nil
    }
  }

  /// Whether a tensor's name ends with one of these parts.
  func contains(anyOf parts: [String]) -> Bool {
    catalogue.tensors.contains { tensor in parts.contains { tensor.name.hasSuffix("." + $0) } }
  }

  /// A part of a module, if it is there.
  subscript(_ module: String, _ part: String) -> Int? { indices["\(module).\(part)"] }

  /// A part of a module that must be there.
  ///
  /// - Throws: `mismatch` when it is missing.
  func required(_ module: String, _ part: String) throws(WeightmillError) -> Int {
    guard let index = self[module, part] else {
      throw WeightmillError(
        .mismatch, catalogue.location,
        "lacks tensor \(quoted("\(module).\(part)")), without which the quantized weights of the "
          + "module cannot be read",
        remedy: "fetch all files of the model again")
    }
    return index
  }

  func tensor(_ index: Int) -> TensorDescriptor { catalogue.tensors[index] }

  /// Refuses a tensor that has another type than these.
  func check(_ index: Int, types: [TensorType]) throws(WeightmillError) {
    let tensor = tensor(index)
    guard types.contains(tensor.type) else {
      throw WeightmillError(
        .unsupported, catalogue.location,
        "tensor \(quoted(tensor.name)) is \(tensor.type.name), not "
          + types.map(\.name).joined(separator: " or "),
        remedy: Recipe.remedy)
    }
  }

  /// Refuses a tensor of another shape than this.
  ///
  /// - Parameters:
  ///   - index: The tensor.
  ///   - extents: The shape that it must have.
  ///   - reason: Where that follows from.
  /// - Throws: `mismatch`.
  func check(_ index: Int, is extents: [Int], _ reason: String) throws(WeightmillError) {
    let tensor = tensor(index)
    guard tensor.shape.extents == extents else {
      throw WeightmillError(
        .mismatch, catalogue.location,
        "tensor \(quoted(tensor.name)) is \(tensor.shape), not "
          + "[\(extents.map(String.init).joined(separator: ", "))], as \(reason)",
        remedy: "check that all files come from the same model")
    }
  }

  /// The rows and columns of a matrix, none of which is empty or larger than any model's.
  func matrix(_ index: Int) throws(WeightmillError) -> (rows: Int, columns: Int) {
    let tensor = tensor(index)
    let extents = tensor.shape.extents
    guard extents.count == 2, extents.allSatisfy({ (1...Sizes.largest).contains($0) }) else {
      throw WeightmillError(
        .malformed, catalogue.location,
        "tensor \(quoted(tensor.name)) is \(tensor.shape), which no matrix of codes is")
    }
    return (extents[0], extents[1])
  }

  /// The description of a decoded matrix.
  func decoded(
    _ module: String, rows: Int, columns: Int, type: TensorType
  ) throws(WeightmillError) -> TensorDescriptor {
    let shape = TensorShape(rows: rows, columns: columns)
    guard rows <= Sizes.largest, columns <= Sizes.largest, self[module, "weight"] == nil
    else {
      throw WeightmillError(
        .malformed, catalogue.location,
        "holds \(quoted(module)) twice, or larger than any model has it: \(shape) decoded")
    }
    return TensorDescriptor(name: "\(module).weight", type: type, shape: shape)
  }

  /// The groups of columns that a tensor of indices lists.
  ///
  /// - Parameters:
  ///   - index: The tensor, one integer for each column.
  ///   - columns: How many columns there are.
  ///   - groups: How many groups there are.
  /// - Returns: The groups; `nil` when all are the first of several, which is how programs that do
  ///   not reorder groups filled a list that they did not read.
  /// - Throws: `mismatch` for another shape, `malformed` for a group that does not exist.
  func groups(
    _ index: Int, columns: Int, groups: Int
  ) throws(WeightmillError) -> ColumnGroups? {
    try check(index, types: [.i32])
    try check(index, is: [columns], "the matrix has \(columns) columns")
    let words = try catalogue.words(rows: 0..<1, ofTensor: index)
    guard let fault = words.firstIndex(where: { $0 >= UInt32(groups) }) else {
      if groups > 1, words.allSatisfy({ $0 == 0 }) { return nil }
      return .listed(words.map { Int32(bitPattern: $0) })
    }
    throw WeightmillError(
      .malformed, catalogue.location,
      "puts a column into group \(Int32(bitPattern: words[fault])), but there are \(groups) groups",
      at: "tensor \(quoted(tensor(index).name)), column \(fault)",
      remedy: "the file is damaged: fetch it again")
  }
}

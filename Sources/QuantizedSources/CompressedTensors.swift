import WeightmillStrictJSON
import WeightmillTensors

/// Matrices as the library compressed-tensors saves them: llm-compressor's, and those of vLLM's and
/// Red Hat's models.
///
/// `pack-quantized`: `weight_packed` [out, in · bits / 32 rounded up] (I32), `weight_scale` [out,
/// groups], `weight_shape` [2] (I64), and maybe `weight_zero_point` [out · bits / 32 rounded up, groups]
/// (I32) and `weight_g_idx` [in]. `int-quantized`, `float-quantized`, `naive-quantized`: `weight`
/// [out, in] (I8, F8_E4M3), `weight_scale`, and maybe `weight_zero_point` (I8). A matrix is
/// `(code - zero) * scale`, in the type of the scales.
///
/// Source: `compressors/pack_quantized`, `compressors/naive_quantized` and
/// `quantization/lifecycle/forward.py` of compressed-tensors; `formats/quantized-sources.md` section 5.
struct CompressedTensors {
  /// The values that share a scale.
  enum Strategy: Equatable {
    case tensor
    case channel
    case group(Int)
    case block(rows: Int, columns: Int)
  }

  private let format: String
  private let bits: Int
  private let isFloat: Bool
  private let isSymmetric: Bool
  private let strategy: Strategy

  /// Reads the recipe.
  ///
  /// - Parameter recipe: What the checkpoint says.
  /// - Throws: `unsupported` for forms that are not read, `malformed` for impossible values.
  init(_ recipe: Recipe) throws(WeightmillError) {
    try Self.checkSurroundings(recipe)
    let (weights, format) = try Self.weights(recipe)
    self.format = format
    bits = try weights.integer("num_bits") ?? 8
    isFloat = try weights.text("type") ?? "int" == "float"
    isSymmetric = try weights.flag("symmetric") ?? true
    strategy = try Self.strategy(weights)
    let fits =
      switch format {
      case "pack-quantized": !isFloat && [2, 4, 8].contains(bits)
      case "int-quantized": !isFloat && (1...8).contains(bits)
      case "float-quantized": isFloat && bits == 8
      case "naive-quantized": isFloat ? bits == 8 : (1...8).contains(bits)
      default: false
      }
    guard fits else {
      throw recipe.unsupported(
        "says that weights are \(quoted(format)) with \(bits) bits\(isFloat ? ", floating-point" : ""); "
          + "pack-quantized of 2, 4 and 8 bits, int-quantized and float-quantized of 8 are read",
        remedy: "decompress it with compressed-tensors, or " + Recipe.remedy)
    }
  }

  /// Refuses what changes the weights besides the codes.
  private static func checkSurroundings(_ recipe: Recipe) throws(WeightmillError) {
    let sparsity = try recipe.inner("sparsity_config")?.text("format") ?? "dense"
    guard sparsity == "dense" else {
      throw recipe.unsupported(
        "says that weights are sparse (\(quoted(sparsity))), which is not read",
        remedy: "decompress it with compressed-tensors, or " + Recipe.remedy)
    }
    if let transform = try recipe.inner("transform_config"), !transform.members.isEmpty {
      throw recipe.unsupported(
        "says that weights are rotated (\"transform_config\"), which is not undone")
    }
  }

  /// What is said of the weights, which is the same for all modules, and their format.
  private static func weights(
    _ recipe: Recipe
  ) throws(WeightmillError) -> (weights: Recipe, format: String) {
    guard let groups = try recipe.inner("config_groups") else {
      throw recipe.fault("does not say \"config_groups\" of the quantized weights")
    }
    var found: (weights: Recipe, value: JSONValue, format: String)?
    for member in groups.members {
      let group = try Recipe(member.value, location: recipe.location)
      guard let value = group.value("weights"), let weights = try group.inner("weights") else {
        continue
      }
      let common = try recipe.text("format")
      let format = try group.text("format") ?? common ?? "dense"
      guard found == nil || found?.value == value && found?.format == format else {
        throw recipe.unsupported(
          "quantizes some modules in another way than others (\"config_groups\")",
          remedy: "decompress it with compressed-tensors, or " + Recipe.remedy)
      }
      found = (weights, value, format)
    }
    guard let found else {
      throw recipe.fault("says of no group how its weights are quantized")
    }
    return (found.weights, found.format)
  }

  private static func strategy(_ weights: Recipe) throws(WeightmillError) -> Strategy {
    let group = weights.value("group_size") == nil ? nil : try weights.groupSize("group_size")
    let name = try weights.text("strategy") ?? (group == nil ? "channel" : "group")
    switch name {
    case "tensor": return .tensor
    case "channel": return .channel
    case "group": return group.map(Strategy.group) ?? .channel
    case "block":
      let stated = weights.value("block_structure")?.array ?? []
      let sizes = stated.compactMap(\.integer)
      guard stated.count == 2, sizes.count == 2,
        sizes.allSatisfy({ (1...Sizes.largest).contains($0) })
      else {
        throw weights.fault("does not say a possible \"block_structure\" of the quantized weights")
      }
      return .block(rows: sizes[0], columns: sizes[1])
    default:
      throw weights.unsupported("says that weights share scales by \(quoted(name))")
    }
  }

  /// The recipe in words.
  var summary: String {
    let shared =
      switch strategy {
      case .tensor: "a scale for each tensor"
      case .channel: "a scale for each row"
      case .group(let size): "groups of \(size)"
      case .block(let rows, let columns): "blocks of \(rows) x \(columns)"
      }
    return "compressed-tensors \(format), \(bits) bits, \(shared)"
  }

  /// The name of a module's part by which it is known to be quantized.
  var mark: String { format == "pack-quantized" ? "weight_packed" : "weight_scale" }

  /// The matrix of a module.
  ///
  /// - Parameters:
  ///   - module: The module's name.
  ///   - modules: All tensors.
  /// - Returns: The matrix.
  /// - Throws: `mismatch` when tensors are missing or do not go with each other, `malformed` for
  ///   groups that do not exist, `unsupported` for other types.
  func matrix(
    _ module: String, of modules: StoredModules
  ) throws(WeightmillError) -> RowScaledMatrix {
    let isPacked = format == "pack-quantized"
    let codes = try modules.required(module, isPacked ? "weight_packed" : "weight")
    let scales = try modules.required(module, "weight_scale")
    try modules.check(scales, types: ScalarRows.encodable)
    let (code, rows, columns, shapeIndex) = try layout(module, codes, of: modules)
    let block = blockSize(rows: rows, columns: columns)
    let groupCount = ColumnGroups.count(columns: columns, width: block.columns)
    let blockCount = ColumnGroups.count(columns: rows, width: block.rows)
    try checkGrid(scales, [blockCount, groupCount], of: modules)
    let zeros = try zeroPoints(module, blockCount, groupCount, of: modules)
    let list = modules[module, "weight_g_idx"]
    let groups = try list.flatMap { (list) throws(WeightmillError) in
      try self.groups(list, columns: columns, groups: groupCount, of: modules)
    }
    let type = modules.tensor(scales).type
    return RowScaledMatrix(
      tensor: isPacked
        ? try modules.decoded(module, rows: rows, columns: columns, type: type)
        : TensorDescriptor(
          name: modules.tensor(codes).name, type: type, shape: modules.tensor(codes).shape),
      codes: codes, parts: [codes, scales] + [zeros?.index, list, shapeIndex].compactMap(\.self),
      code: code, scales: scales, zeros: zeros?.form, blockRows: block.rows,
      groups: groups ?? .neighbours(width: block.columns), groupCount: groupCount)
  }

  private func blockSize(rows: Int, columns: Int) -> (rows: Int, columns: Int) {
    switch strategy {
    case .tensor: (rows, columns)
    case .channel: (1, columns)
    case .group(let size): (1, size)
    case .block(let rows, let columns): (rows, columns)
    }
  }

  /// The form of a module's codes, and the extents of its matrix.
  private func layout(
    _ module: String, _ codes: Int, of modules: StoredModules
  ) throws(WeightmillError) -> (RowScaledMatrix.Code, rows: Int, columns: Int, shape: Int?) {
    let (rows, stored) = try modules.matrix(codes)
    guard format == "pack-quantized" else {
      try modules.check(codes, types: isFloat ? [.f8e4m3] : [.i8])
      return (isFloat ? .float(.f8e4m3) : .integer, rows, stored, nil)
    }
    try modules.check(codes, types: [.i32])
    let index = try modules.required(module, "weight_shape")
    try modules.check(index, types: [.i64, .i32])
    try modules.check(index, is: [2], "it holds two extents")
    let words = try modules.catalogue.words(rows: 0..<1, ofTensor: index)
    let isWide = modules.tensor(index).type == .i64
    let extents = isWide ? [words[0], words[2]] : words
    guard !isWide || words[1] == 0 && words[3] == 0, Int(extents[0]) == rows,
      (1...Sizes.largest).contains(Int(extents[1])), (Int(extents[1]) * bits + 31) / 32 == stored
    else {
      throw WeightmillError(
        .mismatch, modules.catalogue.location,
        "tensor \(quoted(modules.tensor(index).name)) says [\(extents[0]), \(extents[1])], which "
          + "codes of \(bits) bits in \(modules.tensor(codes).shape) words are not",
        remedy: "check that all files come from the same model")
    }
    return (.packed(bits: bits), rows, Int(extents[1]), index)
  }

  /// Checks the shape of scales, or zero points; a column of them may be stored as a vector, and a
  /// single one without extents.
  private func checkGrid(
    _ index: Int, _ grid: [Int], of modules: StoredModules
  ) throws(WeightmillError) {
    let shape = modules.tensor(index).shape
    if shape.extents.count < 2, grid[1] == 1, shape.count == grid[0] { return }
    try modules.check(
      index, is: grid, "\(grid[0]) rows with scales, of \(grid[1]) groups each, need")
  }

  private func zeroPoints(
    _ module: String, _ rows: Int, _ groups: Int, of modules: StoredModules
  ) throws(WeightmillError) -> (index: Int, form: RowScaledMatrix.ZeroPoints)? {
    guard !isSymmetric || modules[module, "weight_zero_point"] != nil else { return nil }
    let index = try modules.required(module, "weight_zero_point")
    try modules.check(index, types: format == "pack-quantized" ? [.i32, .i8] : [.i8])
    guard modules.tensor(index).type == .i32 else {
      try checkGrid(index, [rows, groups], of: modules)
      return (index, .integers(index))
    }
    try modules.check(
      index, is: [(rows * bits + 31) / 32, groups],
      "zero points of \(rows) rows and \(groups) groups need")
    return (index, .packed(index))
  }

  /// The groups of a list, which the library takes for an order: each must have as many columns.
  private func groups(
    _ index: Int, columns: Int, groups: Int, of modules: StoredModules
  ) throws(WeightmillError) -> ColumnGroups? {
    let bytes = modules.tensor(index).byteCount
    // -1 stands for a list that was never filled.
    if modules.tensor(index).type == .i32, bytes <= 4 * Sizes.largest, bytes > 0,
      try modules.catalogue.words(rows: 0..<1, ofTensor: index).contains(.max)
    {
      return nil
    }
    guard let found = try modules.groups(index, columns: columns, groups: groups),
      case .listed(let list) = found, case .group(let width) = strategy
    else { return nil }
    var counts = [Int](repeating: 0, count: groups)
    for group in list { counts[Int(group)] += 1 }
    guard counts.allSatisfy({ $0 == width }) else {
      throw WeightmillError(
        .malformed, modules.catalogue.location,
        "lists groups that have not \(width) columns each",
        at: "tensor \(quoted(modules.tensor(index).name))",
        remedy: "the file is damaged: fetch it again")
    }
    return found
  }
}

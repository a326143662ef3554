import WeightmillStrictJSON
import WeightmillTensors

/// Matrices of eight-bit floating-point numbers with a scale for each block, as DeepSeek and Qwen
/// publish them and transformers reads them (`quant_method` `fp8`).
///
/// A module has `weight` [out, in] (F8_E4M3) and `weight_scale_inv`, [out / 128, in / 128] rounded up or
/// a single number; vLLM's own checkpoints call it `weight_scale`. Whatever the name says, it is
/// multiplied: in binary32, and the product is rounded to the type that `config.json` gives the
/// model. A module without a scale is stored whole, in 16 or 32 bits.
///
/// Source: `integrations/finegrained_fp8.py` (`Fp8Dequantize`) of transformers;
/// `formats/quantized-sources.md` section 4.
struct FineGrainedFP8 {
  /// The names that scales have.
  static let scaleNames = ["weight_scale_inv", "weight_scale"]

  /// The rows and columns of a block; `nil` for a scale for each tensor.
  let block: (rows: Int, columns: Int)?
  /// The type of the model's other weights.
  let type: TensorType

  /// Reads the recipe.
  ///
  /// - Parameters:
  ///   - recipe: What the checkpoint says.
  ///   - type: The type that the configuration gives the model; bfloat16 if it gives none.
  /// - Throws: `malformed` for impossible values, `unsupported` for codes of four bits.
  init(_ recipe: Recipe, type: TensorType?) throws(WeightmillError) {
    self.type = type ?? .bf16
    guard try recipe.text("expert_dtype") ?? "fp8" == "fp8" else {
      throw recipe.unsupported("has experts of four bits, which are not read")
    }
    guard let value = recipe.value("weight_block_size") else {
      block = nil
      return
    }
    let sizes = value.array?.compactMap(\.integer) ?? []
    guard sizes.count == 2, value.array?.count == 2,
      sizes.allSatisfy({ (1...Sizes.largest).contains($0) })
    else {
      throw recipe.fault(
        "says the impossible \"weight_block_size\" \(quoted(value.description, limit: 40))")
    }
    block = (sizes[0], sizes[1])
  }

  /// The recipe in words.
  var summary: String {
    "FP8, " + (block.map { "blocks of \($0.rows) x \($0.columns)" } ?? "a scale for each tensor")
  }

  /// The matrix of a module.
  ///
  /// - Parameters:
  ///   - module: The module's name.
  ///   - scales: The index of its `weight_scale_inv`.
  ///   - modules: All tensors.
  /// - Returns: The matrix.
  /// - Throws: `mismatch` when tensors are missing or do not go with each other, `unsupported` for
  ///   other types.
  func matrix(
    _ module: String, scales: Int, of modules: StoredModules
  ) throws(WeightmillError) -> RowScaledMatrix {
    let codes = try modules.required(module, "weight")
    try modules.check(codes, types: [.f8e4m3, .f8e5m2])
    try modules.check(scales, types: ScalarRows.encodable + [.f8e8m0])
    let (rows, columns) = try modules.matrix(codes)
    let grid = modules.tensor(scales).shape
    guard let block = self.block(of: grid, rows: rows, columns: columns) else {
      throw WeightmillError(
        .mismatch, modules.catalogue.location,
        "tensor \(quoted(modules.tensor(scales).name)) is \(grid), but the configuration says "
          + "nothing of blocks",
        remedy: "check that all files come from the same model")
    }
    let groupCount = ColumnGroups.count(columns: columns, width: block.columns)
    if grid.count != 1 {
      try modules.check(
        scales, is: [ColumnGroups.count(columns: rows, width: block.rows), groupCount],
        "\(rows) rows and \(columns) columns in blocks of \(block.rows) x \(block.columns) need")
    }
    return RowScaledMatrix(
      tensor: TensorDescriptor(
        name: modules.tensor(codes).name, type: type, shape: modules.tensor(codes).shape),
      codes: codes, parts: [codes, scales], code: .float(modules.tensor(codes).type),
      scales: scales, zeros: nil, blockRows: block.rows,
      groups: .neighbours(width: block.columns), groupCount: groupCount)
  }

  /// The rows and columns that a scale of a matrix is for.
  private func block(
    of grid: TensorShape, rows: Int, columns: Int
  ) -> (rows: Int, columns: Int)? {
    if grid.count == 1 { return (rows, columns) }
    return block ?? (grid.extents == [rows, 1] ? (1, columns) : nil)
  }
}

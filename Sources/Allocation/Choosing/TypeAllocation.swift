package import WeightmillConversion
package import WeightmillTensors

/// The types of a file's matrices that cost least within a size, by what was measured.
package struct TypeAllocation: Sendable {
  /// The types, by the names of the tensors in the GGUF file, in its order.
  package let types: [(name: String, type: TensorType)]
  /// The divergence that is expected of the file, in nats.
  package let divergence: Double
  /// Matrices that were not measured, or not in a type that fits them, and keep the plan's types.
  package let unmeasured: [String]
  /// Whether no other choice of the types has a lower expectation.
  package let isExact: Bool

  /// Chooses.
  ///
  /// - Parameters:
  ///   - plan: A plan of the file with any types: what options decide, and what was not measured, stays.
  ///   - model: What was measured.
  ///   - types: The types to choose from.
  ///   - bytes: How many bytes all tensors together may take, each filled up to a multiple of 32.
  ///   - tooSmall: The error if that is too little even for the smallest types, by so many bytes.
  /// - Throws: `mismatch` when another model was measured; `tooSmall`.
  init(
    _ plan: ConversionPlan, by model: DivergenceModel, among types: [TensorType], bytes: Int,
    orElse tooSmall: (Int) -> WeightmillError
  ) throws(WeightmillError) {
    let tensors = try AllocatedTensors(plan, model, types)
    let knapsack = Knapsack(tensors.free.map(\.options))
    guard let choice = knapsack.best(within: bytes - tensors.fixedBytes) else {
      throw tooSmall(tensors.fixedBytes + knapsack.leastBytes - bytes)
    }
    self.types = zip(tensors.free, choice.options).map { ($0.name, $0.types[$1]) }
    divergence = model.divergence(ofSum: choice.damage + tensors.fixedDamage)
    unmeasured = tensors.unmeasured
    isExact = choice.isExact
  }

  /// The types as a file of `--tensor-type-file`, here and in llama-quantize: a pattern that is the whole
  /// name, and the type, line by line.
  package var rules: String {
    types.map { name, type in
      let pattern = name.map { $0 == "." ? "\\." : String($0) }.joined()
      return "^\(pattern)$=\(type.name.lowercased())\n"
    }.joined()
  }

  /// The divergence that is expected of a plan's file.
  ///
  /// - Parameters:
  ///   - plan: The plan.
  ///   - model: What was measured.
  /// - Returns: The mean in nats; `nil` if one of its types was not measured.
  package static func divergence(of plan: ConversionPlan, by model: DivergenceModel) -> Double? {
    var sum = 0.0
    for item in plan.items {
      guard let matrix = model[item.tensor.name] else { continue }
      guard let damage = DivergenceModel.damage(of: matrix, in: item.tensor.type) else {
        return nil
      }
      sum += damage
    }
    return model.divergence(ofSum: sum)
  }

  /// The bytes of a plan's tensors, as the files that hold them count them.
  static func bytes(of plan: ConversionPlan) -> Int {
    plan.items.reduce(0) { $0 + padded($1.tensor.byteCount) }
  }

  static func padded(_ bytes: Int) -> Int { (bytes + 31) / 32 * 32 }
}

/// The tensors of a plan: those that can have one of several types, and the sums over the others.
private struct AllocatedTensors {
  struct Free {
    let name: String
    let types: [TensorType]
    let options: [Knapsack.Option]
  }

  private(set) var free: [Free] = []
  private(set) var fixedBytes = 0
  private(set) var fixedDamage = 0.0
  private(set) var unmeasured: [String] = []

  init(
    _ plan: ConversionPlan, _ model: DivergenceModel, _ types: [TensorType]
  ) throws(WeightmillError) {
    var known = 0
    for item in plan.items {
      let tensor = item.tensor
      guard let matrix = model[tensor.name] else {
        keep(item)
        continue
      }
      known += 1
      guard matrix.rows == tensor.shape.rows, matrix.columns == tensor.shape.columns else {
        throw Self.isOfAnotherModel(
          plan, "\(quoted(tensor.name)) is \(tensor.shape), not [\(matrix.rows), \(matrix.columns)]"
        )
      }
      let fitting = Self.fitting(types, to: matrix)
      guard item.hasFreeType, !fitting.isEmpty else {
        keep(item)
        fixedDamage += DivergenceModel.damage(of: matrix, in: tensor.type) ?? 0
        continue
      }
      free.append(
        Free(
          name: tensor.name, types: fitting,
          options: fitting.map { Self.option(tensor, matrix, $0) }))
    }
    guard known == model.sensitivities.matrices.count else {
      let strangers = model.sensitivities.matrices.map(\.name).filter { name in
        !plan.items.contains { $0.tensor.name == name }
      }
      throw Self.isOfAnotherModel(plan, "it has no \(quoted(strangers.first ?? ""))")
    }
  }

  private mutating func keep(_ item: ConversionPlan.Item) {
    fixedBytes += TypeAllocation.padded(item.tensor.byteCount)
    if item.hasFreeType, !item.tensor.type.isScalar { unmeasured.append(item.tensor.name) }
  }

  /// The types that fit a matrix's rows, and were measured there.
  private static func fitting(
    _ types: [TensorType], to matrix: Sensitivities.Matrix
  ) -> [TensorType] {
    var fitting: [TensorType] = []
    for type in types {
      guard let type = FittingType(type, columns: matrix.columns)?.type, !fitting.contains(type),
        DivergenceModel.damage(of: matrix, in: type) != nil
      else { continue }
      fitting.append(type)
    }
    return fitting
  }

  private static func option(
    _ tensor: TensorDescriptor, _ matrix: Sensitivities.Matrix, _ type: TensorType
  ) -> Knapsack.Option {
    let stored = TensorDescriptor(name: tensor.name, type: type, shape: tensor.shape)
    return Knapsack.Option(
      bytes: TypeAllocation.padded(stored.byteCount),
      damage: DivergenceModel.damage(of: matrix, in: type) ?? 0)
  }

  private static func isOfAnotherModel(_ plan: ConversionPlan, _ why: String) -> WeightmillError {
    WeightmillError(
      .mismatch, plan.source.location, "is not the model that was measured: \(why)",
      remedy: "measure this one with `weightmill sensitivity`")
  }
}

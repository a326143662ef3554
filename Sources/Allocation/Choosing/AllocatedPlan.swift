public import WeightmillConversion
public import WeightmillModels
public import WeightmillTensors

/// A plan of a file of some size, with the types that cost least.
public struct AllocatedPlan: Sendable {
  /// The plan.
  public let plan: ConversionPlan
  /// The types it has.
  package let allocation: TypeAllocation
  /// The mix whose name the file bears, and whose types tensors have that were not measured.
  package let mix: TypeMix
  /// The divergence that is expected of the mix alone, in nats, if all of its types were measured.
  package let mixDivergence: Double?
  /// The size of the mix's own file in bytes.
  package let mixBytes: Int
  /// How large the file may be, in bytes.
  package let mostBytes: Int
  /// Its size in bytes.
  public let bytes: Int
  /// The divergence of the file's predictions from the model's that is expected, in nats.
  public var divergence: Double { allocation.divergence }
  /// The matrices that were not measured, or not in a type that fits them: they have the types of a mix.
  public var unmeasured: [String] { allocation.unmeasured }

  /// How a plan is made of options: with all that the command was asked for besides.
  package typealias Maker = (QuantizationOptions) throws(WeightmillError) -> ConversionPlan

  /// The mixes whose names a file can bear, the largest first.
  static let mixes: [TypeMix] = [
    .q8_0, .q6_K, .q5_K_M, .q5_K_S, .q4_K_M, .q4_K_S, .iq4_XS, .q3_K_L, .q3_K_M, .q3_K_S, .q2_K,
  ]

  /// Makes a plan.
  ///
  /// - Parameters:
  ///   - target: How large the file may be.
  ///   - model: What was measured.
  ///   - types: The types to choose from.
  ///   - options: What was asked for besides.
  ///   - path: The output.
  ///   - make: Makes a plan of options.
  /// - Throws: `usage` when the size cannot be met; `mismatch` when another model was measured; what `make`
  ///   throws.
  package init(
    _ target: SizeTarget, by model: DivergenceModel, among types: [TensorType],
    options: QuantizationOptions, path: String, make: Maker
  ) throws(WeightmillError) {
    let base = try Self.base(target, options, path, make)
    (mix, mixBytes) = (base.mix, base.bytes)
    mixDivergence = TypeAllocation.divergence(of: base.plan, by: model)
    var tensors = TypeAllocation.bytes(of: base.plan)
    switch target {
    case .bytes(let most): mostBytes = most
    case .mix: mostBytes = base.bytes
    case .bitsPerWeight(let bits):
      mostBytes = base.bytes - tensors + Int(bits * Double(Self.values(of: base.plan)) / 8)
    }
    tensors += mostBytes - base.bytes
    // Headers are the same whatever the types are, but not where a split falls between other tensors.
    while true {
      let most = mostBytes
      let allocation = try TypeAllocation(base.plan, by: model, among: types, bytes: tensors) {
        target.isTooSmall(
          base.plan, leastBytes: most + $0, values: Self.values(of: base.plan), missing: $0)
      }
      var options = options
      options.mix = base.mix
      for (name, type) in allocation.types { options.chosenTypes[TensorName(name)] = type }
      let plan = try make(options)
      let bytes = try plan.layout(path: path).byteCount
      guard bytes > mostBytes else {
        (self.plan, self.allocation, self.bytes) = (plan, allocation, bytes)
        return
      }
      tensors -= bytes - mostBytes
    }
  }

  private static func values(of plan: ConversionPlan) -> Int {
    plan.items.reduce(0) { $0 + $1.tensor.shape.count }
  }

  /// The plan of the mix that is meant, or of the largest one that is not too large.
  private static func base(
    _ target: SizeTarget, _ options: QuantizationOptions, _ path: String, _ make: Maker
  ) throws(WeightmillError) -> (mix: TypeMix, plan: ConversionPlan, bytes: Int) {
    func plan(_ mix: TypeMix) throws(WeightmillError) -> (
      mix: TypeMix, plan: ConversionPlan, bytes: Int
    ) {
      var options = options
      options.mix = mix
      let plan = try make(options)
      return (mix, plan, try plan.layout(path: path).byteCount)
    }
    if case .mix(let mix) = target { return try plan(mix) }
    var smallest: (mix: TypeMix, plan: ConversionPlan, bytes: Int)?
    for mix in mixes {
      let found = try plan(mix)
      let isSmallEnough =
        switch target {
        case .bytes(let most): found.bytes <= most
        case .bitsPerWeight(let bits):
          8 * Double(TypeAllocation.bytes(of: found.plan))
            <= bits * Double(values(of: found.plan))
        case .mix: true
        }
      if isSmallEnough { return found }
      smallest = found
    }
    guard let smallest else {
      throw WeightmillError(.internal, path, "has no mix to begin with")
    }
    return smallest
  }
}

extension AllocatedPlan {
  /// Plans the conversion of a model to a GGUF file of some size.
  ///
  /// Types that need importance are left out where none is known.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - target: How large the file may be.
  ///   - sensitivities: What types cost, measured on this model.
  ///   - options: What is asked for besides; the mix is chosen.
  ///   - name: What `general.name` shall say.
  ///   - path: The file to be written.
  /// - Throws: `usage` when the size cannot be met; `mismatch` when another model was measured, or not all of it; what
  ///   `ConversionPlan.init(convert:with:name:)` throws.
  public init(
    convert model: LoadedModel, to target: SizeTarget, by sensitivities: Sensitivities,
    with options: QuantizationOptions = QuantizationOptions(.q8_0), name: String, path: String
  ) throws(WeightmillError) {
    try self.init(target, by: sensitivities, options, path) { (options) throws(WeightmillError) in
      try ConversionPlan(convert: model, with: options, name: name)
    }
  }

  /// Plans the quantization of a GGUF file to one of some size.
  ///
  /// - Parameters:
  ///   - model: The model, from a GGUF file.
  ///   - target: How large the file may be.
  ///   - sensitivities: What types cost, measured on this model.
  ///   - options: What is asked for besides; the mix is chosen.
  ///   - path: The file to be written.
  /// - Throws: As `init(convert:to:by:with:name:path:)`, but what `ConversionPlan.init(quantize:with:)` throws.
  public init(
    quantize model: LoadedModel, to target: SizeTarget, by sensitivities: Sensitivities,
    with options: QuantizationOptions = QuantizationOptions(.q8_0), path: String
  ) throws(WeightmillError) {
    try self.init(target, by: sensitivities, options, path) { (options) throws(WeightmillError) in
      try ConversionPlan(quantize: model, with: options)
    }
  }

  private init(
    _ target: SizeTarget, by found: Sensitivities, _ options: QuantizationOptions, _ path: String,
    make: Maker
  ) throws(WeightmillError) {
    guard found.isComplete else {
      throw WeightmillError(
        .mismatch, path, "cannot be planned by what was measured: matrices are missing",
        remedy: "finish the measuring first")
    }
    let types = found.origin.types.filter { type in
      !type.needsImportance || options.importance != nil || options.isCalibrated
    }
    try self.init(
      target, by: DivergenceModel(found), among: types, options: options, path: path, make: make)
  }
}

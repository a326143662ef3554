package import WeightmillConversion
package import WeightmillTensors

/// A plan of a file of some size, with the types that cost least.
package struct AllocatedPlan: Sendable {
  /// The plan.
  package let plan: ConversionPlan
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
  package let bytes: Int

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

package import WeightmillConversion
package import WeightmillTensors

/// What a model's files of every size lose at least, beside what the mixes lose.
package struct SizeFront: Sendable {
  /// A file that could be written.
  package struct Point: Sendable {
    /// The mix's name; for chosen types the one whose size they keep to, or empty.
    package let name: String
    /// The size of the file.
    package let bytes: Int
    /// The divergence that is expected of it, in nats.
    package let divergence: Double
    /// The types of the matrices that were measured, by their names in the GGUF file.
    package let types: [(name: String, type: TensorType)]

    package init(
      name: String, bytes: Int, divergence: Double, types: [(name: String, type: TensorType)]
    ) {
      self.name = name
      self.bytes = bytes
      self.divergence = divergence
      self.types = types
    }
  }

  /// The mixes all of whose types were measured, the smallest first.
  package let mixes: [Point]
  /// The best choices, the smallest first: in the size of each mix, and in sizes between.
  package let chosen: [Point]

  /// How many sizes are tried between the smallest and the largest file.
  private static let steps = 24

  package init(mixes: [Point], chosen: [Point]) {
    self.mixes = mixes
    self.chosen = chosen
  }

  /// Finds the front.
  ///
  /// - Parameters:
  ///   - model: What was measured.
  ///   - types: The types to choose from.
  ///   - options: What was asked for besides.
  ///   - path: The output, for messages.
  ///   - make: Makes a plan of options.
  /// - Throws: `mismatch` when another model was measured; what `make` throws.
  package init(
    by model: DivergenceModel, among types: [TensorType], options: QuantizationOptions,
    path: String, make: AllocatedPlan.Maker
  ) throws(WeightmillError) {
    var mixes: [Point] = []
    var chosen: [Point] = []
    func add(_ target: SizeTarget, _ name: String) throws(WeightmillError) {
      let plan: AllocatedPlan
      do throws(WeightmillError) {
        plan = try AllocatedPlan(
          target, by: model, among: types, options: options, path: path, make: make)
      } catch {
        // Smaller than any choice of these types.
        guard error.code == .usage else { throw error }
        return
      }
      chosen.append(
        Point(
          name: name, bytes: plan.bytes, divergence: plan.allocation.divergence,
          types: plan.allocation.types))
    }
    for mix in AllocatedPlan.mixes {
      var options = options
      options.mix = mix
      let plan = try make(options)
      if let divergence = TypeAllocation.divergence(of: plan, by: model) {
        mixes.append(
          Point(
            name: mix.rawValue, bytes: try plan.layout(path: path).byteCount,
            divergence: divergence,
            types: plan.items.compactMap { item in
              model[item.tensor.name].map { _ in (item.tensor.name, item.tensor.type) }
            }))
      }
      try add(.mix(mix), mix.rawValue)
    }
    if let first = chosen.map(\.bytes).min(), let last = chosen.map(\.bytes).max() {
      for step in 1..<Self.steps {
        try add(.bytes(first + (last - first) / Self.steps * step), "")
      }
    }
    self.mixes = mixes.sorted { $0.bytes < $1.bytes }
    self.chosen = chosen.sorted { ($0.bytes, $0.name) < ($1.bytes, $1.name) }
  }
}

package import WeightmillModels
package import WeightmillTensors

/// What one conversion of a model will take, before it is begun.
package struct ConversionForecast: Encodable, Sendable {
  /// The name of the type or mix.
  package let type: String
  /// The size of the file that is written.
  package let bytes: Int
  /// The values of each type that will be encoded; copied bytes count for nothing.
  package let values: [TensorType: Int]
  /// The most bytes of buffers and header that the conversion holds.
  package let memory: Int
  /// Why it cannot be written as it is, if so.
  package let obstacle: String?
  /// About how many seconds encoding takes on this machine; reading and writing come on top of it.
  package private(set) var encodingSeconds: Double?

  /// Plans a conversion.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - mix: The types.
  /// - Throws: What keeps such a file from being planned.
  package init(_ model: LoadedModel, to mix: TypeMix) throws(WeightmillError) {
    let plan =
      model.metadata == nil
      ? try ConversionPlan(convert: model, to: mix, name: "forecast")
      : try ConversionPlan(quantize: model, to: mix, allowsRequantizing: false)
    let layout = try plan.layout(path: "forecast.gguf")
    type = mix.rawValue.lowercased()
    bytes = layout.byteCount
    memory = RunOptions.defaultMemory + layout.files.reduce(0) { $0 + $1.header.count }
    obstacle = plan.obstacle?.problem
    values = plan.items.reduce(into: [:]) { values, item in
      guard plan.source.tensors[item.index].type != item.tensor.type else { return }
      values[item.tensor.type, default: 0] += item.tensor.shape.count
    }
  }

  /// Adds the time, by how fast each type is encoded.
  ///
  /// - Parameter speeds: Values per second of every type that `values` names.
  package mutating func add(speeds: [TensorType: Double]) {
    encodingSeconds = values.reduce(0) { sum, part in
      sum + Double(part.value) / (speeds[part.key] ?? .infinity)
    }
  }

  private enum CodingKeys: String, CodingKey {
    case type, bytes, memory, obstacle, encodingSeconds
  }
}

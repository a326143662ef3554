package import WeightmillTensors

/// Tensors without values, as a training under DeepSpeed ZeRO-3 saves them when it does not gather the
/// pieces of its processes first.
package enum EmptyTensors {
  /// The error for tensors without values.
  ///
  /// - Parameters:
  ///   - names: Their names.
  ///   - location: The file or folder that holds them.
  /// - Returns: The error; `nil` if there are none.
  package static func error(_ names: [String], of location: String) -> WeightmillError? {
    guard !names.isEmpty else { return nil }
    let summary = TensorFault.summary(names.map { TensorFault($0, "") }, limit: 1)
    return WeightmillError(
      .mismatch, location,
      "holds tensors that are empty, as DeepSpeed ZeRO-3 saves them without gathering: \(summary)",
      remedy: HelpTopic.emptyTensors.after(
        "run zero_to_fp32.py on the training's checkpoint, or save again with "
          + "stage3_gather_16bit_weights_on_model_save"))
  }
}

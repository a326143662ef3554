import WeightmillQuantization
public import WeightmillTensors

/// The outcome of a conversion.
public struct ConversionReport: Sendable {
  /// The values of one tensor that are not finite where they should be, or were lost.
  public struct Fault: Sendable {
    /// The tensor as it was written.
    public let tensor: TensorDescriptor
    /// The number of the tensor's values that were infinite or no numbers before the conversion.
    public let nonFinite: Int
    /// The number of finite values that became infinite since they are too large for the type.
    public let overflowed: Int
    /// The number of values of which little is left because of outliers in their blocks; 0 if they are no more
    /// than ordinary models have.
    public let lost: Int
    /// Whether the values are sums of a base and a delta.
    package let isMerged: Bool

    /// What was found in a tensor; `nil` if that is nothing to report.
    init?(_ tensor: TensorDescriptor, _ found: ValueFaults, isMerged: Bool) {
      let lost = found.drowned.isReported(among: tensor.shape.count) ? found.drowned.count : 0
      guard found.nonFinite > 0 || found.overflowed > 0 || lost > 0 else { return nil }
      (self.tensor, self.isMerged) = (tensor, isMerged)
      (nonFinite, overflowed, self.lost) = (found.nonFinite, found.overflowed, lost)
    }

    /// The problems in words: `holds 2 values that are not finite`.
    public var problems: [String] {
      var problems: [String] = []
      if nonFinite > 0 {
        let origin = isMerged ? " in base + delta" : ""
        problems.append("holds \(Self.values(nonFinite, "not finite\(origin)"))")
      }
      if overflowed > 0 {
        problems.append("held \(Self.values(overflowed, "too large for \(tensor.type.name)"))")
      }
      if lost > 0 {
        let values = lost == 1 ? "1 value" : "\(lost) values"
        problems.append(
          HelpTopic.outliers.after(
            "lost \(values) to outliers: far larger ones in their blocks leave them too few steps"))
      }
      return problems
    }

    private static func values(_ count: Int, _ kind: String) -> String {
      count == 1 ? "1 value that is \(kind)" : "\(count) values that are \(kind)"
    }
  }

  /// The size of everything that was written, in bytes.
  public let byteCount: Int
  /// The number of tensors that an interrupted run wrote, whose bytes were verified and kept.
  package let resumed: Int
  /// Tensors whose bytes were not as the interrupted run's journal says, so that they were made anew.
  package let redone: [String]
  /// The tensors with values that are not finite, or were lost.
  public let faults: [Fault]
  /// What there is to say of tensors whose values are multiples of steps, as trained for a type.
  package let gridNotes: [String]

  /// Refuses what was written if a value of it is not finite or was lost.
  ///
  /// - Parameter location: What was read, for the message.
  /// - Throws: `malformed` when values were not finite before; `unsupported` when they became so,
  ///   or were lost.
  func requireSound(location: String) throws(WeightmillError) {
    guard !faults.isEmpty else { return }
    let shown = faults.prefix(3).map {
      "\(quoted($0.tensor.name)) \($0.problems.joined(separator: " and "))"
    }
    let more = faults.count > 3 ? ", and \(faults.count - 3) more tensors" : ""
    let isDamaged = faults.contains { $0.nonFinite > 0 }
    throw WeightmillError(
      isDamaged ? .malformed : .unsupported, location, shown.joined(separator: ", ") + more,
      remedy: remedy(isDamaged: isDamaged))
  }

  private func remedy(isDamaged: Bool) -> String {
    if isDamaged { return "the weights are damaged, or were merged with the wrong base" }
    return faults.contains { $0.overflowed > 0 }
      ? "write f32 or bf16, or find out why the weights are so large"
      : "give these tensors another type with --tensor-type, or leave out --strict"
  }
}

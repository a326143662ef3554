import WeightmillLLaMA
import WeightmillPresentation
import WeightmillQuantization
import WeightmillTensors

/// Says of each tensor what its scan means.
struct ValueJudge {
  private let candidate: ModelRows
  private let reference: ModelRows?
  private var findings = TensorFindings()
  private var suspects: [TensorIdentification.Suspect] = []

  /// The share of parts lost beside larger values from which on that is likely a mistake; searches of
  /// scales leave none in ordinary weights.
  private static let lostPartShare = 0.001
  /// The share of values beyond the largest of their part from which on that is. Searches of scales
  /// leave up to 0.006 there, those of ternary types 0.016, those of one bit and a half 0.046.
  private static func saturatedShare(_ type: TensorType) -> Double {
    switch type {
    case .tq1_0, .tq2_0, .q2_0, .q1_0: 0.05
    case .iq1_S, .iq1_M: 0.1
    default: type.isScalar ? 0 : 0.02
    }
  }

  /// The share of zero blocks, where there is no reference to tell, from which on that is.
  private static let zeroBlockShare = 0.01

  /// Judges tensors of a candidate, beside a reference if there is one.
  init(candidate: ModelRows, reference: ModelRows?) {
    self.candidate = candidate
    self.reference = reference
  }

  /// Judges a tensor.
  ///
  /// - Parameters:
  ///   - role: What it is for.
  ///   - tensor: Its description.
  ///   - scan: What reading it found.
  mutating func add(_ role: TensorRole, _ tensor: TensorDescriptor, _ scan: TensorScan) {
    guard scan.values > 0 else { return }
    addNonFinite(tensor, scan)
    guard scan.zeroBlocks < scan.blocks else {
      if reference == nil || scan.energy > 0 {
        findings.add(
          .init(
            severity: .error, check: "zeroed-blocks",
            text: "is all zeros\(reference == nil ? "" : ", the reference's is not")",
            remedy: "the file is damaged: fetch or convert it again"),
          tensor: tensor.name, figures: "\(Text.grouped(scan.values)) values", weight: 1)
      }
      return
    }
    if reference == nil {
      addZeroBlocks(role, tensor, scan)
    } else {
      addLost(tensor, scan)
      // Values of a coarser reference lie beyond the scale by its own rounding.
      if let type = reference?.tensor(role)?.type, ErrorBound.isExact(type, beside: tensor.type) {
        addDrowned(tensor, scan)
        addSaturated(tensor, scan)
      }
      addSuspect(role, tensor, scan)
    }
  }

  /// Puts what was found into a list; tensors far from the reference's are looked at once more, to
  /// say what they hold instead.
  ///
  /// - Throws: The errors of reading.
  func list(in list: inout FindingList) throws(WeightmillError) {
    findings.list(in: &list)
    guard let reference, !suspects.isEmpty else { return }
    let identification = TensorIdentification(candidate: candidate, reference: reference)
    try identification.findings(suspects).list(in: &list)
  }

  private mutating func addNonFinite(_ tensor: TensorDescriptor, _ scan: TensorScan) {
    guard scan.nonFinite > 0 else { return }
    let beside =
      reference != nil && scan.referenceNonFinite > 0
      ? ", the reference \(Text.grouped(scan.referenceNonFinite))" : ""
    findings.add(
      .init(
        severity: .error, check: "non-finite", text: "holds values that are infinite or no numbers",
        remedy: HelpTopic.notFinite.after(
          "the model predicts nothing with them: convert it again, to bf16 or f32 if they were too "
            + "large for f16")),
      tensor: tensor.name,
      figures: "\(Text.grouped(scan.nonFinite)) of \(Text.grouped(scan.values))\(beside)",
      weight: Double(scan.nonFinite))
  }

  private mutating func addZeroBlocks(
    _ role: TensorRole, _ tensor: TensorDescriptor, _ scan: TensorScan
  ) {
    let share = Double(scan.zeroBlocks) / Double(scan.blocks)
    guard share > Self.zeroBlockShare else { return }
    // Tokens that never occurred in training have rows of zeros in some models.
    let isByToken = role == .tokenEmbedding || role == .output
    findings.add(
      .init(
        severity: isByToken ? .note : .warning, check: "zeroed-blocks",
        text: "has blocks that are all zeros",
        remedy: isByToken ? nil : "compare it with the model it was made from"),
      tensor: tensor.name,
      figures: "\(Text.grouped(scan.zeroBlocks)) of \(Text.grouped(scan.blocks))", weight: share)
  }

  private mutating func addLost(_ tensor: TensorDescriptor, _ scan: TensorScan) {
    let (blocks, parts) = (scan.lostBlocks, scan.lostParts)
    if blocks > 0 {
      findings.add(
        .init(
          severity: .warning, check: "zeroed-blocks",
          text: "has blocks that are all zeros where the reference's are not",
          remedy: "a hole in the file, or a value so large that it wiped out its block: fetch or "
            + "convert it again"),
        tensor: tensor.name,
        figures: "\(Text.grouped(blocks)) of \(Text.grouped(scan.blocks)) blocks",
        weight: Double(blocks) / Double(scan.blocks))
    } else if !scan.drowned.isReported(among: scan.values),
      Double(parts) > Self.lostPartShare * Double(scan.partCount)
    {
      findings.add(
        .init(
          severity: .warning, check: "zeroed-parts",
          text: "has parts of blocks that became zero beside far larger values",
          remedy: "quantize with an importance matrix, or to a type of more bits"),
        tensor: tensor.name,
        figures: "\(Text.grouped(parts)) of \(Text.grouped(scan.partCount)) parts",
        weight: Double(parts) / Double(scan.partCount))
    }
  }

  private mutating func addDrowned(_ tensor: TensorDescriptor, _ scan: TensorScan) {
    guard scan.drowned.isReported(among: scan.values) else { return }
    let count = scan.drowned.count
    findings.add(
      .init(
        severity: .warning, check: "outliers",
        text: "lost values to far larger ones in their blocks, which leave them too few steps",
        remedy:
          "give it a type of more bits with --tensor-type, and find out where such values come from: "
          + "some plant them to change a model when it is quantized"),
      tensor: tensor.name,
      figures: "\(Text.grouped(count)) of \(Text.grouped(scan.values)) values",
      weight: Double(count) / Double(scan.values))
  }

  private mutating func addSaturated(_ tensor: TensorDescriptor, _ scan: TensorScan) {
    let share = Double(scan.saturated) / Double(scan.values)
    guard share > Self.saturatedShare(tensor.type) else { return }
    findings.add(
      .init(
        severity: .warning, check: "saturated-values",
        text: "cannot reach values of the reference with its scales",
        remedy: tensor.type.isScalar
          ? "convert to bf16 or f32" : "the scales are damaged or ill chosen: quantize it again"),
      tensor: tensor.name,
      figures: "\(Text.grouped(scan.saturated)) of \(Text.grouped(scan.values)) values "
        + "(\(Text.percent(share)))", weight: share)
  }

  private mutating func addSuspect(
    _ role: TensorRole, _ tensor: TensorDescriptor, _ scan: TensorScan
  ) {
    let rows = scan.lostRows
    let bound = ErrorBound.tensor(tensor.type, reference: reference?.tensor(role)?.type)
    guard scan.relativeError > bound || !rows.isEmpty else { return }
    suspects.append(
      .init(role: role, tensor: tensor, rows: rows, relativeError: scan.relativeError, bound: bound)
    )
  }
}

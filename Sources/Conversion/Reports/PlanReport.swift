public import WeightmillTensors

/// A report on a plan or its execution for machines: `--dry-run --json` and `--json`.
public struct PlanReport: Encodable, Sendable {
  /// A tensor of the output.
  package struct Tensor: Encodable, Sendable {
    /// The tensor's name.
    package let name: String
    /// The extents, rows before columns.
    package let shape: [Int]
    /// The name of the type that is read.
    package let sourceType: String
    /// The name of the type that is written.
    package let type: String
    /// The name of the type that the mix wants, if this tensor's rows do not fit it.
    package let fallbackFrom: String?
    /// The size in the output.
    package let bytes: Int
    /// The name of its file, in a folder or a split output.
    package let file: String?
    /// The number of values not finite; `nil` when all are sound or nothing was written yet.
    package let nonFinite: Int?
    /// The number of values that became infinite.
    package let overflowed: Int?
    /// The number of values lost to outliers.
    package let lost: Int?
  }

  /// A file of the output.
  package struct File: Encodable, Sendable {
    /// The file's name.
    package let name: String
    /// The file's size.
    package let bytes: Int
  }

  /// The output's path.
  package let output: String
  /// The size of the files that are written.
  package let bytes: Int
  /// Whether they were written.
  package let written: Bool
  /// The files of a folder or of a split output; `nil` for an output that is one file.
  package let files: [File]?
  /// Remarks for the user.
  package let notes: [String]
  /// Every tensor of the plan, in its order.
  package let tensors: [Tensor]

  /// Describes a plan, and what its execution found.
  ///
  /// - Parameters:
  ///   - plan: The plan.
  ///   - output: The path that it is, or was, written to.
  ///   - part: The number of the only file of a split output that is written, from 1.
  ///   - notes: What the user should know.
  ///   - report: What was found when it was written; `nil` before.
  /// - Throws: The errors of the plan's layout.
  public init(
    _ plan: ConversionPlan, output: String, part: Int? = nil, notes: [String] = [],
    report: ConversionReport? = nil
  ) throws(WeightmillError) {
    let writtenFiles = try plan.layout(path: output).files(part: part)
    self.output = output
    self.notes = notes
    bytes = writtenFiles.reduce(0) { $0 + $1.byteCount }
    written = report != nil
    let named = writtenFiles.compactMap { file in
      file.name.map { File(name: $0, bytes: file.byteCount) }
    }
    files = named.isEmpty ? nil : named
    var fileNames: [Int: String] = [:]
    for file in writtenFiles {
      for (item, _) in file.tensors { fileNames[item] = file.name }
    }
    let faults = Dictionary(
      (report?.faults ?? []).map { (TensorName($0.tensor.name), $0) },
      uniquingKeysWith: { first, _ in first })
    tensors = plan.items.enumerated().map { index, item in
      let fault = faults[TensorName(item.tensor.name)]
      return Tensor(
        name: item.tensor.name, shape: item.tensor.shape.extents,
        sourceType: plan.source.tensors[item.index].type.name, type: item.tensor.type.name,
        fallbackFrom: item.fallbackFrom?.name, bytes: item.tensor.byteCount,
        file: fileNames[index], nonFinite: fault?.nonFinite, overflowed: fault?.overflowed,
        lost: fault?.lost)
    }
  }
}

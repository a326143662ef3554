import Conversion
import GGUF
import Tensors

/// Prints or executes a plan for the commands that write a file.
struct PlanExecution {
  let plan: ConversionPlan
  let output: String
  let options: OutputOptions
  let common: CommonOptions
  /// What the user was told before, for `--json`.
  var notes: [String] = []
  /// What is asked of the input files while they are read.
  var checks: SourceChecks?

  /// Writes the file, or prints what would be written.
  func perform(label: String) throws {
    try options.dryRun ? printPlan() : run(label: label)
  }

  /// Prints every tensor and the size of the file, to the byte.
  private func printPlan() throws {
    let layout = try plan.layout(path: output)
    try ConversionRun(plan, workers: common.workers).checkOutput(output, overwrite: options.force)
    if common.json { return try JSONOutput.print(PlanReport(plan, layout, output, notes)) }
    let rows = plan.items.map { item -> [String] in
      let source = plan.source.tensors[item.index]
      let change =
        source.type == item.tensor.type
        ? item.tensor.type.name : "\(source.type.name) → \(item.tensor.type.name)"
      return [
        printable(item.tensor.name), item.tensor.shape.description, change,
        Text.grouped(item.tensor.byteCount),
      ]
    }
    print(Text.table(rows, alignments: [.left, .right, .left, .right]))
    printFallbacks()
    print("\(printable(output)): \(Text.grouped(layout.byteCount)) bytes; nothing was written")
  }

  /// Writes the file and prints what was done.
  private func run(label: String) throws {
    let line = ProgressLine(label, options: common)
    let began = Terminal.seconds()
    let report = try Interruption.during { cancellation in
      checks?.start(cancellation)
      defer {
        checks?.stop()
        line.finish()
      }
      return try ConversionRun(
        plan, workers: common.workers, cancellation: cancellation,
        progress: { line.update(done: $0.done, total: $0.total) }
      ).write(to: output, overwrite: options.force) { () throws(WeightmillError) in
        try checks?.finish(workers: common.workers, cancellation: cancellation)
      }
    }
    let seconds = Terminal.seconds() - began
    let found = checks?.notes ?? []
    common.printNotes(found)
    if common.json {
      return try JSONOutput.print(
        PlanReport(plan, try plan.layout(path: output), output, notes + found, report))
    }
    printFallbacks()
    for (tensor, count) in report.nonFinite {
      common.printNotes(["\(tensor) holds infinities or values that are not numbers: \(count)"])
    }
    print(
      "\(printable(output)): \(Text.bytes(report.byteCount)) in \(Text.fixed(seconds, 2)) s, \(types)"
    )
  }

  private func printFallbacks() {
    for item in plan.items {
      guard let wanted = item.fallbackFrom else { continue }
      common.printNotes([
        "\(item.tensor.name) is \(item.tensor.type.name), not \(wanted.name): its rows of "
          + "\(item.tensor.shape.columns) values are no multiple of \(wanted.valuesPerBlock)"
      ])
    }
  }

  /// How many tensors have which type: `27 Q4_0, 9 F32, 1 Q6_K`.
  private var types: String {
    let counts = Dictionary(grouping: plan.items, by: \.tensor.type).mapValues(\.count)
    return counts.sorted { ($1.value, $0.key.name) < ($0.value, $1.key.name) }
      .map { "\($0.value) × \($0.key.name)" }.joined(separator: ", ")
  }
}

/// What `--json` prints of a plan or of its execution.
private struct PlanReport: Encodable {
  struct Tensor: Encodable {
    let name: String
    let shape: [Int]
    let sourceType: String
    let type: String
    let fallbackFrom: String?
    let bytes: Int
    let nonFinite: Int?
  }

  let output: String
  let bytes: Int
  let written: Bool
  let notes: [String]
  let tensors: [Tensor]

  init(
    _ plan: ConversionPlan, _ layout: GGUFLayout, _ output: String, _ notes: [String],
    _ report: ConversionReport? = nil
  ) {
    self.output = output
    self.notes = notes
    bytes = layout.byteCount
    written = report != nil
    let losses = Dictionary(
      (report?.nonFinite ?? []).map { ($0.tensor, $0.count) },
      uniquingKeysWith: { first, _ in first })
    tensors = plan.items.map { item in
      Tensor(
        name: item.tensor.name, shape: item.tensor.shape.extents,
        sourceType: plan.source.tensors[item.index].type.name, type: item.tensor.type.name,
        fallbackFrom: item.fallbackFrom?.name, bytes: item.tensor.byteCount,
        nonFinite: losses[item.tensor.name])
    }
  }
}

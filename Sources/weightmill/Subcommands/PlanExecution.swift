import WeightmillConversion
import WeightmillFeedback
import WeightmillLLaMA
import WeightmillModels
import WeightmillPresentation
import WeightmillTensors

/// Prints or executes a plan for the commands that write weights.
struct PlanExecution {
  let plan: ConversionPlan
  let output: String
  let options: OutputOptions
  let common: CommonOptions
  /// What the user was told before, for `--json`.
  var notes: [String] = []
  /// What is asked of the input files while they are read.
  var checks: SourceChecks?
  /// The number of the only file of a split output that is written.
  var part: Int?
  /// How the plan is executed with error feedback, if it is.
  var calibrated: CalibratedWriting?
  /// How its types were chosen for a size, if they were.
  var allocated: AllocatedWriting.Summary?

  /// Writes the output, or prints what would be written.
  func perform(label: String) throws {
    try options.dryRun ? printPlan() : write(label: label)
  }

  /// Prints every tensor and the sizes of the files, to the byte.
  private func printPlan() throws {
    let layout = try plan.layout(path: output)
    try ConversionRun(plan, workers: common.workers).checkOutput(output, run)
    try calibrated?.dryRun()
    let obstacle = plan.obstacle.map { ["this cannot be written: \($0)"] } ?? []
    common.printNotes(obstacle)
    if common.json {
      return try JSONOutput.print(
        GuidedReport(
          plan: try PlanReport(plan, output: output, part: part, notes: notes + obstacle),
          feedback: nil, allocation: allocated))
    }
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
    try StandardOutput.print(Text.table(rows, alignments: [.left, .right, .left, .right]))
    printFallbacks()
    let files = layout.files.compactMap { file in
      file.name.map { [printable($0), Text.grouped(file.byteCount)] }
    }
    if !files.isEmpty {
      try StandardOutput.print("\n" + Text.table(files, alignments: [.left, .right]) + "\n")
    }
    try StandardOutput.print(reading)
    try StandardOutput.print(
      "\(printable(output)): \(Text.grouped(layout.byteCount)) bytes; nothing was written")
  }

  /// What will be read, and with how much memory.
  private var reading: String {
    let files = plan.sources.isEmpty ? plan.inputs : plan.sources.map(\.path)
    let bytes = plan.sources.reduce(0) { $0 + $1.byteCount }
    let size = bytes > 0 ? ", \(Text.grouped(bytes)) bytes," : ""
    return "reads \(files.count) \(files.count == 1 ? "file" : "files")\(size) with at most "
      + "\(Text.grouped(run.memory)) bytes of buffers"
  }

  /// The files that are written: all, or the part.
  private var writtenFiles: [OutputLayout.File] {
    get throws(WeightmillError) {
      try plan.layout(path: output).files(part: part)
    }
  }

  /// How the plan is executed.
  private var run: RunOptions {
    var run = options.run
    run.part = part
    return run
  }

  /// Writes the output and prints what was done.
  private func write(label: String) throws {
    noteLeftovers()
    let began = Terminal.seconds()
    if let calibrated {
      let outcome = try calibrated.write(
        judging: { (sources) throws(WeightmillError) in try checks?.judge(sources) })
      return try report(
        outcome.report.conversion, since: began, notes + outcome.notes,
        more: outcome.notes.suffix(1), outcome.summary)
    }
    let line = ProgressLine(label, options: common)
    let report = try Interruption.during { cancellation in
      defer { line.finish() }
      return try ConversionRun(
        plan, workers: common.workers, cancellation: cancellation,
        progress: { line.update(done: $0.done, total: $0.total) }
      ).write(
        to: output, run,
        judging: { (sources) throws(WeightmillError) in try checks?.judge(sources) })
    }
    try self.report(report, since: began, notes)
  }

  /// Prints what was done.
  ///
  /// - Parameters:
  ///   - report: What a run tells.
  ///   - began: When it began.
  ///   - notes: What the user was told before.
  ///   - more: What there is to tell besides.
  ///   - summary: What error feedback did.
  /// - Throws: What printing throws.
  private func report(
    _ report: ConversionReport, since began: Double, _ notes: [String], more: [String] = [],
    _ summary: CalibratedWriting.Summary? = nil
  ) throws {
    let seconds = Terminal.seconds() - began
    let found = (checks?.notes ?? []) + resumption(report) + report.gridNotes
    common.printNotes(found + more)
    if common.json {
      return try JSONOutput.print(
        GuidedReport(
          plan: try PlanReport(
            plan, output: output, part: part, notes: notes + found, report: report),
          feedback: summary, allocation: allocated))
    }
    printFallbacks()
    for fault in report.faults {
      common.printNotes(fault.problems.map { "\(fault.tensor.name) \($0)" })
    }
    let files = try writtenFiles
    let name = part == nil ? output : files[0].name ?? output
    try StandardOutput.print(
      "\(printable(name)): \(files.count > 1 ? "\(files.count) files, " : "")\(Text.bytes(report.byteCount)) "
        + "in \(Text.fixed(seconds, 2)) s, \(types(files))")
  }

  /// Says that an interrupted run has left something, when it is not continued.
  private func noteLeftovers() {
    guard !options.resume else { return }
    common.printNotes(
      ConversionRun.leftovers(of: output).map {
        "an interrupted run left \($0) and what it had written; --resume continues it, or remove both"
      })
  }

  /// What was taken over from an interrupted run, for people.
  private func resumption(_ report: ConversionReport) -> [String] {
    guard options.resume else { return [] }
    let first = report.redone.prefix(3).joined(separator: ", ")
    let redone =
      report.redone.isEmpty
      ? []
      : [
        "\(report.redone.count) tensors were not as the interrupted run had noted, and were made anew: "
          + first + (report.redone.count > 3 ? ", …" : "")
      ]
    return redone + [
      report.resumed > 0
        ? "\(report.resumed) of \(plan.items.count) tensors were there already, and are verified"
        : "there was nothing to continue; everything was done anew"
    ]
  }

  /// Names the tensors that have another type than the mix wants, those alike together.
  private func printFallbacks() {
    struct Kind: Hashable {
      let wanted: TensorType
      let type: TensorType
      let columns: Int
    }
    var kinds: [Kind] = []
    var names: [Kind: [String]] = [:]
    for item in plan.items {
      guard let wanted = item.fallbackFrom else { continue }
      let kind = Kind(
        wanted: wanted, type: item.tensor.type, columns: item.tensor.shape.columns)
      if names[kind] == nil { kinds.append(kind) }
      names[kind, default: []].append(item.tensor.name)
    }
    common.printNotes(
      kinds.map { kind in
        let tensors = TensorFault.summary((names[kind] ?? []).map { TensorFault($0, "") })
        return "\(kind.type.name) instead of \(kind.wanted.name), since rows of \(kind.columns) "
          + "values are no multiple of \(kind.wanted.valuesPerBlock): \(tensors)"
      })
  }

  /// How many tensors have which type: `27 Q4_0, 9 F32, 1 Q6_K`.
  private func types(_ files: [OutputLayout.File]) -> String {
    let items = files.flatMap(\.tensors).map { plan.items[$0.item] }
    let counts = Dictionary(grouping: items, by: \.tensor.type).mapValues(\.count)
    return counts.sorted { ($1.value, $0.key.name) < ($0.value, $1.key.name) }
      .map { "\($0.value) × \($0.key.name)" }.joined(separator: ", ")
  }
}

/// The report on a plan, and beside its members what error feedback did and how types were chosen.
private struct GuidedReport: Encodable {
  let plan: PlanReport
  let feedback: CalibratedWriting.Summary?
  let allocation: AllocatedWriting.Summary?

  private enum Keys: String, CodingKey { case feedback, allocation }

  func encode(to encoder: any Encoder) throws {
    try plan.encode(to: encoder)
    var members = encoder.container(keyedBy: Keys.self)
    try members.encodeIfPresent(feedback, forKey: .feedback)
    try members.encodeIfPresent(allocation, forKey: .allocation)
  }
}

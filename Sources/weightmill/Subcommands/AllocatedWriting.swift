import WeightmillAllocation
import WeightmillCalibration
import WeightmillConversion
import WeightmillLLaMA
import WeightmillModels
import WeightmillOutput
import WeightmillPresentation
import WeightmillQuantization
import WeightmillTensors

/// Plans a file of some size: measures if that is to be done, and chooses the types.
struct AllocatedWriting {
  let allocation: AllocationOptions
  let target: SizeTarget
  /// How the model writes text itself.
  let selfText: SelfWritingOptions
  /// The model; `nil` if Weightmill does not compute it.
  let model: LoadedModel?
  /// The input, for messages.
  let input: String
  let output: String
  let writing: OutputOptions
  let common: CommonOptions

  /// What was chosen, for machines.
  struct Summary: Encodable {
    let mostBytes: Int
    let bytes: Int
    let mix: String
    let mixBytes: Int
    let mixDivergence: Double?
    let divergence: Double
    let isExact: Bool
    let unmeasured: [String]
    let types: [String: Int]
  }

  /// A plan and what there is to say of it.
  struct Planned {
    let plan: ConversionPlan
    let summary: Summary
    let notes: [String]
  }

  /// Plans the file.
  ///
  /// - Parameters:
  ///   - options: What was asked for besides.
  ///   - make: Makes a plan of options.
  /// - Returns: The plan; `nil` for a dry run that would have to measure first, and has said what that takes.
  /// - Throws: The errors of measuring and of files; `usage` when the size cannot be met.
  func plan(
    _ options: QuantizationOptions, make: AllocatedPlan.Maker
  ) throws -> Planned? {
    var options = options
    try checkTypes()
    // What stands in the way of any plan is said before minutes are spent.
    _ = try make(options)
    let found: Sensitivities
    var notes: [String] = []
    if let path = allocation.sensitivity {
      found = try SensitivityFile.read(path)
      notes += try self.notes(on: found, path, options)
    } else {
      guard let measured = try measure(&options) else { return nil }
      found = measured
    }
    let wanted = allocation.trying.isGiven ? allocation.trying.types : found.origin.types
    let types = wanted.filter { type in
      !type.needsImportance || options.importance != nil || options.isCalibrated
    }
    notes += untried(types, found) + left(out: wanted.filter { !types.contains($0) })
    let planned = try AllocatedPlan(
      target, by: DivergenceModel(found), among: types, options: options, path: output, make: make)
    notes += words(planned, isCalibrated: options.isCalibrated)
    try saveTypes(planned)
    return Planned(plan: planned.plan, summary: summary(planned), notes: notes)
  }

  // MARK: Measuring

  /// The measuring of the text of --text, and the importance it gives if there is none.
  private func measure(_ options: inout QuantizationOptions) throws -> Sensitivities? {
    guard let model else {
      throw WeightmillError(
        .unsupported, input, "is of an architecture that Weightmill does not compute",
        remedy: "give types by --tensor-type")
    }
    let reading = TextReading(
      texts: CalibrationTexts(texts: allocation.text, ids: [], context: 512), writing: selfText,
      options: selfText.options(tokens: nil), keepsText: false, common: common)
    let whole = try model.llama.inGGUFOrder()
    func measured(_ text: CalibrationText) throws(WeightmillError) -> SensitivityText {
      try SensitivityText(
        text, sample: SensitivityRun.usualSample, for: model, orElse: "give more text")
    }
    if writing.dryRun {
      let words = try SensitivityMeasuring.words(
        for: whole, try measured(try reading.planned(for: model)), types: allocation.trying.types,
        common)
      common.printNotes(["the types are measured first: " + words])
      return nil
    }
    try OutputFile.check(
      output, overwrite: writing.force || writing.resume, inputs: model.files + reading.files)
    let text = try reading.read(for: model, overwrite: false, inputs: model.files)
    let measuring = try SensitivityMeasuring(
      model: whole, text: try measured(text), importance: options.importance?.matrix,
      types: allocation.trying.types, common: common)
    if let learnt = measuring.learnt, !options.isCalibrated {
      options.importance = ImportanceSelection(learnt, path: allocation.text[0])
      common.printNotes(["importance is learnt from the same text"])
    }
    return try measuring.measure(resuming: nil) { _ in }
  }

  // MARK: Words

  private func notes(
    on found: Sensitivities, _ path: String, _ options: QuantizationOptions
  ) throws(WeightmillError) -> [String] {
    guard found.isComplete else {
      throw WeightmillError(
        .mismatch, path, "was not finished",
        remedy: "finish it: `weightmill sensitivity … --output \(path) --resume`")
    }
    var notes: [String] = []
    if let model, try !found.isOf(try model.llama.inGGUFOrder()) {
      notes.append(
        "\(path) was measured on another model of the same shape: its types may not be the best here"
      )
    }
    if !found.origin.importance.isEmpty, options.importance == nil, !options.isCalibrated {
      notes.append(
        "\(path) was measured with importance, and none is given: see --imatrix, and "
          + "`weightmill sensitivity --save-imatrix`")
    }
    return notes
  }

  /// The types that were asked for and never measured.
  private func untried(_ types: [TensorType], _ found: Sensitivities) -> [String] {
    let untried = types.filter { type in !found.matrices.contains { $0.errors[type] != nil } }
    let fallbacks = untried.filter { !found.origin.types.contains($0) }
    return fallbacks.isEmpty
      ? []
      : [
        "not measured, and not chosen: "
          + fallbacks.map { $0.name.lowercased() }.joined(separator: ", ")
      ]
  }

  private func left(out types: [TensorType]) -> [String] {
    types.isEmpty
      ? []
      : [
        "without importance not chosen: "
          + types.map { $0.name.lowercased() }.joined(separator: ", ")
          + "; see --imatrix"
      ]
  }

  private func words(_ planned: AllocatedPlan, isCalibrated: Bool) -> [String] {
    let before = planned.mixDivergence.map {
      "; \(planned.mix.rawValue.lowercased()), \(Text.bytes(planned.mixBytes)), has "
        + Text.significant($0)
    }
    var notes = [
      "types chosen for \(Text.bytes(planned.mostBytes)): a divergence of "
        + "\(Text.significant(planned.allocation.divergence)) is expected"
        + (isCalibrated ? " without error feedback" : "") + (before ?? "")
    ]
    let unmeasured = planned.allocation.unmeasured
    if !unmeasured.isEmpty {
      let more = unmeasured.count > 3 ? ", …" : ""
      notes.append(
        "not measured, with the types of \(planned.mix.rawValue.lowercased()): "
          + unmeasured.prefix(3).joined(separator: ", ") + more)
    }
    if !planned.allocation.isExact {
      notes.append(
        "there may be a choice of the types that is better by a hair: too many come near")
    }
    return notes
  }

  private func summary(_ planned: AllocatedPlan) -> Summary {
    var types: [String: Int] = [:]
    for (_, type) in planned.allocation.types { types[type.name, default: 0] += 1 }
    return Summary(
      mostBytes: planned.mostBytes, bytes: planned.bytes, mix: planned.mix.rawValue,
      mixBytes: planned.mixBytes, mixDivergence: planned.mixDivergence,
      divergence: planned.allocation.divergence, isExact: planned.allocation.isExact,
      unmeasured: planned.allocation.unmeasured, types: types)
  }

  // MARK: The types as a file

  private var inputs: [String] {
    (model?.files ?? [input]) + [allocation.sensitivity].compactMap(\.self)
      + allocation.text.filter { $0 != CalibrationTexts.selfName }
  }

  /// Refuses a name for the types before anything takes time.
  private func checkTypes() throws(WeightmillError) {
    guard let path = allocation.saveTypes else { return }
    try OutputFile.check(path, overwrite: writing.force, inputs: inputs)
    try OutputFile.check(path, isNot: output)
  }

  private func saveTypes(_ planned: AllocatedPlan) throws(WeightmillError) {
    guard let path = allocation.saveTypes else { return }
    try OutputFile.write(
      Array(planned.allocation.rules.utf8), to: path, overwrite: writing.force, inputs: inputs)
  }
}

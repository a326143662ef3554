import ArgumentParser
import WeightmillAllocation
import WeightmillCalibration
import WeightmillConversion
import WeightmillFeedback
import WeightmillLLaMA
import WeightmillModels
import WeightmillPresentation
import WeightmillQuantization
import WeightmillTensors
import WeightmillTokenization

/// The types among which those of a file of some size are chosen.
struct TriedTypesOption: ParsableArguments {
  @Option(
    name: .customLong("types"),
    help: ArgumentHelp(
      """
      The types to choose from, such as q4_k or iq4_xs; rows that one does not fit get the one that \
      quantize takes in its place (default: q2_k, q3_k, iq4_xs, q4_k, q5_k, q6_k, q8_0).
      """, valueName: "type,…"), transform: Self.types)
  private var list: [TensorType]?

  /// Whether types were named.
  var isGiven: Bool { list != nil }

  /// The types, those with fewer bits first.
  var types: [TensorType] { list ?? Self.defaults }

  private static let defaults: [TensorType] = [
    .q2_K, .q3_K, .iq4_XS, .q4_K, .q5_K, .q6_K, .q8_0,
  ]

  /// Names of types with commas between them.
  private static func types(_ text: String) throws -> [TensorType] {
    let known = QuantizationOptions.types.filter(RowEncoder.types.contains)
    var types: [TensorType] = []
    for name in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let type = known.first(where: { $0.name.uppercased() == name.uppercased() }) else {
        throw ValidationError(
          "\(quoted(String(name))) is no type; types: "
            + known.map { $0.name.lowercased() }.joined(separator: ", "))
      }
      if !types.contains(type) { types.append(type) }
    }
    return types.sorted { ($0.bitsPerValue, $0.name) < ($1.bitsPerValue, $1.name) }
  }
}

/// The text by which types are measured.
struct SensitivityText {
  /// How many tokens each matrix is measured by, unless another number is asked for.
  static let defaultSample = 1024

  let texts: CalibrationTexts
  let writing: SelfWritingOptions
  let options: SelfWrittenText.Options
  /// Whether what the model wrote is kept as was asked for.
  var keepsText = true
  let sample: Int
  let common: CommonOptions

  /// The files that are read.
  var files: [String] { texts.files + [writing.draft].compactMap(\.self) }

  /// Reads the texts, or lets the model write.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - tokenizer: Its tokenizer.
  ///   - overwrite: Whether a text that is kept may replace a file.
  ///   - inputs: Files that are read.
  /// - Returns: All of its windows.
  /// - Throws: The errors of reading; `mismatch` when it fills no window.
  func read(
    for model: LoadedModel, _ tokenizer: ModelTokenizer, overwrite: Bool, inputs: [String]
  ) throws(WeightmillError) -> CalibrationText {
    var text = CalibrationText(context: texts.context)
    // All files are read before the model writes, so that what is wrong with one is found at once.
    for part in try texts.read(for: model, tokenizer) {
      if let part {
        text.add(part)
        continue
      }
      var writer = model
      if let draft = writing.draft {
        writer = try ModelLoader.load(draft)
        try SelfWrittenText.check(draft: writer, for: model)
      }
      let written = try writing.compose(
        by: writer.llama, tokenizer, context: texts.context, options, common)
      if keepsText { try writing.keep(written, overwrite: overwrite, inputs: inputs, tokenizer) }
      text.add(written)
    }
    return try checked(text, model)
  }

  /// The same with placeholders for what the model would write.
  func planned(
    for model: LoadedModel, _ tokenizer: ModelTokenizer
  ) throws(WeightmillError) -> CalibrationText {
    var text = CalibrationText(context: texts.context)
    for part in try texts.read(for: model, tokenizer) {
      if let part { text.add(part) } else { text.add(placeholdersFor: options.tokens) }
    }
    return try checked(text, model)
  }

  private func checked(
    _ text: CalibrationText, _ model: LoadedModel
  ) throws(WeightmillError) -> CalibrationText {
    guard text.windows.tokenCount > 0 else {
      throw WeightmillError(
        .mismatch, model.llama.catalogue.location,
        "cannot be measured with this text: \(text.leftOut) tokens do not fill a window of "
          + "\(text.context)", remedy: "give more text, or a smaller --context")
    }
    return text
  }

  /// The windows by which the model in each type is measured: twice as much, since so few models are.
  func spread(_ text: CalibrationText) -> CalibrationText { text.spread(tokens: 2 * sample) }

  /// The parts of a text by which matrices are measured.
  func sampled(_ text: CalibrationText) -> CalibrationText {
    text.sampled(tokens: sample)
  }
}

/// Measures sensitivities, and learns what guides the encoders if nothing is given.
struct SensitivityMeasuring {
  /// What the streams may take.
  static let memory = 1 << 30

  let run: SensitivityRun
  /// The importance that guides the encoders.
  let importance: ImportanceMatrix
  /// The importance, if it was learnt from the text.
  let learnt: ImportanceMatrix?
  let common: CommonOptions

  init(
    model: LlamaModel, text: CalibrationText, by texts: SensitivityText,
    importance: ImportanceMatrix?, types: [TensorType], common: CommonOptions
  ) throws(WeightmillError) {
    self.common = common
    if let importance {
      (self.importance, learnt) = (importance, nil)
    } else {
      let line = ProgressLine("learning", options: common)
      defer { line.finish() }
      let found = try ImportanceCollector(model, workers: common.workers).run(text) {
        line.update(share: $0)
      }
      (self.importance, learnt) = (found, found)
    }
    run = try SensitivityRun(
      model, importance: self.importance, text: texts.spread(text), sample: texts.sampled(text),
      types: types, memory: Self.memory,
      workers: common.workers)
  }

  /// Measures, and draws the progress.
  func measure(
    resuming earlier: Sensitivities?,
    saving save: (Sensitivities) throws(WeightmillError) -> Void
  ) throws -> Sensitivities {
    if earlier?.isComplete != true { common.printNotes([Self.words(run.cost, common)]) }
    let line = ProgressLine("measuring", options: common)
    return try Interruption.during { cancellation in
      defer { line.finish() }
      return try run.run(resuming: earlier, until: cancellation, saving: save) {
        line.update(share: $0)
      }
    }
  }

  /// What it will take, with an estimate of the time from what this machine does now.
  static func words(_ cost: SensitivityCost, _ common: CommonOptions) -> String {
    let rate = MatrixSpeed.measured(common.workers)
    return
      "\(Text.grouped(cost.matrices)) matrices by \(Text.grouped(cost.tokens)) tokens each: "
      + "\(Text.bytes(cost.memory)) of memory, about \(Text.duration(cost.operations / rate)) at "
      + "\(Text.significant(rate / 1e9)) GFLOP/s"
  }
}

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
  var types: [TensorType] { list ?? SensitivityRun.usualTypes }

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

/// The parts of a text by which types are measured.
struct SensitivityText {
  let text: CalibrationText
  let sample: Int

  /// Takes a text.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - sample: By how many tokens each matrix is measured.
  ///   - model: The model, for messages.
  ///   - remedy: What to do if there is too little of it.
  /// - Throws: `mismatch` when it fills no window.
  init(
    _ text: CalibrationText, sample: Int, for model: LoadedModel, orElse remedy: String
  ) throws(WeightmillError) {
    guard text.windows.tokenCount > 0 else {
      throw WeightmillError(
        .mismatch, model.llama.catalogue.location,
        "cannot be measured with this text: \(text.leftOut) tokens do not fill a window of "
          + "\(text.context)", remedy: remedy)
    }
    self.text = text
    self.sample = sample
  }

  /// The windows by which the model in each type is measured: twice as much, since so few models are.
  var spread: CalibrationText { text.spread(tokens: 2 * sample) }

  /// The parts of a text by which matrices are measured.
  var beginnings: CalibrationText { text.sampled(tokens: sample) }
}

/// Measures sensitivities, and learns what guides the encoders if nothing is given.
struct SensitivityMeasuring {
  let run: SensitivityRun
  /// The importance that guides the encoders.
  let importance: ImportanceMatrix
  /// The importance, if it was learnt from the text.
  let learnt: ImportanceMatrix?
  let common: CommonOptions

  init(
    model: LlamaModel, text: SensitivityText,
    importance: ImportanceMatrix?, types: [TensorType], common: CommonOptions
  ) throws(WeightmillError) {
    self.common = common
    if let importance {
      (self.importance, learnt) = (importance, nil)
    } else {
      let line = ProgressLine("learning", options: common)
      defer { line.finish() }
      let found = try ImportanceCollector(model, workers: common.workers).run(text.text) {
        line.update(share: $0)
      }
      (self.importance, learnt) = (found, found)
    }
    run = try SensitivityRun(
      model, importance: self.importance, text: text.spread, sample: text.beginnings, types: types,
      memory: SensitivityRun.usualMemory, workers: common.workers)
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

  /// What measuring would take, without learning or measuring anything.
  static func words(
    for model: LlamaModel, _ text: SensitivityText, types: [TensorType], _ common: CommonOptions
  ) throws(WeightmillError) -> String {
    let run = try SensitivityRun(
      model, importance: nil, text: text.spread, sample: text.beginnings, types: types,
      memory: SensitivityRun.usualMemory, workers: common.workers)
    return words(run.cost, common)
  }

  /// What it will take, with an estimate of the time from what this machine does now.
  private static func words(_ cost: SensitivityCost, _ common: CommonOptions) -> String {
    let rate = MatrixSpeed.measured(common.workers)
    return
      "\(Text.grouped(cost.matrices)) matrices by \(Text.grouped(cost.tokens)) tokens each: "
      + "\(Text.bytes(cost.memory)) of memory, about \(Text.duration(cost.operations / rate)) at "
      + "\(Text.significant(rate / 1e9)) GFLOP/s"
  }
}

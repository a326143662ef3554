import ArgumentParser
import WeightmillAllocation
import WeightmillConversion
import WeightmillModels
import WeightmillOutput
import WeightmillQuantization
import WeightmillReporting
import WeightmillTensors

/// The page that `sensitivity` writes of what it has measured.
struct SensitivityPageOptions: ParsableArguments {
  @Option(
    help: """
      Write a page that shows what files of every size lose, and which types they have; - is standard \
      output.
      """, completion: .file(extensions: ["html"]))
  var html: String?

  private static let standardOutput = "-"

  /// Whether the page goes to standard output, so that nothing else may.
  var isPrinted: Bool { html == Self.standardOutput }

  /// Refuses what could not be written, before anything is measured.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - force: Whether a page that exists may be replaced.
  ///   - inputs: Files that are read.
  ///   - outputs: Other files that are written.
  /// - Throws: `cannotWrite` or `usage`; the errors of planning a file of the model.
  func check(
    for model: LoadedModel, overwrite force: Bool, inputs: [String], outputs: [String]
  ) throws(WeightmillError) {
    guard let html else { return }
    if !isPrinted {
      try ReportFile.check(html, overwrite: force, inputs: inputs)
      for output in outputs { try OutputFile.check(html, isNot: output) }
    }
    _ = try Self.plan(model, QuantizationOptions(.q8_0))
  }

  /// Writes the page.
  ///
  /// - Parameters:
  ///   - found: What was measured.
  ///   - model: The model.
  ///   - path: Its path.
  ///   - importance: What guided the encoders.
  ///   - force: Whether a page that exists may be replaced.
  ///   - inputs: Files that are read.
  /// - Throws: `cannotWrite`, `inputOutput`; the errors of planning.
  func write(
    _ found: Sensitivities, of model: LoadedModel, at path: String,
    guidedBy importance: ImportanceSelection, overwrite force: Bool, inputs: [String]
  ) throws(WeightmillError) {
    guard let html else { return }
    var options = QuantizationOptions(.q8_0)
    // With it the mixes have other types.
    options.importance = importance
    let front = try SizeFront(
      by: DivergenceModel(found), among: found.origin.types, options: options, path: "model.gguf"
    ) { (options) throws(WeightmillError) in try Self.plan(model, options) }
    let page = SizesReport(
      model: path, version: Weightmill.version, sensitivities: found, front: front
    ).html
    guard !isPrinted else { return try StandardOutput.print(page, terminator: "") }
    try ReportFile.write(page, to: html, overwrite: force, inputs: inputs)
  }

  private static func plan(
    _ model: LoadedModel, _ options: QuantizationOptions
  ) throws(WeightmillError) -> ConversionPlan {
    guard model.metadata != nil else {
      return try ConversionPlan(convert: model, with: options, name: "model")
    }
    var options = options
    options.allowsRequantizing = true
    return try ConversionPlan(quantize: model, with: options)
  }
}

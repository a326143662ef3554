import ArgumentParser
import WeightmillCalibration
import WeightmillConversion
import WeightmillFeedback
import WeightmillModels
import WeightmillOutput
import WeightmillPresentation
import WeightmillTensors

/// The options of commands that quantize with error feedback.
struct CalibrationOptions: ParsableArguments {
  @Option(
    help: """
      Round each column with an eye on what was lost in those before it, by what this text sends into \
      the matrices; or self: text that the model writes (repeatable).
      """, completion: .file())
  var calibrate: [String] = []

  @Option(
    name: .customLong("calibration-ids"),
    help: ArgumentHelp(
      "The same with a JSON file of token ids: a list, or a list of lists (repeatable).",
      valueName: "file"),
    completion: .file(extensions: ["json"]))
  var ids: [String] = []

  @Option(
    help: ArgumentHelp(
      "How many tokens the model writes for --calibrate self (default: 32768).", valueName: "count")
  )
  var calibrationTokens: Int?

  @Option(
    help: ArgumentHelp(
      "How many tokens a window of these texts holds (default: 512).", valueName: "count"))
  var calibrationContext: Int?

  @OptionGroup var selfText: SelfWritingOptions

  @Option(
    help: ArgumentHelp(
      "Keep the importance that these texts give, as `weightmill imatrix` writes it.",
      valueName: "file"),
    completion: .file(extensions: ["gguf"]))
  var saveImatrix: String?

  /// Whether there is a text.
  var isGiven: Bool { !calibrate.isEmpty || !ids.isEmpty }

  /// The first of these options that was given.
  var given: String? { isGiven ? (calibrate.isEmpty ? "--calibration-ids" : "--calibrate") : other }

  private var other: String? {
    let options =
      [
        ("--calibration-context", calibrationContext != nil),
        ("--save-imatrix", saveImatrix != nil),
      ] + optionsOfSelf
    return options.first { $0.1 }?.0
  }

  private var optionsOfSelf: [(name: String, isGiven: Bool)] {
    [("--calibration-tokens", calibrationTokens != nil)] + selfText.all
  }

  func validate() throws {
    if !isGiven, let other { throw ValidationError("\(other) goes with --calibrate") }
    guard calibrate.count(where: { $0 == CalibrationTexts.selfName }) <= 1 else {
      throw ValidationError(
        "--calibrate self is given twice: give it once, and --calibration-tokens")
    }
    if !calibrate.contains(CalibrationTexts.selfName),
      let ofSelf = optionsOfSelf.first(where: \.isGiven)?.name
    {
      throw ValidationError("\(ofSelf) goes with --calibrate self")
    }
    guard (1...1 << 24).contains(calibrationTokens ?? 1) else {
      throw ValidationError("--calibration-tokens must be from 1 to \(1 << 24)")
    }
    guard (2...1 << 20).contains(calibrationContext ?? 2) else {
      throw ValidationError("--calibration-context must be from 2 to 1048576")
    }
  }

  /// The texts.
  var texts: CalibrationTexts {
    CalibrationTexts(texts: calibrate, ids: ids, context: calibrationContext ?? 512)
  }

  /// How the model writes.
  var options: SelfWrittenText.Options { selfText.options(tokens: calibrationTokens) }
}

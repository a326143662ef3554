import ArgumentParser
import WeightmillCalibration

/// The text of a command that only learns: files, ids, what the model writes, and how it is cut.
struct TextOptions: ParsableArguments {
  @Option(
    help: "A UTF-8 text file, or self: what the model writes; may be given several times.",
    completion: .file())
  var text: [String] = []

  @Option(
    name: .customLong("tokens-file"),
    help: ArgumentHelp(
      "A JSON file with ids: a list, or a list of lists; may be given several times.",
      valueName: "file"),
    completion: .file(extensions: ["json"]))
  var tokensFiles: [String] = []

  @OptionGroup var selfText: SelfTextOptions

  @Option(help: "How many tokens a window holds.")
  var context = 512

  @Flag(help: "Read the texts of control tokens, such as <|im_start|>, as these tokens.")
  var parseSpecial = false

  /// Whether there is a text.
  var isGiven: Bool { !text.isEmpty || !tokensFiles.isEmpty }

  /// Refuses to learn from nothing.
  func requireText() throws {
    guard isGiven else { throw ValidationError("give a text with --text") }
  }

  func validate() throws {
    let selves = text.count { $0 == CalibrationTexts.selfName }
    guard selves <= 1 else {
      throw ValidationError("--text self is given twice: give it once, and --tokens")
    }
    if selves == 0, let option = selfText.given {
      throw ValidationError("\(option) goes with --text self")
    }
    guard context >= 2, context <= 1 << 20 else {
      throw ValidationError("--context must be from 2 to 1048576")
    }
  }

  /// The texts.
  var texts: CalibrationTexts {
    CalibrationTexts(
      texts: text, ids: tokensFiles, context: context, parsesControl: parseSpecial)
  }
}

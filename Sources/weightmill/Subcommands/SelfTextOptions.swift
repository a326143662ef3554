import ArgumentParser
import WeightmillCalibration

/// How a model writes the text that it learns from.
struct SelfTextOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How many tokens the model writes for --text self, in whole windows (default: 32768).",
      valueName: "count"))
  var tokens: Int?

  @OptionGroup var writing: SelfWritingOptions

  @Option(
    help: """
      How many bytes the windows take that --text self writes side by side; the text is the same \
      (default: 1GiB).
      """)
  var memory: ByteSize?

  func validate() throws {
    guard (1...1 << 24).contains(tokens ?? 1) else {
      throw ValidationError("--tokens must be from 1 to \(1 << 24)")
    }
    guard memory?.bytes ?? 1 << 20 >= 1 << 20 else {
      throw ValidationError("--memory must be 1MiB or more")
    }
  }

  /// The first option that has no effect unless the model writes.
  var given: String? {
    let options =
      [("--tokens", tokens != nil)] + writing.all + [("--memory", memory != nil)]
    return options.first { $0.1 }?.0
  }

  /// How text is written.
  var options: SelfWrittenText.Options {
    var options = writing.options(tokens: tokens)
    if let memory { options.memory = memory.bytes }
    return options
  }
}

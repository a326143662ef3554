import ArgumentParser
import WeightmillTensors

/// The command line: parses, runs, and turns errors into one line and an exit code.
@main
struct WeightmillCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weightmill",
    abstract: "Turns LLaMA checkpoints and delta weights into GGUF files, and proves them right.",
    discussion: """
      EXAMPLES
        weightmill convert llama-13b --delta Ziya-LLaMA-13B-v1 --output ziya-f16.gguf
        weightmill quantize ziya-f16.gguf ziya-q4_0.gguf q4_0
        weightmill verify-logits ziya-q4_0.gguf --reference llama-13b \\
          --delta Ziya-LLaMA-13B-v1 --text sample.txt --max-kld 0.05

      EXIT CODES
        0 done · 1 a limit was not kept, or compared checkpoints differ · 64 usage
        65 malformed input · 66 no such input · 69 unsupported · 70 internal
        73 cannot write · 74 read or write error · 77 refused as unsafe
        78 inputs do not fit together · 130 interrupted
      """,
    version: ProgramVersion.line,
    subcommands: [
      Subcommands.Convert.self, Subcommands.Merge.self, Subcommands.Quantize.self,
      Subcommands.Split.self, Subcommands.Join.self, Subcommands.Imatrix.self,
      Subcommands.Sensitivity.self,
      Subcommands.VerifyLogits.self, Subcommands.Compare.self, Subcommands.Inspect.self,
      Subcommands.Metadata.self, Subcommands.Hash.self, Subcommands.Tokenize.self,
      Subcommands.Generate.self, Subcommands.Doctor.self,
    ])

  static func main() {
    Terminal.holdStandardStreams()
    Terminal.ignoreSignalsOfWrites()
    do {
      let code = try runCommand()
      try StandardOutput.close()
      exit(withError: code)
    } catch let error as WeightmillError {
      Terminal.fail("weightmill: \(error)", code: error.code.exitCode)
    } catch {
      let code = exitCode(for: error)
      guard code == .validationFailure else { exit(withError: error) }
      let problem = printable(oneLine(message(for: error)))
      Terminal.fail("weightmill: \(problem); see `\(helpCommand)`", code: code.rawValue)
    }
  }

  /// A message of the argument parser without its line ends and list marks.
  private static func oneLine(_ message: String) -> String {
    let mark = "  - "
    return message.split(separator: "\n").reduce("") { line, next in
      guard next.hasPrefix(mark) else { return line.isEmpty ? String(next) : "\(line) \(next)" }
      return line + (line.hasSuffix(":") ? " " : ", ") + next.dropFirst(mark.count)
    }
  }

  /// Runs the command; help, versions and completion scripts are thrown, and printed here.
  private static func runCommand() throws -> ExitCode {
    do {
      if let name = SingleOption.repeated(in: CommandLine.arguments.dropFirst()) {
        throw ValidationError("\(name) is given twice, and takes one value")
      }
      let given = RemoteArguments(CommandLine.arguments.dropFirst())
      var command = try parseAsRoot(given.arguments)
      try given.perform { try command.run() }
      return .success
    } catch let code as ExitCode {
      return code
    } catch let error where !(error is WeightmillError) && exitCode(for: error) == .success {
      let text = fullMessage(for: error)
      if !text.isEmpty { try StandardOutput.print(text) }
      return .success
    }
  }

  /// The command whose help explains the arguments that were given.
  private static var helpCommand: String {
    let names = configuration.subcommands.compactMap { $0.configuration.commandName }
    guard let name = CommandLine.arguments.dropFirst().first, names.contains(name) else {
      return "weightmill --help"
    }
    return "weightmill \(name) --help"
  }
}

/// Options that take one file, folder or text, of which somebody who gives two expects that both count.
///
/// The argument parser keeps the last without a word. For settings and limits that is the custom, so
/// that a script's own can be overridden; an input or an output that is passed over is a wrong result.
enum SingleOption {
  /// The names; those of one option are together.
  private static let names: [[String]] = [
    ["--delta", "--delta-path"], ["--base", "--base-model-path"],
    ["--target", "--target-model-path"], ["--output", "-o"], ["--prompt", "-p"], ["--system"],
    ["--conversation"], ["--reference"],
    ["--imatrix"], ["--tensor-type-file"], ["--prune-layers"], ["--key"], ["--part"],
    ["--lines"], ["--save-logits"], ["--save-positions"], ["--html"], ["--markdown"],
    ["--baseline"], ["--check"], ["--expect-sum"], ["--save-text"], ["--draft"], ["--save-imatrix"],
    ["--sensitivity"], ["--save-types"], ["--get"], ["--metadata"],
    ["--show-statistics"],
    ["--chat-template-file", "--chat-template-config"],
  ]

  /// The first of these options that is given twice.
  ///
  /// - Parameter arguments: The command line; what follows `--` are no options.
  /// - Returns: Its name.
  static func repeated(in arguments: some Sequence<String>) -> String? {
    let given = arguments.prefix { $0 != "--" }.map { $0.prefix { $0 != "=" } }
    return names.first { names in
      given.count { argument in names.contains { $0 == argument } } > 1
    }?.first
  }
}

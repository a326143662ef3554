import ArgumentParser
import WeightmillConversion
import WeightmillModels
import WeightmillOutput
import WeightmillQuantization
import WeightmillTensors

extension Subcommands {
  /// `weightmill doctor`: what this machine is, and whether it can do the job.
  struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "doctor",
      abstract: "Say what this machine can do, and what a conversion will take.",
      discussion: """
        Without MODEL: the machine, the instructions that are used, memory and disk.

        With MODEL, and what is to be merged into it: whether all of its files are
        there, whole and of one model, as far as headers, names, sizes and shapes
        tell; and for each type the size of the file, the time of encoding on this
        machine, and the memory that the file takes when it runs. Nothing is written,
        and no tensor is read. The exit code is 1 if the disk is too small for a type
        that was asked for.

        EXAMPLES
          weightmill doctor
          weightmill doctor llama-13b --delta Ziya-LLaMA-13B-v1
          weightmill doctor my-model --type q4_k_m --type q8_0 --output models
        """)

    @Argument(help: "The model's folder, or its weight file.", completion: .file())
    var model: String?

    @OptionGroup var merging: MergeOptions

    @OptionGroup var cutting: PreTokenizerOption

    @Option(
      name: .customLong("type"),
      help: "A type to convert to (default: the usual ones; repeatable).")
    var types: [TypeOption] = []

    @Option(
      name: .shortAndLong, help: "Where the output would go (default: this folder).",
      completion: .file())
    var output: String?

    @OptionGroup var common: CommonOptions

    /// The types that people choose among.
    private static let usual: [TypeMix] = [.f16, .q8_0, .q6_K, .q5_K_M, .q4_K_M, .q3_K_M, .q2_K]

    func validate() throws {
      guard model != nil || !merging.merges && types.isEmpty && cutting.name == nil else {
        throw ValidationError("give the model, too")
      }
    }

    func run() throws {
      var report = DoctorReport(
        host: Machine(), output: output ?? ".", freeBytes: try FreeSpace.bytes(at: output ?? ".")
      )
      if let model {
        let loaded = try ModelLoader.load(cutting.applied(to: merging.request(model)))
        common.printNotes(loaded.notes)
        report.model = DoctorReport.Model(loaded, request: merging.request(model))
        report.forecasts = try forecasts(loaded)
      }
      try common.json ? JSONOutput.print(report) : report.print()
      guard types.isEmpty || report.lacking.isEmpty else { throw ExitCode(1) }
    }

    /// What each type takes; nothing where the model cannot be written in the usual ones.
    private func forecasts(_ loaded: LoadedModel) throws -> [ConversionForecast] {
      var forecasts: [ConversionForecast] = []
      for mix in types.isEmpty ? Self.usual : types.map(\.mix) {
        do {
          forecasts.append(try ConversionForecast(loaded, to: mix))
        } catch {
          guard types.isEmpty else { throw error }
          // Such as a file that is quantized already: none of the types will do.
          common.printNotes(["no types to choose from: the model \(error.problem)"])
          return []
        }
      }
      let encoded = Set(forecasts.flatMap(\.values.keys))
      var speeds: [TensorType: Double] = [:]
      for type in TensorType.allCases where encoded.contains(type) {
        speeds[type] = try EncodingSpeed.measured(type, workers: common.workers) {
          Terminal.seconds()
        }
      }
      return forecasts.map { forecast in
        var forecast = forecast
        forecast.add(speeds: speeds)
        return forecast
      }
    }
  }
}

import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport
import WeightmillVerification

/// Models to check: mini-ziya and small ones, honest and damaged.
struct CheckedFiles {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Mini-ziya, merged while it is read.
  func ziya() throws -> LoadedModel {
    try ModelLoader.load(Fixtures.miniZiya("base-hf"), delta: Fixtures.miniZiya("delta"))
  }

  /// A GGUF file of a model.
  func convert(
    _ model: LoadedModel, to mix: TypeMix, as name: String = "honest.gguf"
  ) throws -> String {
    let plan = try ConversionPlan(convert: model, to: mix, name: "test")
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: folder(name), overwrite: true)
    return folder(name)
  }

  /// Mini-ziya's findings after a change of its file.
  func findings(
    _ mix: TypeMix, hasReference: Bool = true, _ change: (inout RewrittenGGUF) throws -> Void
  ) throws -> [Finding] {
    let model = try ziya()
    return try findings(model, mix, hasReference: hasReference, change)
  }

  /// A model's findings after a change of its file.
  func findings(
    _ model: LoadedModel, _ mix: TypeMix, hasReference: Bool = true,
    _ change: (inout RewrittenGGUF) throws -> Void = { _ in }
  ) throws -> [Finding] {
    var file = try RewrittenGGUF(convert(model, to: mix))
    try change(&file)
    let candidate = try ModelLoader.load(file.write(to: folder, "changed.gguf"))
    return try Self.check(candidate, hasReference ? model : nil)
  }

  static func check(
    _ candidate: LoadedModel, _ reference: LoadedModel?, threads: Int = 2
  ) throws -> [Finding] {
    try FileChecks(
      candidate: candidate, reference: reference, workers: Workers(threads: threads)
    ).findings()
  }
}

extension [Finding] {
  /// Expects exactly one finding of a check, and returns it.
  func only(
    _ check: String, _ severity: Finding.Severity, containing text: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let found = filter { $0.check == check }
    #expect(found.map(\.severity) == [severity], "\(self)", sourceLocation: sourceLocation)
    for finding in found {
      #expect(
        finding.message.contains(text), "\(finding.message)", sourceLocation: sourceLocation)
      #expect(!finding.message.contains("\n"), sourceLocation: sourceLocation)
    }
  }

  /// The severities, each once.
  var severities: Set<String> { Set<String>(map(\.severity.rawValue)) }
}

import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport
import WeightmillVerification

/// Files that are what they say have no findings.
struct HonestFileCheckTests {
  private let files: CheckedFiles

  init() throws { files = try CheckedFiles() }

  /// Mixes with a type that requires importance.
  private static let blocked: Set<TypeMix> = [
    .iq3_XS, .iq3_XXS, .q2_K_S, .iq2_M, .iq2_S, .iq2_XS, .iq2_XXS, .iq1_M, .iq1_S,
  ]

  @Test(arguments: TypeMix.allCases.filter { !blocked.contains($0) })
  func nothingIsFoundInWhatIsWritten(mix: TypeMix) throws {
    let model = try files.ziya()
    let candidate = try ModelLoader.load(files.convert(model, to: mix))
    #expect(try CheckedFiles.check(candidate, model) == [])
    #expect(try CheckedFiles.check(candidate, nil) == [])
  }

  @Test(
    arguments: [
      TypeMix.iq1_S, .iq1_M, .iq2_XXS, .iq2_XS, .iq2_S, .iq2_M, .iq3_XXS, .q2_K_S, .q4_0,
    ])
  func nothingIsFoundInWhatIsWrittenWithImportance(mix: TypeMix) throws {
    let source = try files.convert(files.ziya(), to: .f16)
    let reference = try ModelLoader.load(source)
    var entries: [TensorName: ImportanceMatrix.Entry] = [:]
    for role in reference.llama.roles {
      guard let tensor = reference.llama.tensor(role), !role.isNorm else { continue }
      entries[TensorName(tensor.name)] = ImportanceMatrix.Entry(
        sums: [Float](repeating: 1, count: tensor.shape.columns), count: 1)
    }
    var options = QuantizationOptions(mix)
    options.importance = ImportanceSelection(
      ImportanceMatrix(entries: entries, datasets: [], chunkCount: 1), path: "flat.gguf",
      filter: .all)
    let plan = try ConversionPlan(quantize: reference, with: options)
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: files.folder("x.gguf"), overwrite: false)
    let candidate = try ModelLoader.load(files.folder("x.gguf"))
    let found = try CheckedFiles.check(candidate, reference)
    #expect(found == [], "\(found)")
  }

  /// Rows of 64 values are no whole blocks of 256.
  @Test func typesTakenBecauseOfTheRowLengthAreNotes() throws {
    let model = try ModelLoader.load(SmallModel(layers: 4).write(to: files.folder, "small"))
    let found = try files.findings(model, .q4_K_M)
    #expect(found.severities == ["note"])
    #expect(Set(found.map(\.check)) == ["row-fallback"])
    #expect(found.contains { $0.message.contains("Q5_0 in place of Q4_K: rows of 64 values") })
  }

  @Test func aFileThatIsNoGGUFIsJudgedByItsValues() throws {
    let model = try ModelLoader.load(SmallModel().write(to: files.folder, "a"))
    #expect(try CheckedFiles.check(model, model) == [])
  }

  @Test func theReferenceMayBeAFileOfTheSameModel() throws {
    let (a, b) = (
      try files.convert(files.ziya(), to: .q8_0, as: "a.gguf"),
      try files.convert(files.ziya(), to: .q4_K_M, as: "b.gguf")
    )
    let (first, second) = (try ModelLoader.load(a), try ModelLoader.load(b))
    #expect(try CheckedFiles.check(second, first) == [])
    #expect(try CheckedFiles.check(first, second) == [])
  }

  @Test func theFindingsDoNotDependOnThreads() throws {
    let model = try files.ziya()
    var file = try RewrittenGGUF(files.convert(model, to: .q8_0))
    file["blk.0.ffn_up.weight"].replaceSubrange(0..<9000, with: [UInt8](repeating: 0, count: 9000))
    let candidate = try ModelLoader.load(file.write(to: files.folder, "x.gguf"))
    let found = try CheckedFiles.check(candidate, model, threads: 1)
    #expect(!found.isEmpty)
    for threads in [2, 3, 7] {
      #expect(try CheckedFiles.check(candidate, model, threads: threads) == found)
    }
  }

  @Test func aCancelledCheckIsInterrupted() throws {
    let model = try files.ziya()
    let cancellation = Cancellation()
    cancellation.cancel()
    expectError(.interrupted) {
      _ = try FileChecks(candidate: model, reference: nil, workers: Workers(threads: 2))
        .findings(cancellation: cancellation)
    }
  }

  @Test func progressEndsAtOne() throws {
    let model = try ModelLoader.load(SmallModel().write(to: files.folder, "a"))
    var shares: [Double] = []
    _ = try FileChecks(candidate: model, reference: model, workers: Workers(threads: 2))
      .findings { shares.append($0) }
    #expect(shares == shares.sorted())
    #expect(shares.last == 1)
  }
}

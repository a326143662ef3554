import Synchronization
import Testing
import WeightmillCalibration
import WeightmillConversion
import WeightmillLLaMA
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// What is gathered are the sums that NumPy finds (`fixtures/imatrix/make.py`).
struct ImportanceCollectorTests {
  private static let delta = Fixtures.miniZiya("delta")
  private static let text = "\(Fixtures.package)/fixtures/imatrix/text.txt"
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// The file that the script wrote.
  private struct Expected {
    let context: Int
    let ids: [Int]
    let windows: Int
    let sums: [String: [Double]]

    init() throws {
      let json = try Fixtures.json("\(Fixtures.package)/fixtures/imatrix/expected.json")
      let fields = try #require(json as? [String: Any])
      context = try #require(fields["context"] as? Int)
      ids = try #require(fields["ids"] as? [Int])
      windows = try #require(fields["windows"] as? Int)
      sums = try #require(fields["in_sum2"] as? [String: [Double]])
    }
  }

  private func ziya(_ base: String = "base-meta") throws -> LoadedModel {
    try ModelLoader.load(Fixtures.miniZiya(base), delta: Self.delta)
  }

  private func calibrationText(
    _ model: LoadedModel, context: Int = 48
  ) throws -> CalibrationText {
    var text = CalibrationText(context: context)
    try text.add(
      String(decoding: try Fixtures.bytes(Self.text), as: UTF8.self), from: Self.text,
      tokenizer: try model.requiredTokenizer())
    return text
  }

  private func collect(
    _ model: LoadedModel, threads: Int = 2, includesOutput: Bool = true
  ) throws -> ImportanceMatrix {
    try ImportanceCollector(
      model.llama, includesOutput: includesOutput, workers: Workers(threads: threads)
    ).run(calibrationText(model))
  }

  /// The largest difference relative to the larger of two numbers.
  private func difference(_ sums: [Float], _ others: [Double]) -> Double {
    guard sums.count == others.count else { return .infinity }
    return zip(sums, others).reduce(0) { worst, pair in
      max(worst, abs(Double(pair.0) - pair.1) / max(abs(pair.1), 1e-30))
    }
  }

  @Test func theSumsAreThoseOfNumPy() throws {
    let expected = try Expected()
    let model = try ziya("base-hf")
    let text = try calibrationText(model)
    #expect(text.windows.windows.count == expected.windows)
    #expect(text.leftOut == expected.ids.count - expected.windows * expected.context)
    #expect(text.names == ["text.txt"])
    for (number, window) in text.windows.windows.enumerated() {
      let first = number * expected.context
      #expect(window == [1] + expected.ids[(first + 1)..<(first + expected.context)])
    }
    let matrix = try collect(model)
    #expect(matrix.chunkCount == expected.windows)
    #expect(matrix.chunkSize == expected.context)
    #expect(matrix.datasets == ["text.txt"])
    for (name, sums) in expected.sums {
      let entry = try #require(matrix.entries[TensorName(name)])
      #expect(entry.counts == [Float(expected.windows * expected.context)])
      let worst = difference(entry.sums, sums)
      #expect(worst < 1e-4, "\(name)")
      print("\(name): largest relative difference \(worst)")
    }
  }

  /// llama.cpp rounds activations to binary16 on the way.
  @Test func theSumsAreNearlyThoseOfLlamaImatrix() throws {
    let llama = try ImatrixFile.read("\(Fixtures.package)/fixtures/imatrix/llama.gguf")
    let ours = try collect(ziya())
    #expect(ours.names == llama.names)
    #expect(ours.datasets == llama.datasets)
    #expect(ours.chunkCount == llama.chunkCount)
    #expect(ours.chunkSize == llama.chunkSize)
    for (name, entry) in llama.entries {
      let own = try #require(ours.entries[name])
      #expect(own.counts == entry.counts)
      #expect(difference(own.sums, entry.sums.map(Double.init)) < 4e-3, "\(name.text)")
    }
  }

  @Test func columnsHaveTheSameOrderInEveryScheme() throws {
    let file = folder("f16.gguf")
    let meta = try ModelLoader.load(Fixtures.miniZiya("base-meta"))
    let plan = try ConversionPlan(convert: meta, to: .f16, name: "x")
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(to: file, overwrite: false)
    let matrices = try [
      collect(ModelLoader.load(Fixtures.miniZiya("base-hf"))), collect(meta),
      collect(ModelLoader.load(file)),
    ]
    // Rows in the same order give the same bits.
    let areSame = matrices[1] == matrices[2]
    #expect(areSame)
    for name in matrices[0].names {
      let (a, b) = (matrices[0].entries[name], matrices[1].entries[name])
      #expect(difference(a?.sums ?? [], b?.sums.map(Double.init) ?? [0]) < 1e-4, "\(name.text)")
    }
  }

  @Test func theMatricesOfTheLayersAndTheOutputHaveEntries() throws {
    let model = try ziya()
    let layers = (0..<4).flatMap { layer in
      [
        "attn_k", "attn_output", "attn_q", "attn_v", "ffn_down", "ffn_gate", "ffn_up",
      ].map { "blk.\(layer).\($0).weight" }
    }
    let matrix = try collect(model)
    #expect(matrix.names.map(\.text) == layers + ["output.weight"])
    #expect(try collect(model, includesOutput: false).names.map(\.text) == layers)
    for layer in 0..<4 {
      let shared = [["attn_q", "attn_k", "attn_v"], ["ffn_gate", "ffn_up"]]
      for names in shared {
        let entries = names.map { matrix.entries[TensorName("blk.\(layer).\($0).weight")] }
        #expect(entries.allSatisfy { $0 == entries[0] })
      }
    }
    #expect(matrix.entries[TensorName("blk.0.ffn_down.weight")]?.columns == 768)
  }

  @Test func theEmbeddingHasAnEntryWhereItIsTheOutputMatrix() throws {
    var tied = SmallModel()
    tied.omitted = ["lm_head.weight"]
    tied.tiesEmbeddings = true
    let model = try ModelLoader.load(tied.write(to: folder, "tied"))
    let matrix = try collect(model)
    #expect(matrix.names.count == 8)
    // What the output matrix of the same model, untied, would have.
    var untied = SmallModel()
    untied.tiesEmbeddings = false
    let sums = try collect(ModelLoader.load(untied.write(to: folder, "untied")))
    #expect(
      matrix.entries[TensorName("token_embd.weight")] == sums.entries[TensorName("output.weight")])
    #expect(sums.entries[TensorName("token_embd.weight")] == nil)
    let layersAlone = try collect(model, includesOutput: false)
    #expect(layersAlone.names.allSatisfy { $0.text.hasPrefix("blk.0.") })
  }

  @Test func theSumsDoNotDependOnTheNumberOfThreads() throws {
    let model = try ziya()
    let matrices = try [1, 2, 5].map { try collect(model, threads: $0) }
    let areSame = matrices.allSatisfy { $0 == matrices[0] }
    #expect(areSame)
  }

  @Test func theFirstChunksCountAlone() throws {
    let model = try ziya()
    var text = try calibrationText(model)
    text.keep(first: 2)
    let collector = ImportanceCollector(model.llama, workers: Workers(threads: 2))
    let matrix = try collector.run(text)
    #expect(matrix.chunkCount == 2)
    #expect(matrix.entries.values.allSatisfy { $0.counts == [96] })
    text.keep(first: 0)
    expectError(.mismatch) { _ = try collector.run(text) }
  }

  @Test func textThatFillsNoWindowIsAMismatch() throws {
    let model = try ziya()
    let text = try calibrationText(model, context: 512)
    let error = expectError(.mismatch) {
      _ = try ImportanceCollector(model.llama, workers: Workers(threads: 1)).run(text)
    }
    #expect(error?.problem.contains("213 tokens do not fill a window of 512") == true)
    #expect(error?.remedy != nil)
  }

  @Test func inputsThatAreNoNumbersAreAMismatch() throws {
    var broken = SmallModel(layers: 2)
    broken.change = { name, values in
      if name == "model.layers.0.self_attn.v_proj.weight" { values[7] = .nan }
    }
    let model = try ModelLoader.load(broken.write(to: folder, "broken"))
    let error = expectError(.mismatch) { _ = try collect(model) }
    #expect(error?.position == "the input of blk.0.attn_output.weight")
  }

  @Test func weightsAreMeansAndOnesWhereNothingWasSeen() {
    let entry = ImportanceMatrix.Entry(sums: [2, 4, 6, 8], counts: [2, 0])
    #expect(entry.columns == 2)
    #expect(entry.weights == [1, 2, 1, 1])
    #expect(ImportanceMatrix.Entry(sums: [3, 5], count: 2).weights == [1.5, 2.5])
  }

  @Test func anAsynchronousRunGathersTheSame() async throws {
    let model = try ziya()
    let collector = ImportanceCollector(model.llama, workers: Workers(threads: 2))
    let shares = Mutex<[Double]>([])
    let found = try await collector.run(calibrationText(model)) { share in
      shares.withLock { $0.append(share) }
    }
    #expect(try found == collect(model))
    let seen = shares.withLock { $0 }
    #expect(seen.last == 1 && seen == seen.sorted())
  }

  @Test func gatheringStopsWithItsTask() async throws {
    let model = try ziya()
    let collector = ImportanceCollector(model.llama, workers: Workers(threads: 2))
    let text = try calibrationText(model)
    await expectInterrupted { _ = try await collector.run(text) }
  }
}

import Foundation
import Testing
import WeightmillCalibration
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// Collections that are interrupted and continued.
struct CollectionStateTests {
  private let folder: TemporaryFolder
  private let model: LlamaModel

  init() throws {
    folder = try TemporaryFolder()
    model = try ModelLoader.load(SmallModel(layers: 2).write(to: folder, "model")).llama
  }

  /// Windows of 300 tokens: three of them go through the model together.
  private func text(windows: Int = 10, seed: UInt64 = 1) throws -> CalibrationText {
    var random = SeededGenerator(seed: seed)
    let ids = (0..<windows * 300).map { _ in Int.random(in: 0..<300, using: &random) }
    var text = CalibrationText(context: 300)
    try text.add(ids: [ids], from: "ids.json", for: model)
    return text
  }

  private func collector(means: Bool = true, ppl: Bool = true) -> ImportanceCollector {
    var collector = ImportanceCollector(model, workers: Workers(threads: 2))
    collector.gathersMeans = means
    collector.measuresPerplexity = ppl
    return collector
  }

  private func origin(
    _ text: CalibrationText, output: Bool = true, means: Bool = true, ppl: Bool = true
  ) throws -> CollectionState.Origin {
    try CollectionState.Origin(
      model, text, includesOutput: output, gathersMeans: means, measuresPerplexity: ppl)
  }

  /// A run that is stopped in the middle, and what it kept.
  private func interrupted(_ text: CalibrationText, at share: Double, every interval: Int) throws
    -> ImportanceSums?
  {
    let path = folder("state")
    var continuation = ImportanceCollector.Continuation()
    continuation.interval = interval
    let origin = try origin(text)
    continuation.save = { (sums) throws(WeightmillError) in
      try CollectionState(origin, sums).write(to: path, inputs: [])
    }
    let cancellation = Cancellation()
    continuation.cancellation = cancellation
    expectError(.interrupted) {
      _ = try collector().gather(text, continuation) { done, _ in
        if done >= share { cancellation.cancel() }
      }
    }
    return try CollectionState.resume(path, origin)
  }

  @Test(arguments: [(0.1, 100), (0.45, 1), (0.45, 4), (0.75, 3)])
  func aContinuedRunGivesTheSameBytes(share: Double, interval: Int) throws {
    let text = try text()
    let whole = try collector().gather(text) { _, _ in }
    let kept = try interrupted(text, at: share, every: interval)
    var continuation = ImportanceCollector.Continuation()
    continuation.earlier = kept
    if share > 0.3 {
      #expect(kept.map { (1..<10).contains($0.windows) } == true)
    } else {
      // Not one pass was done.
      #expect(kept == nil)
    }
    let continued = try collector().gather(text, continuation) { _, _ in }
    #expect(continued == whole)
    for (sums, name) in [(whole, "a"), (continued, "b")] {
      try ImatrixWriter.write(sums.matrix(of: text), to: folder(name), overwrite: false)
    }
    #expect(try Fixtures.bytes(folder("a")) == Fixtures.bytes(folder("b")))
  }

  /// The last state may hold all windows.
  @Test func nothingIsLeftToRead() throws {
    let text = try text(windows: 3)
    let whole = try collector().gather(text) { _, _ in }
    let state = CollectionState(try origin(text), whole)
    try state.write(to: folder("state"), inputs: [])
    var continuation = ImportanceCollector.Continuation()
    continuation.earlier = try CollectionState.resume(folder("state"), origin(text))
    #expect(continuation.earlier == whole)
    #expect(try collector().gather(text, continuation) { _, _ in } == whole)
  }

  @Test func perplexityIsThatOfTheSecondHalves() throws {
    let text = try text(windows: 2)
    let found = try #require(try collector().gather(text) { _, _ in }.perplexity)
    var surprises: [Double] = []
    for window in text.windows.windows {
      let pass = ForwardPass(model, workers: Workers(threads: 1))
      var hidden = try pass.embed(window)
      for layer in 0..<2 { try pass.apply(layer: layer, to: &hidden, windows: [0..<300]) }
      let logits = try pass.logits(rows: 0..<300, of: pass.normalized(hidden))
      for position in 150..<299 {
        let row = logits[position]
        let most = row.max() ?? 0
        let sum = row.reduce(0.0) { $0 + exp($1 - most) }
        surprises.append(log(sum) + most - row[window[position + 1]])
      }
    }
    #expect(found.count == surprises.count)
    let mean = surprises.reduce(0, +) / Double(surprises.count)
    let value = try #require(found.value)
    #expect(abs(value - exp(mean)) < 1e-6 * exp(mean))
    let variance =
      surprises.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) } / Double(surprises.count)
    let error = (variance / Double(surprises.count - 1)).squareRoot() * exp(mean)
    #expect(abs(try #require(found.error) - error) < 1e-6 * error)
  }

  /// Means: those of the inputs that the forward pass shows.
  @Test func sumsOfInputsAreThoseOfTheForwardPass() throws {
    let text = try text(windows: 1)
    let matrix = try collector(ppl: false).gather(text) { _, _ in }.matrix(of: text)
    let window = text.windows.windows[0]
    let pass = ForwardPass(model, workers: Workers(threads: 1))
    var hidden = try pass.embed(window)
    var sums: [String: [Double]] = [:]
    for layer in 0..<2 {
      try pass.apply(layer: layer, to: &hidden, windows: [0..<300]) { matrices, input in
        let name = NamingScheme.gguf.name(of: matrices[0], in: .llama)
        sums[name] = (0..<input.columns).map { column in
          (0..<300).reduce(0.0) { $0 + input[$1, column] }
        }
      }
    }
    #expect(sums.count == 8)
    for (name, expected) in sums {
      #expect(matrix.entries[TensorName(name)]?.inputSums == expected.map { Float($0) })
    }
  }

  @Test func anotherRunIsNotContinued() throws {
    let text = try text(windows: 3)
    let whole = try collector().gather(text) { _, _ in }
    let path = folder("state")
    try CollectionState(try origin(text), whole).write(to: path, inputs: [])
    #expect(try CollectionState.resume(folder("nothing"), origin(text)) == nil)
    let other = try ModelLoader.load(SmallModel(layers: 2, seed: 4).write(to: folder, "other"))
      .llama
    let origins: [(CollectionState.Origin, String)] = try [
      (origin(self.text(windows: 4)), "another text: 3 windows of 300 tokens"),
      (origin(self.text(windows: 3, seed: 2)), "another text"),
      (origin(text, output: false), "with --process-output"),
      (origin(text, means: false), "with --means"), (origin(text, ppl: false), "with --ppl"),
      (
        CollectionState.Origin(
          other, text, includesOutput: true, gathersMeans: true, measuresPerplexity: true),
        "another model"
      ),
    ]
    for (origin, part) in origins {
      let error = expectError(.mismatch) { _ = try CollectionState.resume(path, origin) }
      #expect(error?.problem.contains(part) == true, "\(error?.problem ?? "")")
    }
  }

  private static let falseStates: [([String: GGUFValue?], WeightmillError.Code)] = [
    (["general.type": .string("imatrix")], .malformed),
    (["weightmill.state.version": .uint32(2)], .unsupported),
    (["weightmill.state.windows": .uint64(0)], .malformed),
    (["weightmill.state.windows": .uint64(4)], .malformed),
    (["weightmill.state.windows_in_all": .uint64(1 << 62)], .malformed),
    (["weightmill.state.context": .uint64(1)], .malformed),
    (["weightmill.state.gathers_means": .bool(false)], .malformed),
    (["weightmill.state.surprise.sum": .float64(.nan)], .malformed),
    (["weightmill.state.surprise.count": .uint64(.max)], .malformed),
    (["weightmill.state.model": nil], .malformed),
  ]

  @Test(arguments: falseStates)
  func statesThatSayNonsenseAreRefused(
    changes: [String: GGUFValue?], code: WeightmillError.Code
  ) throws {
    let text = try text(windows: 3)
    let whole = try collector().gather(text) { _, _ in }
    let path = folder("state")
    try CollectionState(try origin(text), whole).write(to: path, inputs: [])
    let file = try GGUFFile(path: path)
    var metadata = file.metadata
    for (key, value) in changes { metadata[key] = value }
    try rewrite(file, metadata, file.tensors, to: path)
    let origin = try origin(text)
    expectError(code) { _ = try CollectionState.resume(path, origin) }
  }

  @Test func statesWithOtherTensorsAreRefused() throws {
    let text = try text(windows: 3)
    let whole = try collector().gather(text) { _, _ in }
    let path = folder("state")
    try CollectionState(try origin(text), whole).write(to: path, inputs: [])
    let file = try GGUFFile(path: path)
    for name in ["x.in_sum3", "other.in_sum2", "other.in_sum"] {
      var tensors = file.tensors
      tensors[0] = TensorDescriptor(name: name, type: .f64, shape: tensors[0].shape)
      try rewrite(file, file.metadata, tensors, to: folder("b"))
      let origin = try origin(text)
      expectError(.malformed) { _ = try CollectionState.resume(folder("b"), origin) }
    }
    // Sums of squares are not negative, and all are numbers.
    for value in [-1.0, .infinity, .nan] {
      try rewrite(file, file.metadata, file.tensors, to: folder("b"), first: value)
      let origin = try origin(text)
      expectError(.malformed) { _ = try CollectionState.resume(folder("b"), origin) }
    }
  }

  private func rewrite(
    _ file: GGUFFile, _ metadata: GGUFMetadata, _ tensors: [TensorDescriptor], to path: String,
    first: Double? = nil
  ) throws {
    let layout = try GGUFLayout(metadata: metadata, tensors: tensors, path: "test")
    var bytes = [UInt8](repeating: 0, count: layout.byteCount)
    bytes.replaceSubrange(0..<layout.header.count, with: layout.header)
    for (index, position) in layout.positions.enumerated() {
      var content = try file.bytes(rows: 0..<1, ofTensor: index)
      // The tensors' names are in order: `.in_sum2` of a matrix stands first.
      if index == 0, let first {
        content.replaceSubrange(0..<8, with: ImatrixValues.encode([first]))
      }
      bytes.replaceSubrange(position..<position + content.count, with: content)
    }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
  }
}

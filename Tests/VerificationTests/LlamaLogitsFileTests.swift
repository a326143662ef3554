import Foundation
import Testing
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport
import WeightmillVerification

/// Files of llama-perplexity hold what it predicted, and damaged ones are refused
/// (`fixtures/llama-perplexity`).
struct LlamaLogitsFileTests {
  private static let recorded = "\(Fixtures.package)/fixtures/llama-perplexity/short.logits"
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func sizesAndIdsAreThoseOfTheRun() throws {
    let file = try LlamaLogitsFile(Self.recorded)
    #expect(file.context == 64)
    #expect(file.vocabularySize == 3072)
    #expect(file.chunkCount == 4)
    #expect(file.positions == 32..<63)
    let path = "\(Fixtures.package)/fixtures/llama-perplexity/short.ids.json"
    let ids = try #require(try Fixtures.json(path) as? [Int])
    #expect(file.tokens == Array(ids[..<256]))
    let values = try file.logProbabilities(chunk: 3, position: 62)
    #expect(values.count == 3072)
    let sum = values.reduce(0.0) { $0 + Elementary.exponential(Double($1)) }
    #expect(abs(sum - 1) < 1e-3)
  }

  /// `Mean PPL(base)` of `short-q4_k_m.txt`.
  @Test func perplexityIsThatOfThePrintout() throws {
    let file = try LlamaLogitsFile(Self.recorded)
    var (sum, count) = (0.0, 0)
    for chunk in 0..<file.chunkCount {
      for position in file.positions {
        let next = file.tokens[chunk * file.context + position + 1]
        sum -= Double(try file.logProbabilities(chunk: chunk, position: position)[next])
        count += 1
      }
    }
    #expect(count == 124)
    #expect(abs(Elementary.exponential(sum / Double(count)) - 5.749639) < 2e-6)
  }

  /// Steps are (largest - smallest) / 65535, at most 16 / 65535; half of one is the rounding.
  @Test func valuesAreThoseOfTheForwardPass() throws {
    let file = try LlamaLogitsFile(Self.recorded)
    let model = try ModelLoader.load(
      Fixtures.miniZiya("base-meta"), delta: Fixtures.miniZiya("delta")
    ).llama
    let pass = ForwardPass(model, workers: Workers(threads: 2))
    for chunk in 0..<file.chunkCount {
      var window = Array(file.tokens[chunk * 64..<(chunk + 1) * 64])
      window[0] = 1
      var hidden = try pass.embed(window)
      for layer in 0..<4 { try pass.apply(layer: layer, to: &hidden, windows: [0..<64]) }
      let logits = try pass.logits(rows: 0..<3072, of: pass.normalized(hidden))
      for position in file.positions {
        let values = logits[position]
        let largest = values.max() ?? 0
        let sum = values.reduce(0.0) { $0 + Elementary.exponential($1 - largest) }
        let total = largest + Elementary.logarithm(sum)
        let saved = try file.logProbabilities(chunk: chunk, position: position)
        var worst = 0.0
        for (value, kept) in zip(values, saved) {
          worst = max(worst, abs(max(value, largest - 16) - total - Double(kept)))
        }
        #expect(worst < 16.0 / 65535 / 2 + 1e-4)
      }
    }
  }

  // MARK: Small files

  /// A file of 2 windows of 5 tokens, of an odd vocabulary; both positions of each window.
  private func small(
    context: Int32 = 5, vocabulary: Int32 = 3, chunks: Int32 = 2, lastID: Int32 = 2,
    scale: Float = 0.5, minimum: Float = -4
  ) -> [UInt8] {
    var bytes = Bytes()
    bytes.put("_logits_")
    for value in [context, vocabulary, chunks] { bytes.put(value) }
    for id in [0, 1, 2, 0, 1, 1, 1, 0, 0, lastID] { bytes.put(id) }
    for index in 0..<4 {
      bytes.put((index == 3 ? scale : 0.5).bitPattern)
      bytes.put((index == 3 ? minimum : -4).bitPattern)
      // The fourth fills the row up to an even number.
      for step in [0, 1, UInt16(index), 0xFFFF] { bytes.put(step) }
    }
    return bytes.all
  }

  private func open(_ bytes: [UInt8]) throws -> LlamaLogitsFile {
    try LlamaLogitsFile(try folder.write(bytes, to: "x.logits"))
  }

  @Test func rowsOfOddVocabulariesArePadded() throws {
    let file = try open(small())
    #expect(file.positions == 2..<4)
    #expect(file.tokens == [0, 1, 2, 0, 1, 1, 1, 0, 0, 2])
    #expect(try file.logProbabilities(chunk: 0, position: 2) == [-4, -3.5, -4])
    #expect(try file.logProbabilities(chunk: 1, position: 3) == [-4, -3.5, -2.5])
  }

  @Test func filesThatAreCutShortAreRefused() throws {
    let bytes = small()
    for count in 0..<bytes.count {
      expectError(.malformed) { _ = try open(Array(bytes[..<count])) }
    }
    expectError(.malformed) { _ = try open(bytes + [0]) }
    // What llama-perplexity leaves when its text is too short.
    let error = expectError(.malformed) { _ = try open(Array(bytes[..<12])) }
    #expect(error?.remedy?.contains("more text") == true)
  }

  @Test func countsThatTheFileCannotHoldAreRefused() throws {
    let counts: [Int32] = [.min, -1, 0, 1, 2, 6, 1 << 16, 1 << 30, .max]
    for count in counts {
      expectError(.malformed) { _ = try open(small(context: count)) }
      if count != 2 { expectError(.malformed) { _ = try open(small(chunks: count)) } }
      expectError(.malformed) { _ = try open(small(vocabulary: count)) }
      expectError(.malformed) {
        _ = try open(small(context: count, vocabulary: count, chunks: count))
      }
    }
  }

  @Test func otherKindsOfFileAreRefused() throws {
    var bytes = small()
    bytes[7] = 0x20
    expectError(.malformed) { _ = try open(bytes) }
    #expect(try LlamaLogitsFile.isOne(folder("x.logits")) == false)
    #expect(try LlamaLogitsFile.isOne(Self.recorded))
    #expect(try LlamaLogitsFile.isOne(folder.write([0x5F], to: "y")) == false)
    expectError(.noInput) { _ = try LlamaLogitsFile(folder("none")) }
    expectError(.refused) { _ = try LlamaLogitsFile(folder.path) }
  }

  @Test func idsOutsideOfTheVocabularyAreRefused() throws {
    for id in [Int32.min, -1, 3, .max] {
      expectError(.malformed) { _ = try open(small(lastID: id)) }
    }
  }

  @Test func valuesThatAreNoNumbersAreRefused() throws {
    let pairs: [(Float, Float)] = [
      (.nan, 0), (.infinity, 0), (-1, 0), (1, .nan), (1, -.infinity),
      (.greatestFiniteMagnitude, -4),
    ]
    for (scale, minimum) in pairs {
      let file = try open(small(scale: scale, minimum: minimum))
      #expect(try file.logProbabilities(chunk: 1, position: 2) == [-4, -3.5, -3])
      expectError(.malformed) { _ = try file.logProbabilities(chunk: 1, position: 3) }
    }
  }

  @Test func aFileThatShrinksIsAnErrorAndNoCrash() throws {
    let file = try open(small())
    let handle = try #require(FileHandle(forWritingAtPath: folder("x.logits")))
    try handle.truncate(atOffset: 40)
    expectError(.malformed) { _ = try file.logProbabilities(chunk: 1, position: 3) }
  }
}

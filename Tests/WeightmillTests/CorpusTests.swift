import Foundation
import Testing
import WeightmillTestSupport

/// Every file of the corpus, given to the executable: honest ones are read exactly, hostile ones
/// refused in one line, and neither takes long, takes much memory, leaves anything or runs anything.
struct CorpusTests {
  /// In seconds.
  private static let timeLimit = 10.0
  private static let memoryLimit = 512 << 20
  /// How long an error may be, without the path, which is the caller's.
  private static let messageLimit = 400

  @Test func theCorpusIsThere() { #expect(CorpusCase.all.count >= 400) }

  @Test(arguments: CorpusCase.all)
  func eachFileIsReadExactlyOrRefused(sample: CorpusCase) throws {
    let result = try MeasuredProcess.run(sample.commandLine, limit: Self.timeLimit)
    let error = String(decoding: result.error, as: UTF8.self)
    let context: Comment = "\(sample.testDescription)\n\(error)"
    #expect(result.seconds < Self.timeLimit, context)
    #expect(result.peakBytes <= Self.memoryLimit, context)
    let code = try #require(result.code, "a signal ended it: \(context)")
    // A hostile pickle that is run makes a file in its folder; so does an output left behind.
    let mayWrite = code == 0 && sample.arguments.first == "convert"
    #expect(result.leftovers == (mayWrite ? ["out.gguf"] : []), context)
    if code == 0 {
      #expect(sample.expect != .reject, "accepted: \(context)")
      try checkOutput(result.output, sample, context)
    } else {
      #expect(sample.codes?.contains(code) == true, "exit code \(code): \(context)")
      checkMessage(result, sample, context)
    }
  }

  private func checkOutput(_ output: [UInt8], _ sample: CorpusCase, _ context: Comment) throws {
    struct Report: Decodable {
      let tensors: [CorpusCase.Tensor]?
      let ids: [Int]?
    }
    guard sample.tensors != nil || sample.ids != nil else { return }
    let report = try JSONDecoder().decode(Report.self, from: Data(output))
    #expect(report.ids == sample.ids, context)
    guard let expected = sample.tensors else { return }
    let sorted = { (tensors: [CorpusCase.Tensor]) in
      tensors.map(\.bytes).sorted { $0.lexicographicallyPrecedes($1) }
    }
    let found = try #require(report.tensors, context)
    #expect(sorted(found) == sorted(expected), "\(found) is not \(expected): \(context)")
  }

  private func checkMessage(_ result: MeasuredProcess, _ sample: CorpusCase, _ context: Comment) {
    #expect(result.output.isEmpty, context)
    #expect(result.error.starts(with: "weightmill: ".utf8), context)
    #expect(result.error.last == UInt8(ascii: "\n"), context)
    let line = String(decoding: result.error.dropLast(), as: UTF8.self)
    let controls = line.unicodeScalars.filter { scalar in
      [.control, .format, .lineSeparator, .paragraphSeparator].contains(
        scalar.properties.generalCategory)
    }
    #expect(controls.isEmpty, context)
    let path = "\(CorpusCase.folder)/files/\(sample.path)"
    let length = line.replacingOccurrences(of: path, with: "").utf8.count
    #expect(length <= Self.messageLimit, "\(length) bytes: \(context)")
  }
}

import Testing
import WeightmillTestSupport

/// verify-logits beside llama-perplexity, on the same pair of files: `fixtures/llama-perplexity`.
///
/// The candidate is written with llama.cpp's closed forms, so that its bytes never change.
struct LlamaPerplexityTests {
  private let folder: TemporaryFolder
  private let (reference, candidate): (String, String)

  init() throws {
    folder = try TemporaryFolder()
    (reference, candidate) = (folder("f16.gguf"), folder("q4_0.gguf"))
    for command in [
      [
        "convert", "fixtures/mini-ziya/base-meta", "--delta", "fixtures/mini-ziya/delta",
        "--output", reference,
      ], ["quantize", reference, candidate, "q4_0", "--encoder", "compatible"],
    ] { #expect(try CommandLineTool.run(command).code == 0) }
  }

  @Test func bothPrintTheSameFiguresForTheSameFiles() throws {
    let result = try CommandLineTool.run(
      "verify-logits", candidate, "--reference", reference, "--text",
      "fixtures/mini-ziya/expected/eval-zh.txt", "--context", "256", "--second-half", "--json")
    let printout = try Printout("q4_0-compatible-as-f32.txt")
    try expectSame(result, printout, divergence: 0.01, perplexity: 0.003)
  }

  @Test func itsSavedLogitsAreAReference() throws {
    let result = try CommandLineTool.run(
      "verify-logits", candidate, "--reference", "fixtures/llama-perplexity/short.logits", "--json")
    let printout = try Printout("short-q4_0-compatible.txt")
    try expectSame(result, printout, divergence: 0.01, perplexity: 1e-4)
    #expect((result.json?["settings"] as? [String: Any])?["context"] as? Int == 64)
    #expect((result.json?["total"] as? [String: Any])?["normalizedSquareError"] as? String == "NaN")
    let gated = try CommandLineTool.run(
      "verify-logits", candidate, "--reference", "fixtures/llama-perplexity/short.logits",
      "--max-nmse", "1")
    #expect(gated.code == 1)
  }

  /// Compares figures.
  ///
  /// - Parameters:
  ///   - result: Our report.
  ///   - printout: Their printout.
  ///   - divergence: How far divergences may be apart, relatively: theirs are of 16 bits, and leave
  ///     out what is less likely than e^-16.
  ///   - perplexity: How far perplexities may be apart, relatively.
  /// - Throws: When a figure is missing.
  private func expectSame(
    _ result: CommandLineTool.Result, _ printout: Printout, divergence: Double, perplexity: Double
  ) throws {
    let total = try #require(result.json?["total"] as? [String: Any], "\(result.error)")
    func ours(_ part: String, _ name: String) throws -> Double {
      try #require((total[part] as? [String: Any])?[name] as? Double)
    }
    for (name, line) in [
      ("mean", "Mean    KLD"), ("maximum", "Maximum KLD"), ("p999", "99.9%   KLD"),
      ("p99", "99.0%   KLD"), ("p95", "95.0%   KLD"), ("p90", "90.0%   KLD"),
      ("median", "Median  KLD"),
    ] {
      let (a, b) = (try ours("divergence", name), try printout[line])
      #expect(abs(a / b - 1) < divergence, "\(line): \(a), theirs \(b)")
    }
    for (name, line) in [
      ("reference", "Mean PPL(base)"), ("candidate", "Mean PPL(Q)"),
      ("ratio", "Mean PPL(Q)/PPL(base)"),
    ] {
      let (a, b) = (try ours("perplexity", name), try printout[line])
      #expect(abs(a / b - 1) < perplexity, "\(line): \(a), theirs \(b)")
    }
    for (name, line) in [
      ("rms", "RMS Δp"), ("mean", "Mean    Δp"), ("minimum", "Minimum Δp"), ("p1", "1.0%   Δp"),
      ("p99", "99.0%   Δp"), ("maximum", "Maximum Δp"),
    ] {
      let (a, b) = (try ours("probabilityChange", name) * 100, try printout[line])
      #expect(abs(a - b) < 0.02, "\(line): \(a), theirs \(b)")
    }
    let sameTop = try #require(total["sameTop"] as? Double) * 100
    #expect(abs(sameTop - (try printout["Same top p"])) < 0.05)
  }
}

/// The figures of llama-perplexity's printout, by the words before the colon.
private struct Printout {
  struct Missing: Error { let line: String }

  private let lines: [Substring]

  init(_ name: String) throws {
    let path = Fixtures.miniZiya("../llama-perplexity/\(name)")
    lines = String(decoding: try Fixtures.bytes(path), as: UTF8.self)
      .split(whereSeparator: \.isNewline)
  }

  subscript(_ name: String) -> Double {
    get throws {
      for line in lines {
        let parts = line.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, parts[0].trimmed == name,
          let number = Double(parts[1].split { $0 == " " || $0 == "%" }.first ?? "")
        else { continue }
        return number
      }
      throw Missing(line: name)
    }
  }
}

extension Substring {
  fileprivate var trimmed: Substring {
    var text = self
    while text.first == " " { text.removeFirst() }
    while text.last == " " { text.removeLast() }
    return text
  }
}

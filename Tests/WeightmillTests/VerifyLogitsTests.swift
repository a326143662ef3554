import Foundation
import Testing
import WeightmillTestSupport

/// `weightmill verify-logits`, as a user and as a CI job run it.
struct VerifyLogitsTests {
  private static let base = "fixtures/mini-ziya/base-meta"
  private static let delta = "fixtures/mini-ziya/delta"
  private static let text = "fixtures/imatrix/text.txt"
  private let folder: TemporaryFolder
  private let reference: String

  init() throws {
    folder = try TemporaryFolder()
    reference = folder("f16.gguf")
    let result = try CommandLineTool.run(
      "convert", Self.base, "--delta", Self.delta, "--output", reference)
    #expect(result.code == 0, "\(result.error)")
  }

  private func quantized(_ type: String) throws -> String {
    let file = folder("\(type).gguf")
    #expect(try CommandLineTool.run("quantize", reference, file, type).code == 0)
    return file
  }

  private func verify(_ arguments: String...) throws -> CommandLineTool.Result {
    try CommandLineTool.run(["verify-logits"] + arguments)
  }

  private func divergence(_ result: CommandLineTool.Result) throws -> Double {
    let total = try #require(result.json?["total"] as? [String: Any], "\(result.error)")
    return try #require((total["divergence"] as? [String: Any])?["mean"] as? Double)
  }

  @Test func theReportSaysHowMuchAndWhere() throws {
    let result = try verify(
      quantized("q3_k_s"), "--reference", reference, "--text", Self.text, "--context", "64",
      "--attribute", "--attribute-by", "kind", "--max-kld", "0.001", "--max-nmse", "1",
      "--same-tokens")
    #expect(result.code == 1)
    for part in [
      "KL divergence   mean 0.", "same top token  ", "grows most in layer ", "tensor errors   ",
      "tokenizers  give the same tokens", "attribution     on ", "% of the divergence",
      "worst position  ", "FAILED  --max-kld 0.001000, measured 0.", "passed  --max-nmse 1",
      "passed  --same-tokens",
    ] { #expect(result.output.contains(part), "\(part) in \(result.output)") }
    #expect(!result.output.contains("error: "))
  }

  @Test func pagesAreWrittenBesideTheJSON() throws {
    let candidate = try quantized("q4_0")
    let (page, summary) = (folder("r.html"), folder("r.md"))
    let arguments = [
      "verify-logits", candidate, "--reference", reference, "--text", Self.text, "--html", page,
      "--markdown", summary, "--json",
    ]
    let result = try CommandLineTool.run(arguments)
    #expect(result.code == 0, "\(result.error)")
    #expect(result.json?["schema"] as? Int == 1)
    #expect(result.json?["passed"] as? Bool == true)
    #expect(String(decoding: try Fixtures.bytes(page), as: UTF8.self).contains("<svg"))
    #expect(String(decoding: try Fixtures.bytes(summary), as: UTF8.self).hasPrefix("## "))
    // What exists is kept, and that is known before anything is measured.
    #expect(try CommandLineTool.run(arguments).code == 73)
    #expect(try CommandLineTool.run(arguments + ["--force"]).code == 0)
    let printed = try verify(
      candidate, "--reference", reference, "--text", Self.text, "--markdown", "-")
    #expect(printed.output.hasPrefix("## "))
    #expect(
      try verify(candidate, "--reference", reference, "--text", Self.text, "--html", candidate)
        .code == 73)
  }

  @Test func savedLogitsStandForTheModel() throws {
    let (candidate, saved) = (try quantized("q4_0"), folder("logits.safetensors"))
    let alone = try verify(
      reference, "--text", Self.text, "--context", "64", "--save-logits", saved)
    #expect(alone.code == 0, "\(alone.error)")
    let direct = try verify(
      candidate, "--reference", reference, "--text", Self.text, "--context", "64", "--json")
    let later = try verify(candidate, "--reference", saved, "--json")
    #expect(try divergence(later) == divergence(direct))
    let again = try verify(
      candidate, "--reference", saved, "--text", Self.text, "--context", "64", "--json")
    #expect(try divergence(again) == divergence(direct))
    for arguments in [["--context", "32", "--text", Self.text], ["--prompt", "Hello"]] {
      let other = try CommandLineTool.run(
        ["verify-logits", candidate, "--reference", saved] + arguments)
      #expect(other.code == 78, "\(other.output)")
    }
    #expect(try verify(candidate, "--reference", saved, "--attribute").code == 64)
  }

  @Test func positionsAreSavedToCompareCandidates() throws {
    let (candidate, saved) = (try quantized("q4_0"), folder("positions.json"))
    let arguments = [
      "verify-logits", candidate, "--reference", reference, "--text", Self.text, "--context", "64",
      "--save-positions", saved, "--json",
    ]
    let result = try CommandLineTool.run(arguments)
    #expect(result.code == 0, "\(result.error)")
    let file = try JSONSerialization.jsonObject(with: Data(Fixtures.bytes(saved)))
    let texts = try #require((file as? [String: Any])?["texts"] as? [[String: Any]])
    let windows = try #require(texts.first?["windows"] as? [[String: Any]])
    let values = windows.flatMap { $0["divergence"] as? [Double] ?? [] }
    let mean = values.reduce(0, +) / Double(values.count)
    #expect(abs(mean - (try divergence(result))) < 1e-12)
    #expect(texts.first?["name"] as? String == Self.text)
    // What exists is kept, and that is known before anything is measured.
    #expect(try CommandLineTool.run(arguments).code == 73)
    #expect(try CommandLineTool.run(arguments + ["--force"]).code == 0)
    #expect(
      try verify(
        candidate, "--reference", reference, "--text", Self.text, "--save-positions", "-"
      ).code == 64)
  }

  @Test func textsCanBePromptsAndIds() throws {
    let candidate = try quantized("q4_0")
    let ids = try CommandLineTool.run("tokenize", reference, "深度学习是什么？", "--json")
    let list = try #require(ids.json?["ids"] as? [Int])
    let file = try folder.write("\(list)".utf8, to: "ids.json")
    let byIds = try verify(candidate, "--reference", reference, "--tokens", file, "--json")
    let byText = try verify(
      candidate, "--reference", reference, "--prompt", "深度学习是什么？", "--json")
    #expect(try divergence(byIds) == divergence(byText))
    #expect((byText.json?["tokenizers"] as? [String: Any])?["agree"] as? Bool == true)
    let damaged = try folder.write("[1, \"x\"]".utf8, to: "damaged.json")
    #expect(try verify(candidate, "--reference", reference, "--tokens", damaged).code == 65)
    let outside = try folder.write("[1, 99999999]".utf8, to: "outside.json")
    #expect(try verify(candidate, "--reference", reference, "--tokens", outside).code == 78)
  }

  @Test func anEarlierReportIsABaseline() throws {
    let (good, bad) = (try quantized("q5_0"), try quantized("q4_0"))
    let measured = ["--reference", reference, "--text", Self.text]
    let report = try CommandLineTool.run(["verify-logits", good] + measured + ["--json"])
    let baseline = try folder.write(report.output.utf8, to: "baseline.json")
    let limits = ["--baseline", baseline, "--max-regression", "5%"]
    #expect(try CommandLineTool.run(["verify-logits", good] + measured + limits).code == 0)
    let worse = try CommandLineTool.run(["verify-logits", bad] + measured + limits)
    #expect(worse.code == 1)
    #expect(worse.output.contains("FAILED  --max-regression:kld "))
    let other = try verify(
      good, "--reference", reference, "--prompt", "Hello there", "--baseline", baseline,
      "--max-regression", "0.05")
    #expect(other.code == 78)
    let broken = try folder.write("{}".utf8, to: "broken.json")
    #expect(
      try CommandLineTool.run(
        ["verify-logits", good] + measured + ["--baseline", broken, "--max-regression", "1%"]
      ).code == 65)
  }

  @Test func whatMakesNoSenseIsRefused() throws {
    for arguments in [
      [], ["--reference", reference], ["--reference", reference, "--context", "1"],
      ["--attribute", "--text", Self.text],
      ["--reference", reference, "--text", Self.text, "--baseline", "x.json"],
      ["--reference", reference, "--text", Self.text, "--json", "--html", "-"],
      ["--reference", reference, "--text", Self.text, "--max-kld", "nan"],
      ["--reference", reference, "--text", Self.text, "--min-top1", "95"],
      ["--reference", reference, "--tokens", "x.json", "--prompt", "x"],
    ] {
      let result = try CommandLineTool.run(["verify-logits", reference] + arguments)
      #expect(result.code == 64, "\(arguments)")
    }
    let short = try verify(
      reference, "--reference", reference, "--prompt", "Hello", "--second-half")
    #expect(short.code == 78)
    #expect(short.error.contains("a whole window"))
  }

  @Test func anInterruptedRunSaysThatItIsPartial() throws {
    let long = try folder.write(
      Array(repeatElement(try Fixtures.bytes(Self.text), count: 400).joined()), to: "long.txt")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: CommandLineTool.path)
    process.arguments = [
      "verify-logits", reference, "--reference", reference, "--text", long, "--max-kld", "0",
    ]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    Thread.sleep(forTimeInterval: 6)
    process.interrupt()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 130)
    // Nothing is printed when not even the first pass was done.
    if !text.isEmpty {
      #expect(text.contains("PARTIAL"))
      #expect(!text.contains("--max-kld"))
    }
  }
}

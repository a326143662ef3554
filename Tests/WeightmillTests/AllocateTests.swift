import Foundation
import Testing
import WeightmillTestSupport

/// `sensitivity`, and `quantize` and `convert` with a size.
struct AllocateTests {
  private static let text = ["--text", "fixtures/mini-ziya/expected/eval-en.txt"]

  private let folder: TemporaryFolder
  private let model: String
  private let measured: String

  init() throws {
    folder = try TemporaryFolder()
    (model, measured) = (folder("f16.gguf"), folder("x.sensitivity"))
    let converted = try CommandLineTool.run(
      "convert", "fixtures/mini-ziya/base-meta", "--delta", "fixtures/mini-ziya/delta", "--output",
      model)
    #expect(converted.code == 0, "\(converted.error)")
    let made = try CommandLineTool.run(
      [
        "sensitivity", model, "--context", "128", "--sample", "256", "--output", measured,
        "--save-imatrix", folder("imatrix.gguf"), "--quiet",
      ] + Self.text)
    #expect(made.code == 0, "\(made.error)")
    #expect(made.output.contains("30 matrices, 7 types, by 256 tokens each"), "\(made.output)")
  }

  private func run(_ words: [String]) throws -> CommandLineTool.Result {
    try CommandLineTool.run(words + ["--quiet"])
  }

  private func size(_ name: String) throws -> Int { try Fixtures.bytes(folder(name)).count }

  @Test func oneMeasurementGivesEverySize() throws {
    let imatrix = ["--imatrix", folder("imatrix.gguf")]
    let from = ["quantize", model]
    let mix = try run(from + [folder("mix.gguf"), "q3_k_m"] + imatrix)
    #expect(mix.code == 0, "\(mix.error)")
    let best = try run(
      from + [
        folder("best.gguf"), "--like", "q3_k_m", "--sensitivity", measured, "--save-types",
        folder("types.txt"),
      ] + imatrix)
    #expect(best.code == 0, "\(best.error)")
    #expect(best.error.contains("a divergence of 0.0"), "\(best.error)")
    #expect(try size("best.gguf") <= size("mix.gguf"))
    // The file of types gives the same bytes.
    let same = try run(
      from + [folder("same.gguf"), "q3_k_m", "--tensor-type-file", folder("types.txt")] + imatrix)
    #expect(same.code == 0, "\(same.error)")
    let isSame = try Fixtures.bytes(folder("same.gguf")) == Fixtures.bytes(folder("best.gguf"))
    #expect(isSame)
    for (option, value, most) in [
      ("--target-size", "2.5MB", 2_500_000), ("--target-bpw", "4.6", 2_960_000),
    ] {
      let result = try run(
        from + [folder("size.gguf"), option, value, "--sensitivity", measured, "--force", "--json"]
          + imatrix)
      #expect(result.code == 0, "\(result.error)")
      #expect(try size("size.gguf") <= most)
      let summary = try #require(result.json?["allocation"] as? [String: Any])
      #expect(summary["bytes"] as? Int == (try size("size.gguf")))
      #expect(summary["isExact"] as? Bool == true)
    }
    // In the mean of the positions it is nearer to the model by far: the mix loses twice as much.
    let limits = [
      "--text", "fixtures/mini-ziya/expected/eval-zh.txt", "--context", "256", "--json",
    ]
    let losses = try ["mix.gguf", "best.gguf"].map { name -> Double in
      let json = try run(["verify-logits", folder(name), "--reference", model] + limits).json
      let total = json?["total"] as? [String: Any]
      return try #require((total?["divergence"] as? [String: Any])?["mean"] as? Double)
    }
    #expect(losses[1] < 0.7 * losses[0], "\(losses)")
  }

  @Test func aCheckpointIsMeasuredAndConvertedByOneCommand() throws {
    let result = try run(
      [
        "convert", "fixtures/mini-ziya/base-meta", "--delta", "fixtures/mini-ziya/delta",
        "--target-size", "2.5MB", "--types", "q2_k,q4_k,q6_k", "--output", folder("ziya.gguf"),
      ]
        + Self.text)
    #expect(result.code == 0, "\(result.error)")
    #expect(result.error.contains("importance is learnt from the same text"), "\(result.error)")
    #expect(try size("ziya.gguf") <= 2_500_000)
    let inspected = try run(["inspect", folder("ziya.gguf")]).output
    #expect(inspected.contains("quantize.imatrix.dataset"), "\(inspected)")
  }

  @Test func errorFeedbackKeepsTheChosenTypes() throws {
    let chosen = ["--like", "q3_k_m", "--sensitivity", measured]
    let calibrated = try run(
      [
        "quantize", model, folder("fed.gguf"), "--calibrate",
        "fixtures/mini-ziya/expected/eval-en.txt", "--calibration-context", "128", "--json",
      ] + chosen)
    #expect(calibrated.code == 0, "\(calibrated.error)")
    let plain = try run(["quantize", model, folder("plain.gguf"), "--dry-run", "--json"] + chosen)
    func types(_ result: CommandLineTool.Result) -> [String] {
      (result.json?["tensors"] as? [[String: Any]])?.compactMap { $0["type"] as? String } ?? []
    }
    #expect(types(calibrated) == types(plain) && types(plain).count == 39)
    #expect(calibrated.json?["feedback"] != nil && calibrated.json?["allocation"] != nil)
  }

  @Test func whatMeasuringTakesIsSaidBefore() throws {
    for command in [
      ["sensitivity", model, "--output", folder("none"), "--dry-run"],
      ["quantize", model, folder("none.gguf"), "--target-size", "3MB", "--dry-run"],
    ] {
      let result = try run(command + Self.text)
      #expect(result.code == 0, "\(result.error)")
      #expect(result.error.contains("30 matrices by 1,024 tokens each"), "\(result.error)")
      #expect(result.error.contains("GFLOP/s"))
    }
    #expect(!FileManager.default.fileExists(atPath: folder("none")))
  }

  @Test func whatMakesNoSenseIsRefused() throws {
    let cases: [(options: [String], problem: String)] = [
      (["--target-size", "1MB"], "give --target-size"),
      (["--target-size", "3MB", "--target-bpw", "4"], "exclude each other"),
      (["--target-size", "3MB", "--text", "x.txt"], "exclude each other"),
      (["--target-size", "x"], "is invalid"), (["--target-bpw", "0"], "above 0"),
      (["--like", "f16"], "with blocks"),
      (["--like", "q4_k_m", "--pure"], "--pure gives all matrices one type"),
      (["--like", "q4_k_m", "--prune-layers", "1"], "prune it in a step before"),
      (["--like", "q4_k_m", "--types", "q4_k,q9_k"], "\"q9_k\" is no type; types: f32"),
      ([], "goes with --target-size"),
    ]
    for (options, problem) in cases {
      let result = try run(
        ["quantize", model, folder("no.gguf"), "--sensitivity", measured] + options
          + (options.isEmpty ? ["q4_k_m"] : []))
      #expect(result.code == 64, "\(options) \(result.error)")
      #expect(result.error.contains(problem), "\(options) \(result.error)")
      #expect(!FileManager.default.fileExists(atPath: folder("no.gguf")))
    }
  }

  /// Before anything is measured.
  @Test func aFileThatIsQuantizedAlreadyIsRefused() throws {
    #expect(try run(["quantize", model, folder("q8_0.gguf"), "q8_0"]).code == 0)
    let result = try run(
      ["quantize", folder("q8_0.gguf"), folder("no.gguf"), "--like", "q4_k_m"] + Self.text)
    #expect(result.code == 69)
    #expect(result.error.contains("is quantized already"), "\(result.error)")
    #expect(!result.error.contains("GFLOP/s"), "\(result.error)")
  }

  @Test func aFileThatIsNotFinishedIsNamed() throws {
    let text = String(decoding: try Fixtures.bytes(measured), as: UTF8.self)
    let cut = text.replacing(
      /"divergence": [0-9.e-]+,\n      "errors"/, with: "\"divergence\": null,\n      \"errors\"")
    let path = try folder.write(cut.utf8, to: "cut.sensitivity")
    let result = try run(
      ["quantize", model, folder("no.gguf"), "--like", "q4_k_m", "--sensitivity", path])
    #expect(result.code == 78)
    #expect(result.error.contains("was not finished; finish it"), "\(result.error)")
    let again = try run(
      ["sensitivity", model, "--context", "128", "--sample", "256", "--output", path, "--resume"]
        + Self.text)
    #expect(again.code == 0, "\(again.error)")
    let isSame = try Fixtures.bytes(path) == Fixtures.bytes(measured)
    #expect(isSame)
  }

  @Test func aPageShowsTheFront() throws {
    let page = folder("sizes.html")
    let measure =
      [
        "sensitivity", model, "--context", "128", "--sample", "256", "--output", measured,
        "--resume", "--imatrix", folder("imatrix.gguf"),
      ] + Self.text
    let before = try Fixtures.bytes(measured)
    // What was measured is not measured again.
    let result = try run(measure + ["--html", page, "--json"])
    #expect(result.code == 0, "\(result.error)")
    #expect((result.json?["kinds"] as? [Any])?.isEmpty == false)
    let isSame = try Fixtures.bytes(measured) == before
    #expect(isSame)
    let html = String(decoding: try Fixtures.bytes(page), as: UTF8.self)
    for mix in ["Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q4_K_S", "IQ4_XS", "Q3_K_M", "Q2_K"] {
      #expect(html.contains("<b>\(mix)</b>"), "\(mix)")
    }
    #expect(html.contains("eval-en.txt") && html.contains("f16.gguf"))
    let printed = try run(measure + ["--html", "-"])
    #expect(printed.code == 0 && printed.output == html, "\(printed.error)")
    // What could not be written is refused before anything is measured.
    for (path, code, problem) in [
      (page, 73, "exists already"), (model, 73, "is an input"), (measured, 73, "exists already"),
      (folder("none/x.html"), 73, "folder does not exist"),
    ] {
      let refused = try run(measure + ["--html", path])
      #expect(refused.code == code && refused.error.contains(problem), "\(path) \(refused.error)")
    }
    let forced = try run(measure + ["--html", measured, "--force"])
    #expect(forced.code == 73 && forced.error.contains("two outputs"), "\(forced.error)")
    #expect(try run(measure + ["--html", page, "--force"]).code == 0)
    #expect(try run(measure + ["--html", "-", "--json"]).code == 64)
    let dry = try run(measure + ["--html", folder("dry.html"), "--dry-run"])
    #expect(dry.code == 0, "\(dry.error)")
    #expect(!FileManager.default.fileExists(atPath: folder("dry.html")))
  }

  @Test func aCheckpointHasAPage() throws {
    let result = try run(
      [
        "sensitivity", "fixtures/mini-ziya/base-meta", "--delta", "fixtures/mini-ziya/delta",
        "--context", "128", "--sample", "128", "--types", "q3_k,q4_k,q6_k", "--output",
        folder("y.sensitivity"), "--html", folder("y.html"),
      ] + Self.text)
    #expect(result.code == 0, "\(result.error)")
    let html = String(decoding: try Fixtures.bytes(folder("y.html")), as: UTF8.self)
    // Of the mixes only those are shown all of whose types were measured.
    #expect(html.contains("<b>Q6_K</b>") && !html.contains("<b>Q8_0</b>"))
    #expect(html.contains("q6_k: 6.563 bits"))
  }
}

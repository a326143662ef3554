import Foundation
import Testing
import WeightmillTestSupport

/// `weightmill doctor`, as a user calls it.
struct DoctorTests {
  private static let mini = ["fixtures/mini-ziya/base-meta", "--delta", "fixtures/mini-ziya/delta"]

  @Test func itNamesTheMachine() throws {
    let result = try CommandLineTool.run("doctor", "--json")
    #expect(result.code == 0)
    let machine = try #require(result.json?["host"] as? [String: Any])
    #expect((machine["system"] as? String)?.isEmpty == false)
    #expect((machine["cores"] as? Int ?? 0) >= 1)
    #expect((machine["memory"] as? Int ?? 0) > 1 << 28)
    #expect((result.json?["freeBytes"] as? Int ?? 0) > 0)
    #expect(result.json?["forecasts"] == nil)
  }

  /// The sizes are those of the files that `convert` writes, to the byte.
  @Test func forecastsAreTheSizesOfTheFiles() throws {
    let folder = try TemporaryFolder()
    let types = ["f16", "q4_k_m"]
    let result = try CommandLineTool.run(
      ["doctor"] + Self.mini + types.flatMap { ["--type", $0] } + ["--json"])
    #expect(result.code == 0, "\(result.error)")
    let forecasts = try #require(result.json?["forecasts"] as? [[String: Any]])
    #expect(forecasts.map { $0["type"] as? String } == types)
    for (type, forecast) in zip(types, forecasts) {
      let output = folder("forecast.gguf")
      let written = try CommandLineTool.run(
        ["convert"] + Self.mini + ["--type", type, "--name", "forecast", "--force"]
          + ["--output", output, "--json"])
      #expect(written.code == 0, "\(written.error)")
      #expect(forecast["bytes"] as? Int == written.json?["bytes"] as? Int)
      #expect(try Fixtures.bytes(output).count == forecast["bytes"] as? Int)
      #expect((forecast["encodingSeconds"] as? Double ?? -1) > 0)
    }
  }

  @Test func aGGUFFileIsForecastAsQuantizeWritesIt() throws {
    let folder = try TemporaryFolder()
    let model = folder("f16.gguf")
    #expect(
      try CommandLineTool.run(["convert"] + Self.mini + ["--output", model]).code == 0)
    let forecast = try CommandLineTool.run("doctor", model, "--type", "q8_0", "--json")
    let bytes = (forecast.json?["forecasts"] as? [[String: Any]])?.first?["bytes"] as? Int
    let small = folder("q8_0.gguf")
    #expect(try CommandLineTool.run("quantize", model, small, "q8_0").code == 0)
    #expect(try Fixtures.bytes(small).count == bytes)

    // What is quantized already is described, and nothing is promised.
    let again = try CommandLineTool.run("doctor", small)
    #expect(again.code == 0)
    #expect(again.output.contains("all are there"))
    #expect(again.error.contains("no types to choose from"))
    #expect(try CommandLineTool.run("doctor", small, "--type", "q4_0").code == 69)
  }

  @Test func missingPartsAreFoundBeforeTheHours() throws {
    let folder = try TemporaryFolder()
    let part = "fixtures/mini-ziya/base-meta/consolidated.00.pth"
    let bytes = try Fixtures.bytes("\(Fixtures.package)/\(part)")
    for name in ["params.json", "tokenizer.model"] {
      try folder.write(
        Fixtures.bytes("\(Fixtures.package)/fixtures/mini-ziya/base-meta/\(name)"), to: name)
    }
    try folder.write(bytes, to: "consolidated.00.pth")
    #expect(try CommandLineTool.run("doctor", folder.path).code != 0)
    // A download that stopped.
    try folder.write(bytes.prefix(bytes.count / 2), to: "consolidated.00.pth")
    #expect(try CommandLineTool.run("doctor", folder.path).code == 65)
  }

  @Test func whatMakesNoSenseIsRefused() throws {
    #expect(try CommandLineTool.run("doctor", "--type", "q4_0").code == 64)
    let nowhere = try CommandLineTool.run("doctor", "--output", "/nowhere/at/all")
    #expect(nowhere.code == 66)
    #expect(nowhere.error.contains("make the folder first"))
  }
}

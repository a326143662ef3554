import Foundation
import Testing
import WeightmillTestSupport

/// `weightmill compare` as a user runs it.
struct CompareTests {
  private static let base = "fixtures/mini-ziya/base-meta"
  private static let delta = "fixtures/mini-ziya/delta"
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func convert(_ type: String = "f16") throws -> String {
    let path = folder("\(type).gguf")
    let result = try CommandLineTool.run(
      "convert", Self.base, "--delta", Self.delta, "--output", path, "--type", type)
    #expect(result.code == 0, "\(result.error)")
    return path
  }

  @Test func theMergedModelIsTheF16Files() throws {
    let file = try convert()
    let result = try CommandLineTool.run("compare", Self.base, "--delta", Self.delta, file)
    #expect(result.code == 0, "\(result.error)")
    #expect(result.output.hasPrefix("A  \(Self.base) + \(Self.delta)\nB  \(file)\n"))
    #expect(result.output.contains("39: 30 same bytes, 9 same values"))
    #expect(result.output.hasSuffix("\nsame     every value of A is B's\n"))
    let lines = result.output.split(separator: "\n").filter { $0.hasPrefix("model.layers.0.") }
    #expect(lines.count == 9)
    #expect(lines.contains { $0.contains("F16 → F32") && $0.contains("same values") })
    let hidden = try CommandLineTool.run(
      "compare", Self.base, "--delta", Self.delta, file, "--only-different")
    #expect(hidden.code == 0 && !hidden.output.contains("model.layers"))
  }

  @Test func quantizingIsADifferenceWithinALimitOrNot() throws {
    let (file, small) = (try convert(), try convert("q8_0"))
    let result = try CommandLineTool.run("compare", file, small, "--only-different")
    #expect(result.code == 1)
    #expect(result.error.isEmpty)
    #expect(result.output.contains("39: 9 same bytes, 30 different values"))
    #expect(result.output.contains("most apart"))
    #expect(!result.output.contains("1.000000"))
    #expect(
      result.output.hasSuffix("\nDIFFER   model.embed_tokens.weight and 29 more\n"))
    let kept = try CommandLineTool.run("compare", file, small, "--relative-tolerance", "1%")
    #expect(kept.code == 0)
    #expect(kept.output.hasSuffix("passed   every tensor keeps --relative-tolerance 1.000 %\n"))
    let both = try CommandLineTool.run(
      "compare", file, small, "--relative-tolerance", "0.01", "--tolerance", "1e-4")
    #expect(both.code == 1)
    #expect(both.output.contains("FAILED   --tolerance 0.0001"))
  }

  @Test func jsonHasEveryFigure() throws {
    let (file, small) = (try convert(), try convert("q4_0"))
    let result = try CommandLineTool.run("compare", file, small, "--json", "--tolerance", "0.001")
    #expect(result.code == 1)
    let json = try #require(result.json)
    #expect(json["passed"] as? Bool == false)
    #expect(json["names"] as? String == "huggingFace")
    #expect((json["limits"] as? [String: Any])?["maximum"] as? Double == 0.001)
    let counts = try #require(json["counts"] as? [String: Int])
    #expect(counts["tensors"] == 39 && counts["different"] == 30 && counts["sameBytes"] == 9)
    let tensors = try #require(json["tensors"] as? [[String: Any]])
    #expect(tensors.count == 39)
    let first = try #require(tensors.first)
    #expect(first["verdict"] as? String == "different")
    #expect((first["b"] as? [String: Any])?["type"] as? String == "Q4_0")
    let figures = try #require(first["figures"] as? [String: Any])
    let worst = try #require(first["worst"] as? [String: Any])
    let (a, b) = (worst["a"] as? Double ?? 0, worst["b"] as? Double ?? 0)
    #expect(abs(a - b) == figures["maximum"] as? Double)
  }

  @Test func valuesThatAreNoNumbersAreSaidAndFail() throws {
    try SmallModel().write(to: folder, "a")
    var damaged = SmallModel()
    damaged.change = { name, values in
      if name.contains("q_proj") { values[5] = .nan }
    }
    try damaged.write(to: folder, "b")
    let result = try CommandLineTool.run(
      "compare", folder("a"), folder("b"), "--tolerance", "1e30", "--relative-tolerance", "1e30")
    #expect(result.code == 1)
    #expect(result.output.contains("1 differ; not finite: 0 in A, 1 in B"))
    #expect(result.output.contains("q_proj.weight (not finite)"))
    let json = try CommandLineTool.run("compare", folder("b"), folder("b"), "--json")
    #expect(json.code == 0 && json.json?["passed"] as? Bool == true)
  }

  @Test func aNameCannotDriveTheTerminal() throws {
    let header = #"{"a\u001b[2Jb":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#
    var bytes = Bytes()
    bytes.put(UInt64(header.utf8.count))
    bytes.put(header)
    bytes.put([7])
    let path = try folder.write(bytes.all, to: "x.safetensors")
    let result = try CommandLineTool.run("compare", path, path)
    #expect(result.code == 0)
    #expect(result.output.contains(#"a\u{1b}[2Jb"#))
    #expect(!result.output.contains("\u{1B}"))
  }

  @Test(arguments: [
    ["compare", "a"], ["compare", "a", "b", "--tolerance", "-1"],
    ["compare", "a", "b", "--tolerance", "nan"], ["compare", "a", "b", "--tolerance", "inf"],
    ["compare", "a", "b", "--relative-tolerance", "-1%"],
    ["compare", "a", "b", "--delta-kind", "ziya"],
  ])
  func wrongUsage(arguments: [String]) throws {
    let result = try CommandLineTool.run(arguments)
    #expect(result.code == 64, "\(result.error)")
  }
}

import Foundation
import Testing
import WeightmillTestSupport

/// `--version`, and what of it goes into files.
struct VersionTests {
  @Test func theProgramNamesItsVersionAndCommit() throws {
    let result = try CommandLineTool.run("--version")
    #expect(result.code == 0)
    // A build by `swift build` knows no commit.
    let line = /weightmill [0-9]+\.[0-9]+\.[0-9]+( \([0-9a-f]{7,40}(\+changes)?\))?\n/
    #expect(result.output.wholeMatch(of: line) != nil, "\(result.output)")
  }

  @Test func filesNameTheVersionAlone() throws {
    let folder = try TemporaryFolder()
    let file = folder("x.gguf")
    let written = try CommandLineTool.run(
      "convert", "fixtures/mini-ziya/base-meta", "--output", file)
    #expect(written.code == 0, "\(written.error)")
    let inspected = try CommandLineTool.run("inspect", file, "--json")
    let metadata = try #require(inspected.json?["metadata"] as? [[String: Any]])
    let entry = metadata.first { $0["key"] as? String == "weightmill.version" }
    let version = try #require(entry?["value"] as? String)
    #expect(version.wholeMatch(of: /[0-9]+\.[0-9]+\.[0-9]+/) != nil, "\(version)")
  }
}

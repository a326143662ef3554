import Foundation
import Testing
import WeightmillTestSupport

/// The step of continuous integration passes on what it is given, and what comes out of it.
///
/// A program that writes down its arguments stands for `weightmill`.
struct ActionTests {
  /// A file of the repository: one that was just written could not be run while another thread
  /// makes a process, which holds it open for a moment.
  private static let standIn = "\(Fixtures.package)/fixtures/ci/program"

  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
  }

  private func text(_ name: String) throws -> String {
    String(decoding: try Fixtures.bytes(folder(name)), as: UTF8.self)
  }

  private func lines(_ name: String) throws -> [String] {
    try text(name).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      .map(String.init)
  }

  /// Runs the step as GitHub does; returns its exit code and what it printed.
  private func run(_ inputs: [String: String]) throws -> (code: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["bash", "\(Fixtures.package)/Scripts/ci-verify.sh"]
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    var environment = [
      "FOLDER": folder.path, "WEIGHTMILL": Self.standIn, "CANDIDATE": "q4.gguf",
      "REFERENCE": "base", "GITHUB_OUTPUT": folder("outputs"),
      "GITHUB_STEP_SUMMARY": folder("summary"),
    ]
    environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
    process.environment = environment.merging(inputs) { $1 }
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }

  @Test func everyInputReachesTheProgram() throws {
    try folder.write("{}".utf8, to: "old report.json")
    let result = try run([
      "DELTA": "a delta", "LORA": "one\n\n two \n", "TEXT": "texts/a b.txt\r\n*.txt",
      "CONTEXT": "256", "LIMITS": "--max-kld 0.05\n  --min-top1 *", "OPTIONS": "--second-half",
      "BASELINE": "old report.json", "MAX_REGRESSION": "5%", "HTML": "report $(x).html",
      "CANDIDATE": "-q4 \"x\".gguf",
    ])
    #expect(result.code == 0)
    // Pages are written into a temporary folder first.
    let arguments = try lines("arguments").map { $0.hasPrefix("/") ? "PAGE" : $0 }
    #expect(
      arguments == [
        "verify-logits", "--json", "--quiet", "--markdown", "PAGE", "--reference", "base",
        "--delta", "a delta", "--context", "256", "--html", "PAGE", "--lora", "one", "--lora",
        " two ", "--text", "texts/a b.txt", "--text", "*.txt", "--baseline", "old report.json",
        "--max-regression", "5%", "--max-kld", "0.05", "--min-top1", "*", "--second-half", "--",
        "-q4 \"x\".gguf",
      ])
    #expect(
      try lines("outputs") == [
        "exit-code=0", "report=weightmill-report.json", "html=report $(x).html",
      ])
    #expect(result.output == "# The report\n")
  }

  @Test func theSummaryGrowsAndTheReportIsKept() throws {
    try folder.write("before\n".utf8, to: "summary")
    #expect(try run(["REPORT": "r.json"]).code == 0)
    #expect(try text("summary") == "before\n# The report\n")
    #expect(try text("r.json") == "{\"passed\": true}\n")
  }

  @Test(arguments: ["1", "78", "130"])
  func theExitCodeIsThatOfTheProgram(code: String) throws {
    let result = try run(["CODE": code])
    #expect(result.code == Int32(code))
    #expect(try lines("outputs").first == "exit-code=\(code)")
    #expect(try text("summary") == "# The report\n")
  }

  @Test func anOldReportDoesNotPassForThisRuns() throws {
    try folder.write("old".utf8, to: "weightmill-report.json")
    try folder.write("old".utf8, to: "r.html")
    let result = try run(["SILENT": "1", "CODE": "66", "HTML": "r.html"])
    #expect(result.code == 66)
    #expect(try lines("outputs") == ["exit-code=66"])
    #expect(try !folder.names().contains("weightmill-report.json"))
    #expect(try !folder.names().contains("r.html"))
    #expect(result.output.contains("could not compare q4.gguf (exit code 66)"))
  }

  @Test func theReportMayReplaceTheBaseline() throws {
    try folder.write("old".utf8, to: "r.json")
    #expect(try run(["REPORT": "r.json", "BASELINE": "r.json"]).code == 0)
    #expect(try lines("arguments").contains("--baseline"))
    #expect(try text("r.json") == "{\"passed\": true}\n")
  }

  @Test func aSlipDoesNotCostAModel() throws {
    try folder.write("weights".utf8, to: "q4.gguf")
    #expect(try run(["REPORT": "q4.gguf"]).code == 64)
    #expect(try run(["HTML": "q4.gguf"]).code == 64)
    #expect(try text("q4.gguf") == "weights")
  }

  @Test func aBaselineThatIsNotThereYetIsLeftOut() throws {
    #expect(try run(["BASELINE": "none.json", "MAX_REGRESSION": "5%"]).code == 0)
    #expect(try !lines("arguments").contains { $0.contains("baseline") || $0.contains("regress") })
  }

  @Test func withoutGitHubItPrintsTheReport() throws {
    let result = try run(["GITHUB_OUTPUT": "", "GITHUB_STEP_SUMMARY": ""])
    #expect(result.code == 0)
    #expect(result.output == "# The report\n")
  }

  @Test(arguments: ["CANDIDATE", "REFERENCE"])
  func whatIsRequiredMayNotBeEmpty(name: String) throws {
    #expect(try run([name: ""]).code == 64)
    #expect(try run(["WEIGHTMILL": "/nonexistent/weightmill"]).code == 64)
  }

  /// Every input is handed on, as a variable that the script reads, and nowhere else.
  @Test func theActionHandsOnEveryInput() throws {
    let action = try String(contentsOfFile: "\(Fixtures.package)/action.yml", encoding: .utf8)
    let script = try String(
      contentsOfFile: "\(Fixtures.package)/Scripts/ci-verify.sh", encoding: .utf8)
    let parts = action.components(separatedBy: "\noutputs:\n")
    let declared = parts[0].matches(of: /\n  ([a-z-]+):\n/).map { String($0.1) }
    #expect(declared.count == 14)
    let handed = action.matches(of: /\n        ([A-Z_]+): \$\{\{ inputs\.([a-z-]+)/)
    #expect(Set(handed.map { String($0.2) }) == Set(declared))
    for name in handed.map({ String($0.1) }) where name != "SWIFT_VERSION" {
      #expect(script.contains("# \(name)") || script.contains(", \(name) "), "\(name)")
    }
    // An expression within a script would be run as one.
    #expect(!action.contains(/run:.*\$\{\{/))
  }
}

import Foundation
import Testing
import WeightmillTestSupport

/// Continuous integration runs what the documents tell people to type: Scripts/check-targets.sh looks.
struct DocumentedTargetTests {
  private let folder: TemporaryFolder

  /// A tree of the files that the script reads.
  init() throws {
    folder = try TemporaryFolder()
    try folder.write(
      "all: build\n\nbuild:\n\ntest: \\\n  build\n\nbench:\n".utf8, to: "Makefile")
    for name in ["README.zh-CN.md", "ARCHITECTURE.md", "docs/ci.md", "Examples/One/README.md"] {
      try folder.write("They make whatever they want.\n".utf8, to: name)
    }
    try folder.write("    make\n    make build\n".utf8, to: "README.md")
    try folder.write("| `make test`, `make\nbench` | `SECONDS=60` |\n".utf8, to: "CONTRIBUTING.md")
    try folder.write("step test\nstep bench RUNS=1\n".utf8, to: ".ci/run")
  }

  /// The script's exit code, and what it says.
  private func check(_ path: String) throws -> (code: Int32, errors: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["bash", "\(Fixtures.package)/Scripts/check-targets.sh", path]
    let pipe = Pipe()
    process.standardError = pipe
    try process.run()
    let errors = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: errors, as: UTF8.self))
  }

  @Test func everyTargetOfTheDocumentsIsRun() throws {
    let result = try check(Fixtures.package)
    #expect(result.code == 0, "\(result.errors)")
  }

  @Test func targetsAreReachedThroughOthers() throws {
    let result = try check(folder.path)
    #expect(result.code == 0, "\(result.errors)")
  }

  @Test func aTargetThatIsNotRunIsNamed() throws {
    try folder.write("step test\n# step bench\n".utf8, to: ".ci/run")
    let result = try check(folder.path)
    #expect(result.code == 1)
    #expect(result.errors == "documents name `make bench`, which .ci/run does not run\n")
  }

  @Test func aTargetThatIsNotThereIsNamed() throws {
    try folder.write("```\nmake tests\n```\n".utf8, to: "docs/ci.md")
    let result = try check(folder.path)
    #expect(result.code == 1)
    #expect(result.errors == "documents name `make tests`, which the Makefile does not have\n")
  }

  /// None of the names that make a target is empty, or the checks above would see nothing.
  @Test func theWholeTreeIsSeen() throws {
    let root = try TemporaryFolder()
    for name in [
      "Makefile", "README.md", "README.zh-CN.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "docs",
      "Examples",
    ] {
      try root.copy("\(Fixtures.package)/\(name)", as: name)
    }
    try root.write("step prepare\n".utf8, to: ".ci/run")
    let errors = try check(root.path).errors
    for target in ["quality", "fuzz", "bench-job", "protobuf", "uninstall", "test-release", "lint"]
    {
      #expect(errors.contains("`make \(target)`"))
    }
  }
}

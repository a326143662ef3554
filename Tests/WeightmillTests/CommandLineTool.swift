import Foundation
import WeightmillTestSupport

/// Runs the built `weightmill` as a user would.
struct CommandLineTool {
  struct Result {
    let code: Int32
    let output: String
    let error: String

    /// What was printed as JSON.
    var json: [String: Any]? {
      try? JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any]
    }
  }

  /// The executable beside the test bundle.
  static let path: String = {
    if let path = ProcessInfo.processInfo.environment["WEIGHTMILL"] { return path }
    let runner = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    var folder = runner.deletingLastPathComponent()
    for _ in 0..<5 {
      let candidate = folder.appendingPathComponent("weightmill").path
      if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
      folder.deleteLastPathComponent()
    }
    return "weightmill"
  }()

  /// Runs a command in the package's folder.
  static func run(_ arguments: String...) throws -> Result {
    try run(arguments)
  }

  /// Runs a command in the package's folder.
  ///
  /// - Parameters:
  ///   - arguments: The arguments.
  ///   - environment: What is added to the environment.
  /// - Returns: What came of it.
  /// - Throws: What the system says when it cannot be run.
  static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Result {
    let process = Process()
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: Fixtures.package)
    let folder = try TemporaryFolder()
    let (output, error) = (try folder.write([], to: "out"), try folder.write([], to: "err"))
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: error))
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return Result(
      code: process.terminationReason == .exit ? process.terminationStatus : -1,
      output: String(decoding: try Fixtures.bytes(output), as: UTF8.self),
      error: String(decoding: try Fixtures.bytes(error), as: UTF8.self))
  }
}

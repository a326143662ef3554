import Foundation
import Synchronization
import Testing
import WeightmillTestSupport

#if Remote
  struct RemoteCommandTests {
    private static let arguments = ["--type", "q8_0", "--quiet"]

    /// Base and delta on one hub.
    private static func hub(
      change:
        @escaping @Sendable (LoopbackServer.Request, LoopbackServer.Answer) ->
        LoopbackServer.Answer = { $1 }
    ) throws -> LoopbackHub {
      try LoopbackHub(
        ["o/base": Fixtures.miniZiya("base-meta"), "o/delta": Fixtures.miniZiya("delta")],
        change: change)
    }

    private static func environment(_ hub: LoopbackHub) -> [String: String] {
      ["HF_ENDPOINT": hub.address, "HF_TOKEN": "hf_secret"]
    }

    private static func convertLocal(_ folder: TemporaryFolder) throws -> [UInt8] {
      let output = folder("local/m.gguf")
      try FileManager.default.createDirectory(
        atPath: folder("local"), withIntermediateDirectories: true)
      let result = try CommandLineTool.run(
        [
          "convert", Fixtures.miniZiya("base-meta"), "--delta", Fixtures.miniZiya("delta"),
          "--output", output,
        ] + arguments)
      #expect(result.code == 0, "\(result.error)")
      return try Fixtures.bytes(output)
    }

    private static func server(
      _ change:
        @escaping @Sendable (LoopbackServer.Request, LoopbackServer.Answer) ->
        LoopbackServer.Answer = { $1 }
    ) throws -> LoopbackServer {
      try LoopbackServer { request in
        let path = Fixtures.miniZiya(String(request.path.dropFirst()))
        guard let bytes = try? Fixtures.bytes(path) else { return .init(404) }
        return change(request, .part(of: bytes, request))
      }
    }

    @Test func aWebServerGivesTheBytesOfAFolderInSpiteOfFaults() throws {
      let folder = try TemporaryFolder()
      let local = try Self.convertLocal(folder)
      let server = try Self.server { request, answer in
        var answer = answer
        // One after the other would be paused for longer and longer.
        switch request.earlier {
        case 1: return .init(503)
        case 3: answer.cut = answer.body.count / 2
        case 5: return .init(429, ["Retry-After": "0"])
        default: break
        }
        return answer
      }
      let output = folder("m.gguf")
      let result = try CommandLineTool.run(
        [
          "convert", "\(server.address)/base-meta/", "--delta=\(server.address)/delta/",
          "--output", output,
        ] + Self.arguments)
      #expect(result.code == 0, "\(result.error)")
      #expect(try Fixtures.bytes(output) == local)
    }

    @Test func aHubGivesTheSameTensorsAndIsNamedInTheFile() throws {
      let folder = try TemporaryFolder()
      _ = try Self.convertLocal(folder)
      let hub = try Self.hub()
      let output = folder("m.gguf")
      let result = try CommandLineTool.run(
        ["convert", "hf://o/base", "--delta", "hf://o/delta@v1", "--output", output]
          + Self.arguments, environment: Self.environment(hub))
      #expect(result.code == 0, "\(result.error)")
      let difference = try CommandLineTool.run("compare", folder("local/m.gguf"), output)
      #expect(difference.code == 0, "\(difference.output)")
      let provenance = try CommandLineTool.run("inspect", output, "--provenance", "--json")
      let sources = try #require(provenance.json?["sources"] as? [[String: Any]])
      let repositories = Set(sources.compactMap { $0["repository"] as? String })
      #expect(
        repositories == ["hf://o/base@\(LoopbackHub.commit)", "hf://o/delta@\(LoopbackHub.commit)"])
      #expect(sources.allSatisfy { ($0["sha256"] as? String)?.count == 64 })
    }

    @Test func aDryRunAndInspectReadHeadersAlone() throws {
      let hub = try Self.hub()
      let environment = Self.environment(hub)
      let inspect = try CommandLineTool.run(
        ["inspect", "hf://o/base"], environment: environment)
      #expect(inspect.code == 0, "\(inspect.error)")
      #expect(inspect.output.contains("hf://o/base"))
      let dry = try CommandLineTool.run(
        ["convert", "hf://o/base", "--output", "x.gguf", "--dry-run", "--json"],
        environment: environment)
      #expect(dry.code == 0, "\(dry.error)")
      let local = try CommandLineTool.run(
        "convert", Fixtures.miniZiya("base-meta"), "--output", "x.gguf", "--dry-run", "--json")
      #expect(dry.json?["bytes"] as? Int != nil || dry.json != nil)
      #expect(local.json?.keys.sorted() == dry.json?.keys.sorted())
    }

    /// Tokens and signed queries appear nowhere.
    @Test func secretsAreNotShown() throws {
      let folder = try TemporaryFolder()
      let hub = try Self.hub { request, answer in
        guard request.path.contains("/resolve/"), !request.target.contains("?") else {
          return answer
        }
        return .init(302, ["Location": "\(request.path)?X-Amz-Signature=signature"])
      }
      let output = folder("m.gguf")
      let environment = Self.environment(hub)
      let results = [
        try CommandLineTool.run(
          ["convert", "hf://o/base", "--delta", "hf://o/delta", "--output", output, "--json"],
          environment: environment),
        try CommandLineTool.run(
          ["inspect", "\(hub.address)/x.gguf?X-Amz-Signature=signature"], environment: environment),
        try CommandLineTool.run(
          ["convert", "hf://o/none", "--output", folder("n.gguf")], environment: environment),
      ]
      #expect(results.map(\.code) == [0, 66, 66])
      for result in results {
        for secret in ["hf_secret", "signature"] {
          #expect(!result.output.contains(secret))
          #expect(!result.error.contains(secret))
        }
      }
      let text = String(decoding: try Fixtures.bytes(output).prefix(4 << 20), as: UTF8.self)
      #expect(!text.contains("signature") && !text.contains("hf_secret"))
      #expect(hub.server.requests.contains { $0.target == "/x.gguf?X-Amz-Signature=signature" })
    }

    /// A run that was killed goes on; not if the file is another one by then.
    @Test(arguments: [false, true]) func aKilledRunIsResumed(_ changes: Bool) throws {
      let folder = try TemporaryFolder()
      let local = folder("local.gguf")
      let whole = try CommandLineTool.run(
        ["convert", Fixtures.miniZiya("base-hf"), "--output", local, "--name", "m"]
          + Self.arguments)
      #expect(whole.code == 0, "\(whole.error)")
      let state = RunState()
      let server = try Self.server { request, answer in
        var answer = answer
        // But for what is read before a run, the first shard comes late, the second one never.
        if state.isSlow, answer.body.count > 1 << 16, request.range?.lowerBound ?? 0 >= 1 << 20 {
          answer.pause = request.path.contains("00001-of-00002") ? 1000 : 100_000
        }
        if state.isChanged { answer.headers["ETag"] = "\"two\"" }
        return answer
      }
      let output = folder("m.gguf")
      let arguments =
        ["convert", "\(server.address)/base-hf/", "--output", output, "--name", "m"]
        + Self.arguments
      let process = Process()
      process.executableURL = URL(fileURLWithPath: CommandLineTool.path)
      process.arguments = arguments
      process.standardError = FileHandle.nullDevice
      try process.run()
      let end = Date(timeIntervalSinceNow: 60)
      while try Self.journalLines(folder) < 3, Date() < end { usleep(50_000) }
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      #expect(try Self.journalLines(folder) >= 3)
      state.stopBeingSlow(changes: changes)
      let resumed = try CommandLineTool.run(arguments + ["--resume"])
      if changes {
        #expect(resumed.code == 78, "\(resumed.error)")
        #expect(resumed.error.contains("version \"one\""), "\(resumed.error)")
        #expect(resumed.error.contains("version \"two\""))
      } else {
        #expect(resumed.code == 0, "\(resumed.error)")
        #expect(try Fixtures.bytes(output) == Fixtures.bytes(local))
      }
    }

    private static func journalLines(_ folder: TemporaryFolder) throws -> Int {
      guard let name = try folder.names().first(where: { $0.hasSuffix(".journal") }) else {
        return 0
      }
      return try Fixtures.bytes(folder(name)).count { $0 == 10 }
    }
  }

  private final class RunState: Sendable {
    private let state = Mutex((isSlow: true, isChanged: false))
    var isSlow: Bool { state.withLock { $0.isSlow } }
    var isChanged: Bool { state.withLock { $0.isChanged } }
    func stopBeingSlow(changes: Bool) { state.withLock { $0 = (false, changes) } }
  }
#endif

import Foundation
import Testing
import WeightmillTestSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The rules that no file of the corpus can show: what is no file, and how outputs come to be.
struct RuleTests {
  private static let base = "fixtures/mini-ziya/base-hf"
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func expect(
    _ code: Int32, _ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let result = try CommandLineTool.run(arguments)
    #expect(result.code == code, "\(result.error)", sourceLocation: sourceLocation)
    #expect(result.output.isEmpty, sourceLocation: sourceLocation)
    #expect(result.error.split(separator: "\n").count == 1, sourceLocation: sourceLocation)
  }

  // MARK: Inputs

  @Test(
    "DET-02: devices, pipes and sockets are refused, whichever command reads them",
    arguments: ["/dev/zero", "/dev/null", "pipe", "socket", "link"])
  func onlyFilesAreRead(name: String) throws {
    #expect(mkfifo(folder("pipe"), 0o600) == 0)
    let server = try listen(folder("socket"))
    defer { close(server) }
    try FileManager.default.createSymbolicLink(
      atPath: folder("link"), withDestinationPath: folder("pipe"))
    let path = name.hasPrefix("/") ? name : folder(name)
    try expect(77, ["hash", path])
    try expect(77, ["inspect", path])
    try expect(77, ["tokenize", path, "text"])
    try expect(77, ["hash", Self.base, "--check", path])
    try expect(77, ["convert", path, "--output", folder("x.gguf")])
  }

  @Test("DET-02: a folder in a file's place is refused", arguments: ["config.json", "a.gguf"])
  func aFolderIsNoFile(name: String) throws {
    let copy = try folder.copy(Fixtures.miniZiya("base-hf"), as: "copy")
    try? FileManager.default.removeItem(atPath: "\(copy)/\(name)")
    try FileManager.default.createDirectory(
      atPath: "\(copy)/\(name)", withIntermediateDirectories: true)
    if name == "config.json" {
      try expect(77, ["convert", copy, "--output", folder("x.gguf")])
    } else {
      try expect(73, ["convert", copy, "--output", "\(copy)/\(name)", "--force"])
    }
  }

  /// A socket at a path.
  private func listen(_ path: String) throws -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let name = Array(path.utf8)
    try #require(name.count < MemoryLayout.size(ofValue: address.sun_path))
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
    #if canImport(Darwin)
      let server = socket(AF_UNIX, SOCK_STREAM, 0)
    #else
      let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    #endif
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(server, $0, size) }
    }
    try #require(bound == 0)
    return server
  }

  // MARK: Outputs

  @Test(
    "OUT-01: ended in the middle, it leaves the old file as it was",
    arguments: [SIGTERM, SIGKILL])
  func theOldFileStaysUntilTheNewOneIsWhole(signal: Int32) throws {
    // A second of work for the fastest machine: the signal must come before the end.
    var model = SmallModel(rows: 120_000)
    model.hidden = 512
    let base = try model.write(to: folder, "base")
    try folder.write("old".utf8, to: "x.gguf")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: CommandLineTool.path)
    process.arguments = [
      "convert", base, "--output", folder("x.gguf"), "--type", "q6_k", "--threads", "1", "--force",
    ]
    process.standardError = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    for _ in 0..<10_000 where try folder.names().count < 4 && process.isRunning { usleep(1000) }
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    #expect(try Fixtures.bytes(folder("x.gguf")) == Array("old".utf8))
    // What cannot be caught leaves its temporary file and its journal, under names that say so.
    let names = try folder.names().filter { $0 != "base" && $0 != "x.gguf" }
    #expect(names.allSatisfy { $0.hasPrefix(".x.gguf.") })
    let endings = Set(names.compactMap { $0.split(separator: ".").last })
    #expect(endings == (signal == SIGKILL ? ["partial", "journal"] : []))
  }

  @Test("OUT-01: an error in the middle leaves nothing")
  func anErrorLeavesNothing() throws {
    var model = SmallModel()
    model.change = { name, values in
      if name == "model.norm.weight" { values[3] = .nan }
    }
    let base = try model.write(to: folder, "base")
    let arguments = ["convert", base, "--output", folder("x.gguf"), "--type", "q8_0", "--strict"]
    let result = try CommandLineTool.run(arguments)
    #expect(result.code != 0)
    #expect(try folder.names() == ["base"])
  }

  @Test("OUT-02: no other name of an input makes it an output", arguments: ["link", "twin", "."])
  func anInputUnderAnotherNameIsKept(name: String) throws {
    let file = folder("x.gguf")
    _ = try CommandLineTool.run("convert", Self.base, "--output", file)
    let before = try Fixtures.bytes(file)
    try FileManager.default.createSymbolicLink(
      atPath: folder("link"), withDestinationPath: "x.gguf")
    try FileManager.default.linkItem(atPath: file, toPath: folder("twin"))
    let output = name == "." ? folder.path + "/./x.gguf" : folder(name)
    try expect(73, ["quantize", file, output, "q8_0", "--force"])
    #expect(try Fixtures.bytes(file) == before)
  }

  @Test("OUT-02: a planted link is replaced, never followed")
  func aPlantedLinkIsNotFollowed() throws {
    try folder.write("precious".utf8, to: "precious")
    try FileManager.default.createSymbolicLink(
      atPath: folder("x.gguf"), withDestinationPath: "precious")
    let arguments = ["convert", Self.base, "--output", folder("x.gguf")]
    try expect(73, arguments)
    #expect(try CommandLineTool.run(arguments + ["--force"]).code == 0)
    #expect(try Fixtures.bytes(folder("precious")) == Array("precious".utf8))
    #expect(try Fixtures.bytes(folder("x.gguf")).starts(with: "GGUF".utf8))
  }

  @Test("OUT-03: a folder of shards appears whole, or not at all")
  func aFolderAppearsWhole() throws {
    let target = folder("model")
    let arguments = [
      "convert", Self.base, "--format", "safetensors", "--max-shard-size", "3MB", "--output",
      target,
    ]
    // A limit on the size of files, which a shard does not keep.
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments =
      ["-c", "ulimit -f 2000; exec \"$0\" \"$@\"", CommandLineTool.path] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: Fixtures.package)
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 74)
    #expect(try folder.names() == [])
    let whole = try CommandLineTool.run(arguments)
    #expect(whole.code == 0, "\(whole.error)")
    #expect(try folder.names() == ["model"])
    #expect(FileManager.default.fileExists(atPath: "\(target)/model.safetensors.index.json"))
  }

  @Test("OUT-02: streams that are closed do not become files that are written")
  func closedStreamsAreNotMistaken() throws {
    let file = folder("x.gguf")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = [
      "-c", "exec \"$0\" convert \"$1\" --name m --output \"$2\" <&- >&- 2>&-",
      CommandLineTool.path,
      Fixtures.miniZiya("base-hf"), file,
    ]
    try process.run()
    process.waitUntilExit()
    // The report could not be printed; the file is whole.
    #expect(process.terminationStatus == 74)
    let other = try CommandLineTool.run(
      "convert", Self.base, "--name", "m", "--output", folder("y.gguf"))
    #expect(other.code == 0)
    #expect(try Fixtures.bytes(file) == Fixtures.bytes(folder("y.gguf")))
  }
}

import Foundation
import WeightmillTestSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A run of the executable in a folder of its own, with the time and the memory it took.
struct MeasuredProcess {
  /// What is wrong with the machine, not with the executable.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// The exit code; `nil` when a signal ended it.
  let code: Int32?
  let output: [UInt8]
  let error: [UInt8]
  let seconds: Double
  /// The largest resident size, in bytes.
  let peakBytes: Int
  /// What lies in its folder afterwards.
  let leftovers: [String]

  /// Runs the executable; it is killed when it takes longer than some seconds.
  static func run(_ arguments: [String], limit: Double) throws -> MeasuredProcess {
    let (folder, streams) = (try TemporaryFolder(), try TemporaryFolder())
    let clock = ContinuousClock()
    let start = clock.now
    let process = try spawn(arguments, in: folder.path, streams: streams)
    var (status, peak, usage): (Int32, Int, rusage) = (0, 0, rusage())
    while wait4(process, &status, WNOHANG, &usage) == 0 {
      peak = max(peak, residentPeak(of: process))
      if start.duration(to: clock.now) > .seconds(limit) { kill(process, SIGKILL) }
      usleep(2000)
    }
    #if !os(Linux)
      peak = usage.ru_maxrss
    #endif
    let time = start.duration(to: clock.now).components
    return MeasuredProcess(
      code: status & 0x7F == 0 ? status >> 8 & 0xFF : nil,
      output: try Fixtures.bytes(streams("out")), error: try Fixtures.bytes(streams("err")),
      seconds: Double(time.seconds) + Double(time.attoseconds) * 1e-18, peakBytes: peak,
      leftovers: try folder.names())
  }

  private static func spawn(
    _ arguments: [String], in folder: String, streams: TemporaryFolder
  ) throws -> pid_t {
    #if canImport(Darwin)
      var actions: posix_spawn_file_actions_t?
    #else
      var actions = posix_spawn_file_actions_t()
    #endif
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, streams("out"), O_WRONLY | O_CREAT, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, streams("err"), O_WRONLY | O_CREAT, 0o600)
    // The shell changes the folder: glibc does not show Swift how to ask for that.
    let shell = ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder, CommandLineTool.path]
    var words = (shell + arguments).map { strdup($0) }
    defer { words.forEach { free($0) } }
    words.append(nil)
    var process = pid_t()
    let result = posix_spawn(&process, shell[0], &actions, nil, words, environ)
    guard result == 0 else { throw Failure(description: "posix_spawn: \(result)") }
    return process
  }

  /// The largest resident size so far, as Linux tells it.
  ///
  /// `ru_maxrss` would count the size of the process that it was spawned from, and so would this
  /// before the executable runs in it.
  private static func residentPeak(of process: pid_t) -> Int {
    let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe")
    guard program?.hasSuffix("/weightmill") == true,
      let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
      let kilobytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first
    else { return 0 }
    return (Int(kilobytes) ?? 0) << 10
  }
}

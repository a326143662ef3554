import Foundation
import Testing
import WeightmillTensors
import WeightmillTestSupport

/// Files that say they are larger than any disk.
struct InputFileTests {
  /// A file system in memory that takes files of almost 2^63 bytes, if they are holes.
  private static let memory = "/dev/shm"

  @Test(
    .enabled(
      if: FileManager.default.isWritableFile(atPath: memory),
      "no file system here takes files beyond 64 TiB"),
    arguments: [(0, true), (1, false), (1 << 61, false)])
  func filesBeyondAnyDiskAreRefused(more: Int, isRead: Bool) throws {
    let path = "\(Self.memory)/weightmill-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(FileManager.default.createFile(atPath: path, contents: nil))
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.truncate(atOffset: UInt64(InputFile.maximumBytes + more))
    try handle.close()
    if isRead {
      #expect(try InputFile(path).byteCount == InputFile.maximumBytes)
    } else {
      let error = expectError(.refused) { _ = try InputFile(path) }
      #expect(error?.problem.contains("\(InputFile.maximumBytes + more) bytes") == true)
    }
  }
}

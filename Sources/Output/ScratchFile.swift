internal import SystemPackage
package import WeightmillTensors

/// A file without a name, for what does not fit into memory: it is gone with the program, however that ends.
///
/// Several threads may read and write, each its own bytes.
package final class ScratchFile: Sendable {
  /// What the user calls the file beside which it lies, for messages.
  private let shown: String
  private let descriptor: FileDescriptor

  /// Creates a file and takes its name away.
  ///
  /// - Parameter path: A file that it lies beside, on the same disk.
  /// - Throws: `cannotWrite` with the reason.
  package init(beside path: String) throws(WeightmillError) {
    shown = path
    let place = FilePath(path)
    let name = place.lastComponent?.string ?? "weightmill"
    let number = UInt64.random(in: 0...(.max))
    let own = place.removingLastComponent().appending(".\(name).\(number).scratch")
    do {
      descriptor = try FileDescriptor.open(
        own, .readWrite, options: [.create, .closeOnExec, .noFollow, .exclusiveCreate],
        permissions: [.ownerReadWrite])
    } catch { throw .creating(path, error) }
    own.remove()
  }

  deinit { try? descriptor.close() }

  /// Writes bytes.
  ///
  /// - Parameters:
  ///   - bytes: The bytes.
  ///   - position: Where they begin.
  /// - Throws: `inputOutput`, also when the disk is full.
  package func write(
    _ bytes: UnsafeRawBufferPointer, at position: Int
  ) throws(WeightmillError) {
    do {
      _ = try unsafe descriptor.writeAll(toAbsoluteOffset: Int64(position), bytes)
    } catch { throw .writing(shown, error) }
  }

  /// Reads bytes that were written.
  ///
  /// - Parameters:
  ///   - bytes: Where they go.
  ///   - position: Where they begin.
  /// - Throws: `inputOutput`.
  package func read(
    into bytes: UnsafeMutableRawBufferPointer, at position: Int
  ) throws(WeightmillError) {
    var done = 0
    while done < bytes.count {
      let got: Int
      do {
        got = try unsafe descriptor.read(
          fromAbsoluteOffset: Int64(position + done),
          into: UnsafeMutableRawBufferPointer(rebasing: bytes[done...]))
      } catch { throw .writing(shown, error) }
      guard got > 0 else { throw .writing(shown, Errno.ioError) }
      done += got
    }
  }
}

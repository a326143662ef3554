import WeightmillTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Standard output, for results: the one place that writes to it.
///
/// Swift's `print` keeps silent about bytes that are lost, and forgets them. Here nothing waits in a
/// buffer: what cannot be written is an error at once. A reader that has gone away, such as `head`, is
/// none: the program ends as the system's own tools do, without a word, by SIGPIPE.
enum StandardOutput {
  /// Writes text and a line's end.
  ///
  /// - Parameters:
  ///   - text: The text.
  ///   - terminator: What follows it.
  /// - Throws: `inputOutput` when not all of it could be written.
  static func print(_ text: String, terminator: String = "\n") throws(WeightmillError) {
    var bytes = unsafe (text + terminator).utf8.span.bytes
    while !bytes.isEmpty {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe write(STDOUT_FILENO, buffer.baseAddress, buffer.count)
      }
      if count > 0 {
        bytes = bytes.extracting(droppingFirst: count)
      } else if count < 0, errno == EAGAIN {
        // A pipe that does not wait: somebody else has set it so.
        var pipe = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        unsafe poll(&pipe, 1, -1)
      } else if count == 0 || errno != EINTR {
        throw failure(count == 0 ? EIO : errno)
      }
    }
  }

  /// Closes it: some file systems say only then that there is no room.
  ///
  /// - Throws: `inputOutput`.
  static func close() throws(WeightmillError) {
    #if canImport(Glibc)
      let result = Glibc.close(STDOUT_FILENO)
    #elseif canImport(Musl)
      let result = Musl.close(STDOUT_FILENO)
    #else
      let result = Darwin.close(STDOUT_FILENO)
    #endif
    if result != 0, errno != EINTR { throw failure(errno) }
  }

  private static func failure(_ code: CInt) -> WeightmillError {
    if code == EPIPE {
      signal(SIGPIPE, SIG_DFL)
      raise(SIGPIPE)
    }
    let remedy =
      switch code {
      case ENOSPC, EDQUOT, EFBIG: "free some space, or send it elsewhere"
      case EBADF: "leave standard output open, or send it to a file"
      default: "send it elsewhere"
      }
    return WeightmillError(
      .inputOutput, "standard output",
      "cannot be written: \(unsafe String(cString: strerror(code)))",
      remedy: remedy)
  }
}

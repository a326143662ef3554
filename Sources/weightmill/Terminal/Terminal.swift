#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Standard streams, standard error, and what is known of the terminal.
enum Terminal {
  /// Whether progress can be drawn: standard error is a terminal that can move its cursor.
  static var showsProgress: Bool {
    guard isatty(STDERR_FILENO) == 1 else { return false }
    guard let kind = unsafe getenv("TERM") else { return false }
    return unsafe String(cString: kind) != "dumb"
  }

  /// Whether somebody reads standard output on a terminal, which control characters could drive.
  static var isStandardOutputTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  /// Takes the places of standard streams that are closed, so that no file that is opened later
  /// gets a report or an error written into it.
  ///
  /// What takes them cannot be written to: output that is lost is still no success.
  static func holdStandardStreams() {
    for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(stream, F_GETFD) == -1 {
      _ = unsafe open("/dev/null", O_RDONLY)
    }
  }

  /// Lets writes fail in the place of signals that would end the process: a full file, a reader of
  /// standard error that has gone away.
  static func ignoreSignalsOfWrites() {
    signal(SIGXFSZ, SIG_IGN)
    signal(SIGPIPE, SIG_IGN)
  }

  /// Writes text to standard error.
  static func error(_ text: String) {
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe buffer.baseAddress.map { unsafe write(STDERR_FILENO, $0 + done, bytes.count - done) }
          ?? 0
      }
      guard count > 0 else { return }
      done += count
    }
  }

  /// Writes a line to standard error and ends the process.
  static func fail(_ line: String, code: Int32) -> Never {
    error(line + "\n")
    exit(code)
  }

  /// A clock in seconds that only goes forwards.
  static func seconds() -> Double {
    let now = ContinuousClock.now - start
    return Double(now.components.seconds) + Double(now.components.attoseconds) * 1e-18
  }

  private static let start = ContinuousClock.now
}

import Dispatch
import WeightmillTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Turns signals that end a process into a request to stop, so that no partial file is left.
struct Interruption {
  private let cancellation: Cancellation
  private let sources: [any DispatchSourceSignal]

  /// Does work that signals can stop, and keeps listening for them until it is done.
  static func during<Result>(_ work: (Cancellation) throws -> Result) rethrows -> Result {
    let interruption = Interruption()
    return try withExtendedLifetime(interruption) { try work(interruption.cancellation) }
  }

  private init() {
    let cancellation = Cancellation()
    self.cancellation = cancellation
    let remote = RemoteAccess.current
    sources = [SIGINT, SIGTERM, SIGHUP].compactMap { number in
      // Ignored already: under nohup the work goes on when the terminal goes away.
      let before = unsafe unsafeBitCast(signal(number, SIG_IGN), to: Int.self)
      guard unsafe before != unsafeBitCast(SIG_IGN, to: Int.self) else { return nil }
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        cancellation.cancel()
        remote?.stop()
      }
      source.resume()
      return source
    }
  }
}

import Conversion
import Dispatch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Turns SIGINT and SIGTERM into a request to stop, so that no partial file is left behind.
struct Interruption {
  /// What the signals cancel.
  let cancellation: Cancellation
  private let sources: [any DispatchSourceSignal]

  init() {
    let cancellation = Cancellation()
    self.cancellation = cancellation
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { cancellation.cancel() }
      source.resume()
      return source
    }
  }
}

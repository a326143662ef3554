#if Remote
  import Dispatch
  import WeightmillTensors

  /// How often one thing was asked for in vain, and how long to wait before it is asked for again.
  struct Attempts {
    /// The name of what is asked for, as it may be shown.
    let name: String
    private let settings: RemoteSettings
    private let isStopped: @Sendable () -> Bool
    private var failures = 0

    /// How often a server is asked that has never answered: most likely its name is misspelt.
    private static let first = 3
    /// How many bytes make up for all failures before them.
    private static let progress = 64 << 10

    init(
      _ name: String, _ settings: RemoteSettings, isStopped: @escaping @Sendable () -> Bool
    ) {
      (self.name, self.settings, self.isStopped) = (name, settings, isStopped)
    }

    /// Notes that bytes have come.
    mutating func received(_ count: Int) {
      if count >= Self.progress { failures = 0 }
    }

    /// Waits before the next attempt.
    ///
    /// - Parameters:
    ///   - problem: What went wrong.
    ///   - host: Who was asked.
    ///   - hasAnswered: Whether the server has answered before.
    ///   - seconds: How long the server asks to wait.
    /// - Throws: `inputOutput` when there have been enough; `interrupted`.
    mutating func wait(
      after problem: String, from host: String, hasAnswered: Bool = true, for seconds: Int? = nil
    ) throws(WeightmillError) {
      failures += 1
      guard failures < (hasAnswered ? settings.attempts : min(Self.first, settings.attempts)) else {
        throw WeightmillError(
          .inputOutput, name, problem, at: "\(host), asked \(failures) times",
          remedy: hasAnswered
            ? "try again later: a conversion goes on with --resume"
            : "check the address and the connection; a proxy is named by HTTPS_PROXY")
      }
      if let seconds, seconds > settings.longestRetryAfter {
        throw WeightmillError(
          .inputOutput, name, problem, at: "\(host) asks to wait \(seconds) seconds",
          remedy: "try again then; with HF_TOKEN a hub allows more")
      }
      try pause(max((seconds ?? 0) * 1000, backOff))
    }

    /// The pause in milliseconds, by some chance shorter, so that threads do not come back together.
    private var backOff: Int {
      let full = settings.firstPauseMilliseconds << min(failures - 1, 16)
      let longest = min(full, settings.longestPauseMilliseconds)
      return Int.random(in: longest / 2...max(longest / 2, longest))
    }

    private func pause(_ milliseconds: Int) throws(WeightmillError) {
      var rest = milliseconds
      while rest > 0 {
        guard !isStopped() else {
          throw WeightmillError(.interrupted, name, "was not read: interrupted")
        }
        let step = min(rest, 100)
        _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(step))
        rest -= step
      }
    }
  }
#endif

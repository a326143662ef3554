#if Remote
  import AsyncHTTPClient
  import NIOCore
  import NIOHTTP1
  import Synchronization

  /// What came of one request.
  struct ExchangeOutcome: Sendable {
    /// The way in which it ended.
    enum End: Sendable {
      /// With the last byte of the body.
      case whole
      /// By us: the body is longer than is taken.
      case tooLong
      /// By somebody or something else.
      case failed(Trouble)
    }

    /// The status; 0 when no answer came.
    var status = 0
    /// The headers of the answer.
    var headers = HTTPHeaders()
    /// What came of the body.
    var body: [UInt8] = []
    /// The end.
    var end = End.whole

    /// The first value of a header.
    func header(_ name: String) -> String? { headers.first(name: name) }

    /// A header's value as a number.
    func number(_ name: String) -> Int? { header(name).flatMap { Int($0) } }
  }

  /// One request and its answer, whose body is bounded.
  final class Exchange: HTTPClientResponseDelegate {
    /// How much of a body is taken; `nil` for none of it, because it is too long.
    typealias Limit = @Sendable (ExchangeOutcome) -> Int?

    private struct State {
      var outcome = ExchangeOutcome()
      var limit = 0
    }

    private let state = Mutex(State())
    private let limit: Limit

    init(limit: @escaping Limit) { self.limit = limit }

    /// Ends an exchange of which no more is taken.
    private struct Enough: Error {}

    func didReceiveHead(
      task: HTTPClient.Task<Void>, _ head: HTTPResponseHead
    ) -> EventLoopFuture<Void> {
      let isTaken = state.withLock { state in
        state.outcome.status = Int(head.status.code)
        state.outcome.headers = head.headers
        guard let limit = limit(state.outcome) else {
          state.outcome.end = .tooLong
          return false
        }
        state.limit = limit
        // A part has the size that was asked for; what else comes is small, or unknown.
        if head.status == .partialContent { state.outcome.body.reserveCapacity(limit) }
        return true
      }
      return isTaken
        ? task.eventLoop.makeSucceededVoidFuture() : task.eventLoop.makeFailedFuture(Enough())
    }

    func didReceiveBodyPart(
      task: HTTPClient.Task<Void>, _ part: ByteBuffer
    ) -> EventLoopFuture<Void> {
      let isTaken = state.withLock { state in
        let room = state.limit - state.outcome.body.count
        state.outcome.body += part.readableBytesView.prefix(room)
        guard part.readableBytes <= room else {
          state.outcome.end = .tooLong
          return false
        }
        return true
      }
      return isTaken
        ? task.eventLoop.makeSucceededVoidFuture() : task.eventLoop.makeFailedFuture(Enough())
    }

    func didFinishRequest(task: HTTPClient.Task<Void>) throws {}

    /// The outcome, once the exchange has ended.
    ///
    /// - Parameter error: The error that it ended with.
    /// - Returns: What came until then.
    func outcome(_ error: (any Error)?) -> ExchangeOutcome {
      state.withLock { state in
        if let error, !(error is Enough) { state.outcome.end = .failed(Trouble(error)) }
        return state.outcome
      }
    }
  }
#endif

#if Remote
  import Synchronization
  import WeightmillTensors

  /// Asks servers: follows redirects, asks again after what passes, and keeps the token to the hub.
  final class Requester: Sendable {
    /// How patiently it asks.
    let settings: RemoteSettings
    /// The hub's address; `nil` where its setting is none.
    let hub: WebAddress?
    private let client: WebClient
    private let known = Mutex<Set<String>>([])
    private let stopped = Atomic<Bool>(false)

    /// How many redirects one request may follow.
    private static let mostRedirects = 10
    /// How much is read of what a server says about a failure.
    private static let mostOfRefusals = 1 << 16

    init(_ settings: RemoteSettings) throws(WeightmillError) {
      self.settings = settings
      hub = WebAddress(settings.endpoint).flatMap { $0.isSafe ? $0.with(query: nil) : nil }
      client = try WebClient(settings)
    }

    /// Ends all pauses.
    func stop() { stopped.store(true, ordering: .relaxed) }

    /// The count of attempts for one thing.
    ///
    /// - Parameter name: Its name, as it may be shown.
    /// - Returns: The count, at none.
    func attempts(_ name: String) -> Attempts {
      Attempts(name, settings) { [self] in stopped.load(ordering: .relaxed) }
    }

    /// A request, and how much of its answer is taken.
    struct Query {
      let address: WebAddress
      var range: Range<Int>?
      /// The longest body that is taken of an answer with all bytes.
      var maximum: Int
      /// Whether the beginning of what was asked for is of use.
      var takesPart = false
    }

    /// An answer that is no redirect, and not of a kind that passes.
    struct Reply: Sendable {
      let outcome: ExchangeOutcome
      /// Who answered in the end.
      let address: WebAddress
      /// What the hub called this state of the file, when it said where the file is.
      let linkedTag: String?

      var status: Int { outcome.status }
    }

    /// Asks until there is an answer.
    ///
    /// - Parameters:
    ///   - query: What to ask for.
    ///   - attempts: How often it was asked for in vain so far.
    /// - Returns: The answer, whatever its status, but those that pass.
    /// - Throws: `inputOutput` when servers do not answer, or too much; `refused` for redirects that must
    ///   not be followed; `interrupted`.
    func reply(to query: Query, _ attempts: inout Attempts) throws(WeightmillError) -> Reply {
      while true {
        let reply = try followed(query, attempts.name)
        let (outcome, address) = (reply.outcome, reply.address)
        let hasAnswered = known.withLock { known in
          outcome.status > 0
            ? !known.insert(address.origin).inserted : known.contains(address.origin)
        }
        let isPassing = [408, 425, 429, 500, 502, 503, 504].contains(outcome.status)
        switch outcome.end {
        case _ where isPassing:
          try attempts.wait(
            after: "the server answers \(Self.words(outcome.status))", from: address.host,
            for: outcome.number("Retry-After"))
        case .failed(let trouble) where trouble.kind == .final:
          throw WeightmillError(
            .inputOutput, attempts.name, trouble.text, at: address.host,
            remedy: "check the address; files that were fetched otherwise can be given as a folder")
        case .failed where query.takesPart && outcome.status == 206 && !outcome.body.isEmpty:
          return reply
        case .failed(let trouble):
          try attempts.wait(
            after: trouble.text, from: address.host,
            hasAnswered: hasAnswered || outcome.status > 0)
        case .whole, .tooLong: return reply
        }
      }
    }

    /// Makes a request, once.
    func startExchange(
      _ request: WebRequest, limit: @escaping Exchange.Limit,
      done: @escaping @Sendable (ExchangeOutcome) -> Void
    ) {
      client.start(request, limit: limit, done: done)
    }

    /// Asks once, and follows redirects.
    private func followed(_ query: Query, _ name: String) throws(WeightmillError) -> Reply {
      var address = query.address
      // Once the way has led elsewhere, it gets no token, wherever it leads then.
      var isAtHome = address.origin == hub?.origin
      var linkedTag: String?
      for _ in 0...Self.mostRedirects {
        let request = WebRequest(
          address: address, range: query.range, token: isAtHome ? settings.token : nil)
        let (range, maximum) = (query.range, query.maximum)
        let outcome = client.perform(request) { head in Self.limit(head, range, maximum) }
        guard [301, 302, 303, 307, 308].contains(outcome.status) else {
          return Reply(outcome: outcome, address: address, linkedTag: linkedTag)
        }
        linkedTag = linkedTag ?? outcome.header("X-Linked-Etag")
        guard let next = outcome.header("Location").flatMap(address.redirected) else {
          throw WeightmillError(
            .inputOutput, name, "the server leads on to nowhere", at: address.host,
            remedy: "check the address")
        }
        guard next.isSafe, next.scheme == "https" || address.scheme == "http" else {
          throw WeightmillError(
            .refused, name, "leads on to \(next.host) without encryption", at: address.host,
            remedy: "ask who runs the server to serve it by https")
        }
        isAtHome = isAtHome && next.origin == hub?.origin
        address = next
      }
      throw WeightmillError(
        .refused, name, "leads on more than \(Self.mostRedirects) times", at: address.host,
        remedy: "check the address")
    }

    /// How much is taken of a body, by the head of its answer.
    private static func limit(
      _ head: ExchangeOutcome, _ range: Range<Int>?, _ maximum: Int
    ) -> Int? {
      switch head.status {
      case 206: range?.count
      case 200: head.number("Content-Length").map { $0 <= maximum } == false ? nil : maximum
      default: mostOfRefusals
      }
    }

    private static func words(_ status: Int) -> String {
      switch status {
      case 429: "429, too many requests"
      case 500...599: "\(status), a failure of its own"
      default: "\(status)"
      }
    }
  }
#endif

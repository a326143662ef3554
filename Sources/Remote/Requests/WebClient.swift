#if Remote
  import AsyncHTTPClient
  import Dispatch
  import NIOCore
  import NIOHTTP1
  import NIOSSL
  import Synchronization
  import WeightmillTensors

  /// A request for bytes at an address.
  struct WebRequest: Sendable {
    /// The address.
    var address: WebAddress
    /// The bytes that are wanted; `nil` for all.
    var range: Range<Int>?
    /// The token that goes along.
    var token: String?
  }

  /// Connections to servers: makes requests one by one, without following or repeating any.
  final class WebClient: Sendable {
    private let direct: HTTPClient
    /// The client that goes through the proxy, and who is asked without it.
    private let proxied: (client: HTTPClient, settings: ProxySettings)?

    /// The slowest that a body may come, in bytes a second, once the first minute is over.
    private static let leastSpeed = 16 << 10

    init(_ settings: RemoteSettings) throws(WeightmillError) {
      let configuration = try Self.configuration(settings)
      if let proxy = settings.proxy {
        var configuration = configuration
        configuration.proxy = try Self.proxy(proxy.address)
        proxied = (HTTPClient(configuration: configuration), proxy)
      } else {
        proxied = nil
      }
      direct = HTTPClient(configuration: configuration)
    }

    deinit {
      // The client must not go before its connections do, and this may be one of their threads.
      for client in [direct, proxied?.client].compactMap(\.self) { client.shutdown { _ in } }
    }

    private static func configuration(
      _ settings: RemoteSettings
    ) throws(WeightmillError) -> HTTPClient.Configuration {
      var configuration = HTTPClient.Configuration(
        redirectConfiguration: .disallow,
        timeout: .init(
          connect: .milliseconds(settings.connectMilliseconds),
          read: .milliseconds(settings.silenceMilliseconds)),
        decompression: .disabled)
      if let path = settings.certificates {
        guard let certificates = try? NIOSSLCertificate.fromPEMFile(path) else {
          throw WeightmillError(
            .usage, "SSL_CERT_FILE", "names no file of certificates", at: path,
            remedy: "name a file in PEM, or leave it out")
        }
        var security = TLSConfiguration.makeClientConfiguration()
        security.additionalTrustRoots = [.certificates(certificates)]
        configuration.tlsConfiguration = security
      }
      // Several connections carry more than one that is shared.
      configuration.httpVersion = .http1Only
      configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 8
      configuration.connectionPool.retryConnectionEstablishment = false
      return configuration
    }

    private static func proxy(_ text: String) throws(WeightmillError)
      -> HTTPClient.Configuration.Proxy
    {
      let name = "HTTPS_PROXY"
      let bare = text.firstRange(of: "://").map { text[$0.upperBound...] } ?? text[...]
      let scheme = text.firstRange(of: "://").map { text[..<$0.lowerBound].lowercased() } ?? "http"
      let (user, host) =
        bare.lastIndex(of: "@").map { (bare[..<$0], bare[bare.index(after: $0)...]) }
        ?? (nil, bare)
      guard ["http", "socks5", "socks5h"].contains(scheme),
        let address = WebAddress("http://\(host)")
      else {
        throw WeightmillError(
          .usage, name, "names no proxy that can be used",
          remedy: "write http://HOST:PORT or socks5://HOST:PORT")
      }
      guard scheme == "http" else {
        return .socksServer(host: address.host, port: address.port == 80 ? 1080 : address.port)
      }
      guard let user else { return .server(host: address.host, port: address.port) }
      let parts = user.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      return .server(
        host: address.host, port: address.port,
        authorization: .basic(
          username: String(parts[0]), password: parts.count > 1 ? String(parts[1]) : ""))
    }

    /// Makes a request, and waits for its end.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - limit: How much of the body is taken.
    /// - Returns: What came of it.
    func perform(_ request: WebRequest, limit: @escaping Exchange.Limit) -> ExchangeOutcome {
      let outcome = Mutex(ExchangeOutcome())
      let end = DispatchSemaphore(value: 0)
      withExtendedLifetime(end) {
        start(request, limit: limit) { result in
          outcome.withLock { $0 = result }
          end.signal()
        }
        end.wait()
      }
      return outcome.withLock { $0 }
    }

    /// Makes a request.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - limit: How much of the body is taken.
    ///   - done: Is told what came of it, on a thread that must not be held.
    func start(
      _ request: WebRequest, limit: @escaping Exchange.Limit,
      done: @escaping @Sendable (ExchangeOutcome) -> Void
    ) {
      var headers = HTTPHeaders([("User-Agent", "weightmill"), ("Accept-Encoding", "identity")])
      if let range = request.range {
        headers.add(name: "Range", value: "bytes=\(range.lowerBound)-\(range.upperBound - 1)")
      }
      if let token = request.token { headers.add(name: "Authorization", value: "Bearer \(token)") }
      let sent: HTTPClient.Request
      do {
        sent = try HTTPClient.Request(url: request.address.text, headers: headers)
      } catch {
        // Its text would show the whole address.
        done(ExchangeOutcome(end: .failed(Trouble(.final, "is no address that can be asked"))))
        return
      }
      let exchange = Exchange(limit: limit)
      let seconds = 60 + (request.range?.count ?? 1 << 24) / Self.leastSpeed
      let task = client(for: request.address).execute(
        request: sent, delegate: exchange, deadline: .now() + .seconds(Int64(seconds)))
      task.futureResult.whenComplete { result in
        switch result {
        case .success: done(exchange.outcome(nil))
        case .failure(let error): done(exchange.outcome(error))
        }
      }
    }

    private func client(for address: WebAddress) -> HTTPClient {
      guard let proxied, !address.isLoopback, !proxied.settings.excepts(address.host) else {
        return direct
      }
      return proxied.client
    }
  }
#endif

#if Remote
  import AsyncHTTPClient
  import NIOCore
  import NIOHTTP1
  import NIOPosix
  import NIOSSL
  import WeightmillTensors

  /// What went wrong with a connection.
  struct Trouble: Sendable {
    /// The kind of trouble.
    enum Kind: Sendable {
      /// Nobody was there: the name is not known, or nobody listens.
      case notReached
      /// The connection was there, and ended or fell silent.
      case cut
      /// Asking again is of no use.
      case final
    }

    let kind: Kind
    /// What is said of it.
    let text: String

    init(_ kind: Kind, _ text: String) { (self.kind, self.text) = (kind, text) }

    /// Names an error of the client's.
    init(_ error: any Error) {
      switch error {
      case let error as HTTPClientError: self = Self.client(error)
      case is NIOConnectionError, is SocketAddressError:
        self.init(.notReached, "cannot be reached: no such host, or it does not answer")
      case let error as IOError: self = Self.system(error)
      case is NIOSSLExtraError:
        self.init(.final, "its certificate is for another host")
      case let error as NIOSSLError: self = Self.security(error)
      case is BoringSSLError: self.init(.final, "no secure connection could be made")
      case let error as HTTPParserError: self = Self.parser(error)
      default: self.init(.cut, "the connection failed: \(quoted("\(error)"))")
      }
    }

    private static func client(_ error: HTTPClientError) -> Trouble {
      switch error {
      case .connectTimeout, .tlsHandshakeTimeout, .httpProxyHandshakeTimeout,
        .socksHandshakeTimeout, .getConnectionFromPoolTimeout:
        Trouble(.notReached, "does not answer")
      case .readTimeout, .writeTimeout: Trouble(.cut, "fell silent")
      case .deadlineExceeded: Trouble(.cut, "is too slow")
      case .remoteConnectionClosed, .uncleanShutdown:
        Trouble(.cut, "the connection was cut")
      case .proxyAuthenticationRequired:
        Trouble(.final, "the proxy wants a user and a password")
      case .invalidProxyResponse: Trouble(.cut, "the proxy refuses the connection")
      default: Trouble(.cut, "the connection failed: \(error.shortDescription)")
      }
    }

    private static func parser(_ error: HTTPParserError) -> Trouble {
      switch error {
      case .invalidEOFState, .closedConnection: Trouble(.cut, "the connection was cut")
      case .headerOverflow: Trouble(.final, "answers with headers without end")
      default: Trouble(.final, "answers with what is no HTTP")
      }
    }

    private static func system(_ error: IOError) -> Trouble {
      let refused: Int32 = 111
      let refusedOnMac: Int32 = 61
      return error.errnoCode == refused || error.errnoCode == refusedOnMac
        ? Trouble(.notReached, "refuses connections") : Trouble(.cut, "the connection was cut")
    }

    private static func security(_ error: NIOSSLError) -> Trouble {
      switch error {
      case .handshakeFailed: Trouble(.final, "its certificate is not trusted, or is not valid")
      case .uncleanShutdown: Trouble(.cut, "the connection was cut")
      default: Trouble(.final, "no secure connection could be made")
      }
    }
  }
#endif

#if Remote
  /// How addresses are read: where models are looked up, with which token, and how patiently.
  public struct RemoteSettings: Sendable {
    /// The hub that `hf://` stands for.
    public var endpoint = "https://huggingface.co"
    /// The token for models that are not open to all. It is sent to the hub and to no other host.
    public var token: String?
    /// The proxy that requests go through, and the hosts that are reached without it.
    public var proxy: ProxySettings?
    /// A file with certificates (PEM) that are trusted besides the system's, such as those of a company's proxy.
    public var certificates: String?

    /// How long a connection may take to be made, in milliseconds.
    package var connectMilliseconds: Int64 = 15_000
    /// How long a server may be silent, in milliseconds.
    package var silenceMilliseconds: Int64 = 30_000
    /// The first pause before a request is made again; each further one is twice as long.
    package var firstPauseMilliseconds = 500
    /// The longest pause, if the server does not ask for a longer one.
    package var longestPauseMilliseconds = 30_000
    /// How often something is asked for before it is given up.
    package var attempts = 8
    /// The longest pause that a server may ask for, in seconds.
    package var longestRetryAfter = 120
    /// How many bytes of files are kept in memory.
    package var cacheBytes = 64 << 20
    /// How far a file is read ahead.
    package var aheadBytes = 12 << 20

    /// The settings that nobody has changed: huggingface.co, without a token.
    public init() {}

    /// Reads `HF_TOKEN`, `HF_ENDPOINT`, `HTTPS_PROXY`, `NO_PROXY` and `SSL_CERT_FILE`.
    ///
    /// - Parameter environment: The environment's variables.
    public init(environment: [String: String]) {
      func value(_ names: String...) -> String? {
        names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
      }
      if let endpoint = value("HF_ENDPOINT") { self.endpoint = endpoint }
      token = value("HF_TOKEN")
      certificates = value("SSL_CERT_FILE")
      proxy = value("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy").map {
        ProxySettings(address: $0, exceptions: value("NO_PROXY", "no_proxy") ?? "")
      }
    }
  }

  /// A proxy, and who is reached without it.
  public struct ProxySettings: Sendable {
    /// The proxy: `http://HOST:PORT`.
    public var address: String
    /// The hosts that are reached without it, and the ends of hosts' names, separated by commas.
    public var exceptions: String

    /// Names a proxy.
    ///
    /// - Parameters:
    ///   - address: The proxy: `http://HOST:PORT`, with `USER:PASSWORD@` before the host if it asks for them.
    ///   - exceptions: The hosts that are reached without it, separated by commas; `*` for all.
    public init(address: String, exceptions: String = "") {
      self.address = address
      self.exceptions = exceptions
    }

    /// Whether a host is reached without the proxy.
    package func excepts(_ host: String) -> Bool {
      exceptions.lowercased().split(whereSeparator: { ", ".contains($0) }).contains { entry in
        let name = entry.drop { ".*".contains($0) }
        return entry == "*" || host == name || host.hasSuffix(".\(name)")
      }
    }
  }
#endif

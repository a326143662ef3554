#if Remote
  public import WeightmillTensors

  /// Reads checkpoints by their addresses: `hf://OWNER/NAME`, `hf://OWNER/NAME@REVISION` and `https://…`
  /// stand for paths in what is done by `perform`.
  ///
  /// A model on a hub stays at the commit that its revision was when it was first opened.
  public struct RemoteReading: Sendable {
    private let session: RemoteSession

    /// Prepares to read.
    ///
    /// - Parameters:
    ///   - settings: Where models are looked up, with which token, through which proxy.
    ///   - queries: For addresses that only work with a query, such as signed ones, what follows the `?`,
    ///     by the address before it. Messages and files then show the address alone.
    /// - Throws: `usage` for a proxy that cannot be used.
    public init(
      _ settings: RemoteSettings = RemoteSettings(), queries: [String: String] = [:]
    ) throws(WeightmillError) {
      session = try RemoteSession(settings, queries: queries)
    }

    /// Does work in which addresses stand for paths.
    ///
    /// - Parameter work: The work.
    /// - Returns: What the work returns.
    /// - Throws: What the work throws.
    public func perform<Result>(_ work: () throws -> Result) rethrows -> Result {
      try RemoteAccess.$current.withValue(session) { try work() }
    }
  }
#endif

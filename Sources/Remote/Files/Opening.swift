#if Remote
  import WeightmillTensors

  extension Requester {
    /// Asks for a file's first bytes.
    ///
    /// - Parameters:
    ///   - address: The file.
    ///   - name: Its name, as it may be shown.
    /// - Returns: The answer; `nil` when there is no such file.
    /// - Throws: `noInput` for what may not be read, `inputOutput` for a server that does not answer, or
    ///   cannot send parts of large files; `refused` for a file larger than any checkpoint.
    func open(_ address: WebAddress, _ name: String) throws(WeightmillError) -> Opened? {
      var attempts = attempts(name)
      let reply = try reply(
        to: Query(
          address: address, range: 0..<RemoteFile.headBytes, maximum: RemoteFile.largestWhole),
        &attempts)
      // A page that lists a folder.
      let isPage = reply.address.path.hasSuffix("/") && !address.path.hasSuffix("/")
      guard !reply.isMissing, !isPage else { return nil }
      if let encoding = reply.outcome.header("Content-Encoding"), encoding != "identity" {
        throw WeightmillError(
          .inputOutput, name, "comes compressed, though that was not asked for",
          at: reply.address.host, remedy: "fetch the file, and give its folder")
      }
      switch reply.status {
      case 206: return try part(reply, name)
      case 200: return try whole(reply, name)
      case 416 where ContentRange(reply.outcome.header("Content-Range"))?.byteCount == 0:
        return opened(reply, byteCount: 0, bytes: [], isWhole: true)
      default:
        throw reply.error(
          name, isHub: reply.address.origin == hub?.origin, hasToken: settings.token != nil)
      }
    }

    private func part(_ reply: Reply, _ name: String) throws(WeightmillError) -> Opened {
      guard let content = ContentRange(reply.outcome.header("Content-Range")),
        let range = content.range, range.lowerBound == 0, range.upperBound <= RemoteFile.headBytes,
        case .whole = reply.outcome.end, reply.outcome.body.count == range.count
      else {
        throw WeightmillError(
          .inputOutput, name, "the server sends other bytes than were asked for",
          at: reply.address.host, remedy: "fetch the file, and give its folder")
      }
      try InputFile.checkSize(content.byteCount, name)
      return opened(reply, byteCount: content.byteCount, bytes: reply.outcome.body, isWhole: false)
    }

    private func whole(_ reply: Reply, _ name: String) throws(WeightmillError) -> Opened {
      let body = reply.outcome.body
      guard case .whole = reply.outcome.end else {
        throw WeightmillError(
          .inputOutput, name,
          "is more than \(RemoteFile.largestWhole >> 20) MiB long, and the server sends no parts of files",
          at: reply.address.host, remedy: "fetch the file, and give its folder")
      }
      guard reply.outcome.number("Content-Length").map({ $0 == body.count }) ?? true else {
        throw WeightmillError(
          .inputOutput, name, "the server sends another length than it says",
          at: reply.address.host, remedy: "fetch the file, and give its folder")
      }
      return opened(reply, byteCount: body.count, bytes: body, isWhole: true)
    }

    private func opened(
      _ reply: Reply, byteCount: Int, bytes: [UInt8], isWhole: Bool
    ) -> Opened {
      Opened(
        address: reply.address,
        state: FileState(
          byteCount: byteCount, linkedTag: reply.linkedTag, outcome: reply.outcome),
        bytes: bytes, isWhole: isWhole)
    }

    /// Asks once for bytes, without following redirects or asking again.
    ///
    /// - Parameters:
    ///   - address: Where they were before.
    ///   - range: The bytes.
    ///   - isAtHome: Whether the address is the hub's own.
    ///   - done: Is told what came, on a thread that must not be held.
    func start(
      _ address: WebAddress, _ range: Range<Int>, isAtHome: Bool,
      done: @escaping @Sendable (ExchangeOutcome) -> Void
    ) {
      startExchange(
        WebRequest(address: address, range: range, token: isAtHome ? settings.token : nil),
        limit: { $0.status == 206 ? range.count : nil }, done: done)
    }
  }
#endif

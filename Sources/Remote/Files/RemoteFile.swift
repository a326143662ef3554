#if Remote
  import Synchronization
  import WeightmillTensors

  /// A file on a server, read in pieces.
  final class RemoteFile: ByteSource {
    let byteCount: Int
    /// The name as it may be shown.
    private let name: String
    /// Where it is asked for.
    private let address: WebAddress
    private let number: Int
    private let requester: Requester
    private let cache: ExtentCache
    /// All of it, if the server does not send parts.
    private let whole: [UInt8]?
    private let way: Mutex<Way>

    /// Where the bytes are, and what they were called there.
    private struct Way {
      var address: WebAddress
      var state: FileState
    }

    /// How much of a file is asked for to open it: all that a small one has.
    static let headBytes = 64 << 10
    /// The largest file that is taken of a server that does not send parts, in bytes.
    static let largestWhole = 64 << 20

    init(
      name: String, address: WebAddress, number: Int, _ opened: Opened, _ requester: Requester,
      _ cache: ExtentCache
    ) {
      (self.name, self.address, self.number) = (name, address, number)
      (self.requester, self.cache) = (requester, cache)
      byteCount = opened.state.byteCount
      whole = opened.isWhole ? opened.bytes : nil
      way = Mutex(Way(address: opened.address, state: opened.state))
      if !opened.isWhole { cache.insert(opened.bytes, at: 0, of: number) }
    }

    var identity: FileIdentity? { nil }
    var version: String? { way.withLock { $0.state.name } }

    func read(
      at position: Int, into bytes: UnsafeMutableRawBufferPointer
    ) throws(WeightmillError) {
      var done = 0
      while done < bytes.count {
        let at = position + done
        guard at >= 0, at < byteCount else {
          throw WeightmillError(
            .malformed, name, "ends too early", at: "byte \(at)",
            remedy: "the file may be incomplete on the server")
        }
        let (piece, start) = try piece(at: at, wanting: bytes.count - done)
        let count = min(bytes.count - done, piece.count - (at - start))
        unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[done..<done + count])
          .copyBytes(from: piece[at - start..<at - start + count])
        done += count
      }
    }

    /// Bytes that hold the one at a position, and where they begin.
    private func piece(
      at position: Int, wanting count: Int
    ) throws(WeightmillError) -> (bytes: [UInt8], start: Int) {
      if let whole { return (whole, 0) }
      let found = cache.extent(
        at: position, wanting: min(count, byteCount - position), of: number, size: byteCount)
      for extent in found.ahead { start(extent) }
      let range = found.extent.range
      do throws(WeightmillError) {
        let bytes = try found.extent.bytes { (begun) throws(WeightmillError) in
          try fetch(range, begun)
        }
        return (bytes, range.lowerBound)
      } catch {
        cache.remove(found.extent, of: number)
        throw error
      }
    }

    /// Fetches bytes, and asks again for what does not come.
    private func fetch(
      _ range: Range<Int>, _ begun: [UInt8]
    ) throws(WeightmillError) -> [UInt8] {
      var bytes = begun
      bytes.reserveCapacity(range.count)
      var attempts = requester.attempts(name)
      while bytes.count < range.count {
        let wanted = range.lowerBound + bytes.count..<range.upperBound
        let asked = way.withLock { $0.address }
        let reply = try requester.reply(
          to: .init(address: asked, range: wanted, maximum: 0, takesPart: true), &attempts)
        // The place that a server led to may have expired.
        if reply.status >= 400, asked != address {
          way.withLock { $0.address = address }
          try attempts.wait(after: "the server answers \(reply.status)", from: asked.host)
          continue
        }
        try check(reply, wanted)
        attempts.received(reply.outcome.body.count)
        bytes += reply.outcome.body
      }
      return bytes
    }

    /// Checks that an answer has the bytes that were asked for, of the file that was opened.
    private func check(_ reply: Requester.Reply, _ wanted: Range<Int>) throws(WeightmillError) {
      let outcome = reply.outcome
      let host = reply.address.host
      guard outcome.status == 206 || outcome.status == 200 || outcome.status == 416 else {
        throw reply.error(
          name, isHub: reply.address.origin == requester.hub?.origin,
          hasToken: requester.settings.token != nil)
      }
      let range = ContentRange(outcome.header("Content-Range"))
      let count = outcome.status == 206 ? range?.byteCount : outcome.number("Content-Length")
      let state = FileState(
        byteCount: count ?? byteCount, linkedTag: reply.linkedTag, outcome: outcome)
      let isSame = way.withLock { way in
        guard state.isSame(as: way.state) else { return false }
        if outcome.status == 206 {
          way.address = reply.address
          way.state = FileState(
            byteCount: byteCount, linkedTag: way.state.linkedTag ?? reply.linkedTag,
            outcome: outcome)
        }
        return true
      }
      guard isSame || outcome.status == 416 else { throw changed(state, host) }
      guard outcome.status == 206, let sent = range?.range else {
        throw WeightmillError(
          .inputOutput, name,
          outcome.status == 206
            ? "the server does not say which bytes it sends"
            : "the server does not send the part that was asked for",
          at: "\(host) answers \(outcome.status)", remedy: "fetch the file, and give its folder")
      }
      guard sent.lowerBound == wanted.lowerBound, sent.upperBound <= wanted.upperBound,
        outcome.body.count <= sent.count, outcome.isEndSound(sent.count)
      else {
        throw WeightmillError(
          .inputOutput, name, "the server sends other bytes than were asked for",
          at: "\(host), byte \(wanted.lowerBound)", remedy: "fetch the file, and give its folder")
      }
    }

    private func changed(_ state: FileState, _ host: String) -> WeightmillError {
      let before = way.withLock { $0.state }
      return WeightmillError(
        .mismatch, name, "was changed on the server while it was read",
        at: before.byteCount == state.byteCount
          ? "\(host): \(before.name) then, \(state.name) now"
          : "\(host): \(before.byteCount) bytes then, \(state.byteCount) now",
        remedy: "begin anew")
    }

    /// Begins to fetch a piece before anybody wants it; whoever wants it then takes over what went wrong.
    private func start(_ extent: Extent) {
      let asked = way.withLock { $0.address }
      let range = extent.range
      let isAtHome = asked.origin == requester.hub?.origin
      requester.start(asked, range, isAtHome: isAtHome) { [self] outcome in
        let reply = Requester.Reply(outcome: outcome, address: asked, linkedTag: nil)
        guard outcome.status == 206, (try? check(reply, range)) != nil else {
          return extent.giveUp([])
        }
        if outcome.body.count == range.count {
          extent.finish(.success(outcome.body))
        } else {
          extent.giveUp(outcome.body)
        }
      }
    }
  }

  extension ExchangeOutcome {
    /// Whether as many bytes came as the head said, or the connection was cut before.
    fileprivate func isEndSound(_ count: Int) -> Bool {
      switch end {
      case .whole: body.count == count
      case .failed: true
      case .tooLong: false
      }
    }
  }

  /// The first answer of a file.
  struct Opened {
    /// Who sent it.
    let address: WebAddress
    let state: FileState
    /// The first bytes.
    let bytes: [UInt8]
    /// Whether these are all, because the server does not send parts.
    let isWhole: Bool
  }
#endif

#if Remote
  import Synchronization
  import Testing
  import WeightmillRemote
  import WeightmillTensors
  import WeightmillTestSupport

  struct FaultTests {
    private static let file = content(6 << 20)

    /// Reads the file of a server that answers so.
    private func read(
      _ settings: RemoteSettings = quickSettings(), path: String = "/x.safetensors",
      _ answer: @escaping @Sendable (LoopbackServer.Request) -> LoopbackServer.Answer
    ) throws -> [LoopbackServer.Request] {
      let server = try LoopbackServer(answer)
      try withAddresses(settings) {
        let read = try readAll(server.address + path)
        #expect(read == Self.file)
      }
      return server.requests
    }

    private func fail(
      _ code: WeightmillError.Code, _ settings: RemoteSettings = quickSettings(),
      path: String = "/x.safetensors", sourceLocation: SourceLocation = #_sourceLocation,
      _ answer: @escaping @Sendable (LoopbackServer.Request) -> LoopbackServer.Answer
    ) throws -> (error: WeightmillError?, requests: [LoopbackServer.Request]) {
      let server = try LoopbackServer(answer)
      let reading = try RemoteReading(settings)
      let error = expectError(code, sourceLocation: sourceLocation) {
        try reading.perform { _ = try readAll(server.address + path) }
      }
      #expect(error?.remedy != nil, sourceLocation: sourceLocation)
      return (error, server.requests)
    }

    @Test func whatACutConnectionBroughtIsKept() throws {
      let requests = try read { request in
        var answer = LoopbackServer.Answer.part(of: Self.file, request)
        if answer.body.count > 1 << 20 { answer.cut = 700_000 }
        return answer
      }
      let asked = requests.compactMap(\.range).map(\.count).reduce(0, +)
      let starts = requests.compactMap(\.range).map(\.lowerBound)
      #expect(starts.contains { $0 % (64 << 10) != 0 }, "a piece goes on in the middle")
      #expect(asked < 5 * Self.file.count)
    }

    @Test(arguments: [429, 500, 502, 503, 504, 408])
    func statusesThatPassAreAskedAgain(_ status: Int) throws {
      let requests = try read { request in
        request.earlier % 3 == 0 ? .init(status) : .part(of: Self.file, request)
      }
      #expect(requests.count > 4)
    }

    @Test func retryAfterIsKept() throws {
      let start = ContinuousClock.now
      _ = try read { request in
        request.earlier == 0
          ? .init(429, ["Retry-After": "1"]) : .part(of: Self.file, request)
      }
      #expect(start.duration(to: .now) >= .seconds(1))
    }

    @Test func aServerThatWantsALongPauseIsGivenUp() throws {
      let (error, requests) = try fail(.inputOutput) { _ in
        .init(429, ["Retry-After": "86400"])
      }
      #expect(requests.count == 1)
      #expect(error?.position?.contains("86400 seconds") == true)
    }

    @Test func aServerThatFailsForEverIsGivenUp() throws {
      let (error, requests) = try fail(.inputOutput) { _ in .init(503) }
      #expect(requests.count == 4)
      #expect(error?.problem.contains("503") == true)
    }

    @Test func aConnectionThatIsCutForEverIsGivenUp() throws {
      let (_, requests) = try fail(.inputOutput) { request in
        var answer = LoopbackServer.Answer.part(of: Self.file, request)
        if request.earlier > 0 { answer.cut = 0 }
        return answer
      }
      #expect(requests.count < 20)
    }

    @Test func aServerThatFallsSilentIsAskedAgain() throws {
      var settings = quickSettings()
      settings.silenceMilliseconds = 300
      _ = try read(settings) { request in
        var answer = LoopbackServer.Answer.part(of: Self.file, request)
        if request.earlier == 1 { answer.pause = 2000 }
        return answer
      }
    }

    @Test func nobodyThere() throws {
      let port = try LoopbackServer { _ in .init(200) }.port
      let reading = try RemoteReading(quickSettings())
      let error = expectError(.inputOutput) {
        try reading.perform { _ = try InputFile("http://127.0.0.1:\(port)/x.bin") }
      }
      #expect(error?.position?.contains("asked 3 times") == true, "\(error.debugDescription)")
    }

    @Test func aFileThatChangesIsAnError() throws {
      let (error, _) = try fail(.mismatch) { request in
        .part(of: Self.file, request, tag: request.earlier < 2 ? "\"one\"" : "\"two\"")
      }
      #expect(error?.problem == "was changed on the server while it was read")
      #expect(error?.position?.contains("\"one\" then, \"two\" now") == true)
    }

    @Test func aFileThatGrowsIsAnError() throws {
      _ = try fail(.mismatch) { request in
        .part(
          of: request.earlier < 2 ? Self.file : Self.file + [0], request, tag: nil)
      }
    }

    @Test func aServerThatStopsSendingPartsIsAnError() throws {
      _ = try fail(.inputOutput) { request in
        request.earlier == 0
          ? .part(of: Self.file, request) : .init(200, ["ETag": "\"one\""], Self.file)
      }
    }

    @Test(arguments: [0, 1]) func otherBytesThanWereAskedForAreAnError(_ earlier: Int) throws {
      _ = try fail(.inputOutput) { request in
        var answer = LoopbackServer.Answer.part(of: Self.file, request)
        if request.earlier >= earlier, let range = request.range {
          let end = range.lowerBound + answer.body.count
          answer.headers["Content-Range"] =
            "bytes \(range.lowerBound + 1)-\(end)/\(Self.file.count)"
        }
        return answer
      }
    }

    @Test(arguments: [0, 1], ["", "bytes", "bytes 0-1/*", "bytes 5-1/10"])
    func rangesThatAreNoneAreAnError(_ earlier: Int, _ text: String) throws {
      _ = try fail(.inputOutput) { request in
        var answer = LoopbackServer.Answer.part(of: Self.file, request)
        if request.earlier >= earlier { answer.headers["Content-Range"] = text }
        return answer
      }
    }

    @Test func moreBytesThanWereAskedForAreAnError() throws {
      _ = try fail(.inputOutput) { request in
        var answer = LoopbackServer.Answer.part(of: Self.file, request)
        answer.body += [UInt8](repeating: 0, count: 5 << 20)
        return answer
      }
    }

    @Test func fewerBytesThanAreSaidAreAnError() throws {
      _ = try fail(.inputOutput) { request in
        var answer = LoopbackServer.Answer.part(of: Self.file, request)
        answer.body.removeLast(10)
        return answer
      }
    }

    /// A part that is shorter than what was asked for, and says so, is sound.
    @Test func shorterPartsAreTaken() throws {
      _ = try read { request in
        guard let range = request.range else { return .init(400) }
        let file = Self.file
        let last = min(range.upperBound, range.lowerBound + 300_000, file.count - 1)
        return .init(
          206,
          [
            "ETag": "\"one\"",
            "Content-Range": "bytes \(range.lowerBound)-\(last)/\(file.count)",
          ], Array(file[range.lowerBound...last]))
      }
    }

    @Test func headersWithoutEndAreAnError() throws {
      let (error, requests) = try fail(.inputOutput) { _ in
        var answer = LoopbackServer.Answer(206)
        answer.isEndless = true
        return answer
      }
      #expect(error?.problem.contains("headers without end") == true, "\(error.debugDescription)")
      #expect(requests.count == 1)
    }

    @Test func aLargeFileWithoutPartsIsRefusedBeforeItIsRead() throws {
      let (error, _) = try fail(.inputOutput) { _ in
        var answer = LoopbackServer.Answer(200, [:], content(1000))
        answer.length = 1 << 40
        return answer
      }
      #expect(error?.problem.contains("sends no parts") == true)
    }

    @Test func aSizeThatNoFileHasIsRefused() throws {
      _ = try fail(.refused) { request in
        var answer = LoopbackServer.Answer.part(of: Self.file, request)
        answer.headers["Content-Range"] = "bytes 0-65535/\(1 << 60)"
        return answer
      }
    }

    @Test func compressedBodiesAreAnError() throws {
      _ = try fail(.inputOutput) { request in
        var answer = LoopbackServer.Answer.part(of: Self.file, request)
        answer.headers["Content-Encoding"] = "gzip"
        return answer
      }
    }

    @Test(arguments: [401, 403, 404, 410]) func whatIsNotThereIsSaidAtOnce(_ status: Int) throws {
      let (error, requests) = try fail(.noInput) { _ in .init(status) }
      #expect(requests.count == 1)
      #expect(error?.description.contains("127.0.0.1") == true)
    }

    @Test func redirectsHaveAnEnd() throws {
      let (error, requests) = try fail(.refused) { request in
        .init(302, ["Location": "\(request.path)x"])
      }
      #expect(requests.count == 11)
      #expect(error?.problem.contains("more than 10 times") == true)
    }

    @Test func redirectsWithoutEncryptionAreRefused() throws {
      _ = try fail(.refused) { _ in .init(302, ["Location": "http://192.0.2.1/x"]) }
    }

    @Test func redirectsToNowhereAreAnError() throws {
      _ = try fail(.inputOutput) { _ in .init(302) }
      _ = try fail(.inputOutput) { _ in .init(302, ["Location": "file:///etc/passwd"]) }
    }

    @Test func addressesWithoutEncryptionAreRefused() throws {
      let reading = try RemoteReading(quickSettings())
      expectError(.refused) {
        try reading.perform { _ = try InputFile("http://192.0.2.1/x.bin") }
      }
      expectError(.usage) {
        try reading.perform { _ = try InputFile("https://user:secret@192.0.2.1/x.bin") }
      }
    }

    @Test func aProxyIsAskedForOtherMachinesAlone() throws {
      let proxy = try LoopbackServer { _ in .init(403) }
      var settings = quickSettings()
      settings.proxy = ProxySettings(address: "http://user:secret@127.0.0.1:\(proxy.port)")
      _ = try read(settings) { .part(of: Self.file, $0) }
      #expect(proxy.requests.isEmpty)
      let reading = try RemoteReading(settings)
      let error = expectError(.inputOutput) {
        try reading.perform { _ = try InputFile("https://192.0.2.1/x.bin") }
      }
      #expect(error?.description.contains("secret") == false)
      #expect(proxy.requests.first?.target == "192.0.2.1:443")
    }

    @Test(arguments: ["ftp://x", "http://", "http://a b:1"])
    func aProxyThatIsNoneIsAUsageError(_ address: String) {
      var settings = quickSettings()
      settings.proxy = ProxySettings(address: address)
      let error = expectError(.usage) { _ = try RemoteReading(settings) }
      #expect(error?.file == "HTTPS_PROXY")
    }

    @Test func certificatesThatAreNoneAreAUsageError() {
      var settings = quickSettings()
      settings.certificates = "/nonexistent.pem"
      let error = expectError(.usage) { _ = try RemoteReading(settings) }
      #expect(error?.file == "SSL_CERT_FILE")
    }

    @Test func hostsThatAreReachedWithoutTheProxy() {
      let settings = ProxySettings(address: "http://p:1", exceptions: ".example.org, host,*.net")
      for host in ["a.example.org", "example.org", "host", "x.net"] {
        #expect(settings.excepts(host))
      }
      for host in ["example.com", "ahost", "badexample.org"] { #expect(!settings.excepts(host)) }
      #expect(ProxySettings(address: "http://p:1", exceptions: "*").excepts("any"))
    }

    /// Whoever stops the program does not wait for a server that asks to wait.
    @Test func aPauseEndsWhenTheWorkIsStopped() throws {
      let server = try LoopbackServer { _ in .init(503, ["Retry-After": "60"]) }
      let reading = try RemoteReading(quickSettings())
      let start = ContinuousClock.now
      expectError(.interrupted) {
        try reading.perform {
          RemoteAccess.current?.stop()
          _ = try InputFile("\(server.address)/x.bin")
        }
      }
      #expect(start.duration(to: .now) < .seconds(10))
    }
  }
#endif

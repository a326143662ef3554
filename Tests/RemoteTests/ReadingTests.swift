#if Remote
  import Testing
  import WeightmillRemote
  import WeightmillTensors
  import WeightmillTestSupport

  struct ReadingTests {
    @Test(arguments: [1, 4])
    func aFileThatIsReadOnComesInLargePieces(_ threads: Int) throws {
      let file = content(40 << 20)
      let server = try LoopbackServer { .part(of: file, $0) }
      try withAddresses(quickSettings()) {
        let read = try readAll("\(server.address)/x.safetensors", threads: threads)
        #expect(read == file)
      }
      let sizes = server.requests.compactMap(\.range).map(\.count)
      #expect(sizes.count <= 20, "\(sizes)")
      #expect(sizes.allSatisfy { $0 <= 4 << 20 })
      // Nothing came twice.
      #expect(sizes.reduce(0, +) <= file.count + (4 << 20), "\(sizes)")
    }

    @Test func aFileThatIsReadHereAndThereComesInSmallPieces() throws {
      let file = content(32 << 20)
      let server = try LoopbackServer { .part(of: file, $0) }
      try withAddresses(quickSettings()) {
        let input = try InputFile("\(server.address)/x.bin")
        var position = 300_000
        for number in 0..<50 {
          #expect(
            try input.bytes(at: position, count: 30) == Array(file[position..<position + 30]))
          position += 600_000 + 999 * number
        }
      }
      let bytes = server.requests.compactMap(\.range).map(\.count).reduce(0, +)
      #expect(bytes <= 56 * (128 << 10), "\(bytes)")
    }

    /// Rows that are looked at one by one: each waits for the network once in a while only.
    @Test func readsThatAreEquallyFarApartAreForeseen() throws {
      let file = content(30 << 20)
      let server = try LoopbackServer { request in
        var answer = LoopbackServer.Answer.part(of: file, request)
        answer.pause = 40
        return answer
      }
      let start = ContinuousClock.now
      try withAddresses(quickSettings()) {
        let input = try InputFile("\(server.address)/x.bin")
        for position in stride(from: 1000, to: file.count - 100, by: 300_000) {
          #expect(
            try input.bytes(at: position, count: 100) == Array(file[position..<position + 100]))
        }
      }
      #expect(server.requests.count <= 110)
      // One after the other they take 4.2 seconds.
      #expect(start.duration(to: .now) < .seconds(3))
    }

    @Test func manySmallReadsAreFewRequests() throws {
      let file = content(3 << 20)
      let server = try LoopbackServer { .part(of: file, $0) }
      try withAddresses(quickSettings()) {
        let input = try InputFile("\(server.address)/x.gguf")
        var read: [UInt8] = []
        while read.count < file.count {
          read += try input.bytes(at: read.count, count: min(1000, file.count - read.count))
        }
        #expect(read == file)
      }
      #expect(server.requests.count <= 10)
    }

    /// Any bytes, in any order, by several threads, with less room than the file takes.
    @Test func whatIsReadIsWhatLiesThere() throws {
      let file = content(9_000_001)
      let server = try LoopbackServer { .part(of: file, $0) }
      var settings = quickSettings()
      settings.cacheBytes = 5 << 20
      settings.aheadBytes = 4 << 20
      try withAddresses(settings) {
        let path = "\(server.address)/x.bin"
        try Workers(threads: 4).forEach(60, scratch: {}) { (index, _) throws(WeightmillError) in
          var random = SeededGenerator(seed: UInt64(index))
          let input = try InputFile(path)
          for _ in 0..<4 {
            let start = Int.random(in: 0..<file.count, using: &random)
            let count = min(Int.random(in: 0..<700_000, using: &random), file.count - start)
            let isSame =
              try input.bytes(at: start, count: count) == Array(file[start..<start + count])
            #expect(isSame, "\(count) bytes at \(start)")
          }
        }
      }
    }

    @Test func smallAndEmptyFiles() throws {
      let server = try LoopbackServer { request in
        .part(of: request.path == "/empty" ? [] : Array("abc".utf8), request)
      }
      try withAddresses(quickSettings()) {
        let count = try InputFile("\(server.address)/empty").byteCount
        #expect(count == 0)
        let read = try readAll("\(server.address)/small")
        #expect(read == Array("abc".utf8))
      }
      #expect(server.requests.count == 2)
    }

    @Test func aServerWithoutPartsSendsSmallFilesWhole() throws {
      let file = content(500_000)
      let server = try LoopbackServer { _ in .init(200, [:], file) }
      try withAddresses(quickSettings()) {
        let read = try readAll("\(server.address)/tokenizer.json")
        #expect(read == file)
      }
      #expect(server.requests.count == 1)
    }

    @Test func whatTheServerLedToIsAskedDirectly() throws {
      let file = content(2 << 20)
      let server = try LoopbackServer { request in
        request.path == "/x.bin"
          ? .init(302, ["Location": "/store/1?X-Amz-Signature=abc"])
          : .part(of: file, request)
      }
      try withAddresses(quickSettings()) {
        let read = try readAll("\(server.address)/x.bin")
        #expect(read == file)
      }
      #expect(server.requests.count { $0.path == "/x.bin" } == 1)
      #expect(server.requests.allSatisfy { $0.path == "/x.bin" || $0.target.contains("abc") })
    }

    @Test func aPlaceThatHasExpiredIsAskedForAgain() throws {
      let file = content(2 << 20)
      let server = try LoopbackServer { request in
        if request.path == "/x.bin" {
          return .init(302, ["Location": "/store/\(request.earlier)", "X-Linked-Etag": "\"a\""])
        }
        // The first place works once.
        return request.path == "/store/0" && request.earlier > 0
          ? .init(403) : .part(of: file, request, tag: "\"\(request.path)\"")
      }
      try withAddresses(quickSettings()) {
        let read = try readAll("\(server.address)/x.bin")
        #expect(read == file)
      }
      #expect(server.requests.count { $0.path == "/x.bin" } == 2)
    }

    @Test func addressesAreRefusedWhereNobodyReadsThem() {
      let error = expectError(.unsupported) { _ = try InputFile("hf://o/n/x.gguf") }
      #expect(error?.remedy?.contains("make build") == true)
    }
  }
#endif

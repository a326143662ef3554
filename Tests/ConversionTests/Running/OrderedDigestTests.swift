import Synchronization
import Testing
import WeightmillConversion
import WeightmillTensors
import WeightmillTestSupport

/// Digests of bytes that come in any order.
struct OrderedDigestTests {
  private static let bytes: [UInt8] = {
    var generator = SeededGenerator(seed: 7)
    return (0..<3_000_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }()

  /// The bytes as tiles of about so many, shuffled.
  private func tiles(_ size: Int, _ generator: inout SeededGenerator) -> [Range<Int>] {
    var tiles: [Range<Int>] = []
    var start = 0
    while start < Self.bytes.count {
      let end = min(start + Int.random(in: 1...2 * size, using: &generator), Self.bytes.count)
      tiles.append(start..<end)
      start = end
    }
    return tiles.shuffled(using: &generator)
  }

  @Test(arguments: [0, 100_000, 1 << 30], [true, false])
  func tilesInAnyOrderFromSeveralThreadsGiveTheDigestOfAll(
    allowed: Int, isReadable: Bool
  ) throws {
    for seed in 1...6 {
      var generator = SeededGenerator(seed: UInt64(seed))
      let allowance = Allowance(allowed)
      let digest = OrderedDigest(allowance: allowance, isReadable: isReadable) {
        Array(Self.bytes[$0..<$0 + $1])
      }
      let tiles = tiles(seed * 20_000, &generator)
      // Some are left out, some come twice.
      let given = tiles.dropFirst(seed) + tiles.suffix(3)
      try Workers(threads: 4).forEach(given.count, scratch: {}) { index, _ in
        let tile = given[given.startIndex + index]
        digest.add(Self.bytes.span.bytes.extracting(tile), at: tile.lowerBound)
      }
      #expect(try digest.finish(byteCount: Self.bytes.count) == sha256(Self.bytes))
    }
  }

  @Test func tilesInOrderAreNeitherKeptNorReadAgain() throws {
    let allowance = Allowance(0)
    let digest = OrderedDigest(allowance: allowance, isReadable: true) { _, _ in
      Issue.record("read again")
      return []
    }
    for start in stride(from: 0, to: Self.bytes.count, by: 50_000) {
      let tile = start..<min(start + 50_000, Self.bytes.count)
      digest.add(Self.bytes.span.bytes.extracting(tile), at: start)
    }
    #expect(try digest.finish(byteCount: Self.bytes.count) == sha256(Self.bytes))
  }

  @Test func spaceBetweenTensorsIsReadAtOnce() throws {
    let read = Mutex(0)
    let allowance = Allowance(1 << 30)
    let digest = OrderedDigest(allowance: allowance, isReadable: true) { position, count in
      read.withLock { $0 += count }
      return Array(Self.bytes[position..<position + count])
    }
    for start in stride(from: 40_000, to: Self.bytes.count, by: 100_000) {
      let tile = start..<min(start + 99_936, Self.bytes.count)
      digest.add(Self.bytes.span.bytes.extracting(tile), at: start)
    }
    #expect(try digest.finish(byteCount: Self.bytes.count) == sha256(Self.bytes))
    #expect(read.withLock { $0 } < 50_000)
  }

  @Test func theAllowanceIsGivenBack() throws {
    let allowance = Allowance(1 << 20)
    do {
      let digest = OrderedDigest(allowance: allowance, isReadable: false) {
        Array(Self.bytes[$0..<$0 + $1])
      }
      digest.add(Self.bytes.span.bytes.extracting(600_000..<1_600_000), at: 600_000)
      #expect(allowance.isScarce)
    }
    #expect(!allowance.isScarce)
  }

  @Test func whatCannotBeReadIsAnError() {
    let digest = OrderedDigest(allowance: Allowance(0), isReadable: true) {
      (_, _) throws(WeightmillError) in throw WeightmillError(.malformed, "x", "ends too early")
    }
    expectError(.malformed) { _ = try digest.finish(byteCount: 10) }
  }
}

#if Remote
  import WeightmillRemote
  import WeightmillTensors
  import WeightmillTestSupport

  /// Reading that does not wait long.
  func quickSettings(hub: String? = nil, token: String? = nil) -> RemoteSettings {
    var settings = RemoteSettings()
    if let hub { settings.endpoint = hub }
    settings.token = token
    settings.firstPauseMilliseconds = 1
    settings.longestPauseMilliseconds = 5
    settings.attempts = 4
    return settings
  }

  /// Does something for which addresses stand for paths.
  func withAddresses(_ settings: RemoteSettings, _ body: () throws -> Void) throws {
    try RemoteReading(settings).perform(body)
  }

  /// Bytes that are nowhere the same.
  func content(_ count: Int) -> [UInt8] {
    var random = SeededGenerator(seed: 18)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
      let value = random.next()
      for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(shift)))) }
    }
    return Array(bytes.prefix(count))
  }

  /// The bytes of a file, read whole in pieces of 1 MiB.
  func readAll(_ path: String, threads: Int = 1) throws -> [UInt8] {
    let file = try InputFile(path)
    let size = file.byteCount
    let piece = 1 << 20
    let store = Pieces(count: (size + piece - 1) / piece)
    let opened = Opened(file)
    try Workers(threads: threads).forEach(store.count, scratch: {}) {
      (index, _) throws(WeightmillError) in
      let start = index * piece
      store.set(index, try opened.file.bytes(at: start, count: min(piece, size - start)))
    }
    return store.joined
  }

  private final class Opened: Sendable {
    let file: InputFile
    init(_ file: consuming InputFile) { self.file = file }
  }
#endif

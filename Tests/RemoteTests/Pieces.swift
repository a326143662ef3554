#if Remote
  import Synchronization

  /// Bytes that threads put together.
  final class Pieces: Sendable {
    let count: Int
    private let all: Mutex<[[UInt8]]>

    init(count: Int) {
      self.count = count
      all = Mutex([[UInt8]](repeating: [], count: count))
    }

    func set(_ index: Int, _ bytes: [UInt8]) { all.withLock { $0[index] = bytes } }

    var joined: [UInt8] { all.withLock { Array($0.joined()) } }
  }
#endif

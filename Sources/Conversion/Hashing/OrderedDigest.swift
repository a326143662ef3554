internal import Synchronization
internal import WeightmillDigests
package import WeightmillTensors

/// The SHA-256 of bytes that come in any order and from several threads.
///
/// Bytes that come next are hashed by the thread that brings them. Others wait, as copies, as long as
/// the allowance for such copies lasts; what finds no room is read again when its turn comes.
package final class OrderedDigest: Sendable {
  /// Reads bytes again: `(position, count)`.
  package typealias Reading = @Sendable (Int, Int) throws(WeightmillError) -> [UInt8]

  private struct State {
    /// The hash so far; `nil` while a thread hashes.
    var hash: SHA256? = SHA256()
    /// How many bytes from the first on are hashed.
    var next = 0
    /// The bytes that came too early, by position.
    var waiting: [(position: Int, bytes: [UInt8])] = []
  }

  /// At most so many bytes are read again at a time.
  private static let pieceBytes = 1 << 20
  /// A gap of at most so many bytes is no tile that another thread holds, but space between tensors.
  private static let smallGap = 1 << 16

  private let allowance: Allowance
  /// Whether what is missing may be read before `finish`: a file that is read, not one being written.
  private let isReadable: Bool
  private let reading: Reading
  private let state = Mutex(State())

  /// Prepares a digest.
  ///
  /// - Parameters:
  ///   - allowance: How many bytes may wait; several digests may share it.
  ///   - isReadable: Whether `reading` may be called before all bytes have come.
  ///   - reading: Reads bytes again.
  package init(allowance: Allowance, isReadable: Bool, reading: @escaping Reading) {
    self.allowance = allowance
    self.isReadable = isReadable
    self.reading = reading
  }

  deinit {
    allowance.give(back: state.withLock { $0.waiting.reduce(0) { $0 + $1.bytes.count } })
  }

  /// Takes bytes; those that came before are ignored.
  ///
  /// - Parameters:
  ///   - bytes: The bytes.
  ///   - position: Where the first of them belongs.
  package func add(_ bytes: RawSpan, at position: Int) {
    guard bytes.byteCount > 0 else { return }
    if !take(bytes, at: position), keep(bytes, at: position) { return }
    drain()
  }

  /// Hashes the rest, and ends.
  ///
  /// - Parameters:
  ///   - byteCount: How many bytes there are in all.
  ///   - isStopped: Asked now and then: whether the result is not wanted any more.
  /// - Returns: The digest in lower-case hexadecimal, or `nil` when it was stopped.
  /// - Throws: The errors of reading.
  package func finish(
    byteCount: Int, isStopped: () -> Bool = { false }
  ) throws(WeightmillError) -> String? {
    while true {
      drain()
      guard !isStopped() else { return nil }
      let (next, gap) = state.withLock { state in
        (state.next, min(state.waiting.first?.position ?? byteCount, byteCount) - state.next)
      }
      guard gap > 0 else { break }
      let bytes = try reading(next, min(gap, Self.pieceBytes))
      _ = unsafe take(bytes.span.bytes, at: next)
    }
    return state.withLock { $0.hash?.hexadecimal }
  }

  private enum Turn {
    /// All of the bytes are hashed already.
    case over
    /// Other bytes come first, or another thread hashes.
    case later
    /// The bytes are hashed now, but for the first of them.
    case now(SHA256, skipped: Int)
  }

  /// Hashes bytes if it is their turn and nobody else hashes.
  ///
  /// - Returns: Whether nothing of them is left to be hashed.
  private func take(_ bytes: RawSpan, at position: Int) -> Bool {
    let end = position + bytes.byteCount
    let turn = state.withLock { state -> Turn in
      if end <= state.next { return .over }
      guard position <= state.next, let hash = state.hash.take() else { return .later }
      return .now(hash, skipped: state.next - position)
    }
    guard case .now(var hash, let skipped) = turn else {
      if case .over = turn { return true }
      return false
    }
    unsafe bytes.withUnsafeBytes { buffer in
      unsafe hash.update(UnsafeRawBufferPointer(rebasing: buffer[skipped...]))
    }
    state.withLock { state in
      state.hash = hash
      state.next = end
    }
    return true
  }

  /// Keeps a copy of bytes that came too early, if there is room.
  ///
  /// - Returns: Whether it is enough to leave: what is missing is yet to come from another thread.
  private func keep(_ bytes: RawSpan, at position: Int) -> Bool {
    guard allowance.take(bytes.byteCount) else { return false }
    let copy = unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
    return state.withLock { state in
      let index = state.waiting.firstIndex { $0.position >= position } ?? state.waiting.count
      state.waiting.insert((position, copy), at: index)
      let isIdle = state.hash != nil
      return !isIdle || position > state.next && !(isReadable && mayFill(state))
    }
  }

  /// Whether the space before what waits is too small to be on its way, or the file's head.
  private func mayFill(_ state: State) -> Bool {
    guard let first = state.waiting.first else { return false }
    return state.next == 0 || first.position - state.next <= Self.smallGap
  }

  /// Hashes what waits, as long as it is its turn; closes gaps if that is due.
  private func drain() {
    while let work = nextWork() {
      switch work {
      case .hash(let bytes, let position):
        _ = unsafe take(bytes.span.bytes, at: position)
        allowance.give(back: bytes.count)
      case .read(let position, let count):
        // A file that cannot be read fails where its tensors are read, or in `finish`.
        guard let bytes = try? reading(position, count) else { return }
        _ = unsafe take(bytes.span.bytes, at: position)
      }
    }
  }

  private enum Work {
    case hash([UInt8], position: Int)
    case read(position: Int, count: Int)
  }

  private func nextWork() -> Work? {
    state.withLock { state in
      guard state.hash != nil, let first = state.waiting.first else { return nil }
      if first.position <= state.next {
        state.waiting.removeFirst()
        return .hash(first.bytes, position: first.position)
      }
      guard isReadable, mayFill(state) || allowance.isScarce else { return nil }
      let gap = first.position - state.next
      return .read(position: state.next, count: min(gap, Self.pieceBytes))
    }
  }
}

/// A bound on the bytes that several digests together keep waiting.
package final class Allowance: Sendable {
  private let total: Int
  private let left: Atomic<Int>

  /// Allows so many bytes.
  package init(_ total: Int) {
    self.total = total
    left = Atomic(total)
  }

  /// Takes bytes of the allowance, if so many are left.
  func take(_ count: Int) -> Bool {
    if left.subtract(count, ordering: .relaxed).newValue >= 0 { return true }
    left.add(count, ordering: .relaxed)
    return false
  }

  /// Gives bytes back.
  func give(back count: Int) { left.add(count, ordering: .relaxed) }

  /// Whether less than half is left.
  package var isScarce: Bool { left.load(ordering: .relaxed) < total / 2 }
}

internal import Synchronization

/// Looks at bytes of a file while they are read for another purpose: to hash what is read anyway.
public protocol ReadWatcher: AnyObject, Sendable {
  /// Takes bytes that were read.
  ///
  /// It is called from any thread, for any range, more than once for the same.
  ///
  /// - Parameters:
  ///   - bytes: The bytes.
  ///   - position: Where in the file the first of them is.
  func didRead(_ bytes: RawSpan, at position: Int)
}

/// The watcher of a file's reads, if there is one.
final class ReadWatch: Sendable {
  private let current = Mutex<(any ReadWatcher)?>(nil)

  var watcher: (any ReadWatcher)? {
    get { current.withLock { $0 } }
    set { current.withLock { $0 = newValue } }
  }
}

#if Remote
  import Dispatch
  import Synchronization
  import WeightmillTensors

  /// A piece of a file, in memory or on its way there.
  final class Extent: Sendable {
    /// Where in the file it is.
    let range: Range<Int>

    private enum State {
      /// Nobody fetches it; the bytes that came before somebody gave up.
      case open([UInt8])
      /// Somebody fetches it.
      case pending(DispatchGroup)
      case ready([UInt8])
      case failed(WeightmillError)
    }

    private let state: Mutex<State>

    private init(_ range: Range<Int>, _ state: sending State) {
      self.range = range
      self.state = Mutex(state)
    }

    /// A piece that the first who wants it fetches.
    static func open(_ range: Range<Int>) -> Extent { Extent(range, .open([])) }

    /// A piece that is there.
    static func ready(_ range: Range<Int>, _ bytes: [UInt8]) -> Extent {
      Extent(range, .ready(bytes))
    }

    /// A piece that somebody fetches, who calls `finish` at the end.
    static func pending(_ range: Range<Int>) -> Extent {
      let group = DispatchGroup()
      group.enter()
      return Extent(range, .pending(group))
    }

    /// Whether its bytes are there, or will not come.
    var isSettled: Bool {
      state.withLock {
        if case .pending = $0 { false } else { true }
      }
    }

    /// The bytes, once they are there.
    ///
    /// - Parameter fetch: Fetches them, beginning with those that it is given.
    /// - Returns: The bytes.
    /// - Throws: What `fetch` throws, to each who waits.
    func bytes(
      _ fetch: ([UInt8]) throws(WeightmillError) -> [UInt8]
    ) throws(WeightmillError) -> [UInt8] {
      while true {
        switch next() {
        case .ready(let bytes): return bytes
        case .failed(let error): throw error
        case .pending(let group): group.wait()
        case .open(let begun):
          do throws(WeightmillError) {
            finish(.success(try fetch(begun)))
          } catch {
            finish(.failure(error))
          }
        }
      }
    }

    /// The state; who finds the piece open has to fetch it.
    private func next() -> State {
      state.withLock { state in
        let found = state
        if case .open = found {
          let group = DispatchGroup()
          group.enter()
          state = .pending(group)
        }
        return found
      }
    }

    /// Ends fetching.
    ///
    /// - Parameter result: All bytes, or why they do not come.
    func finish(_ result: Result<[UInt8], WeightmillError>) {
      switch result {
      case .success(let bytes): settle(.ready(bytes))
      case .failure(let error): settle(.failed(error))
      }
    }

    /// Leaves fetching to whoever wants the piece.
    ///
    /// - Parameter begun: The bytes that came.
    func giveUp(_ begun: [UInt8]) { settle(.open(begun)) }

    private func settle(_ new: sending State) {
      let before = state.withLock { state in
        let before = state
        state = new
        return before
      }
      if case .pending(let group) = before { group.leave() }
    }
  }
#endif

import HeapModule

/// Merges by the pair they join: a hash table with open addressing, for this is what encoding does
/// most.
///
/// Slots are chosen by multiplying with a number that no file knows, so that none can fill the table
/// with pairs that all want the same one.
struct MergeTable: Sendable {
  /// What a pair becomes: its rank in the high half, the id in the low one, so that the smaller of
  /// two is the one that goes first. `none` where the pair does not merge.
  typealias Merge = UInt64

  static let none = Merge.max

  /// The pairs, and what each becomes, at even and odd places: a pair and its merge lie side by side.
  private var slots: [UInt64]
  private let mask: Int
  private let shift: UInt64
  private let factor = UInt64.random(in: .min ... .max) | 1

  /// Makes a table.
  ///
  /// - Parameter merges: The merges, the first rank first; of equal pairs the last counts.
  init(_ merges: [BPEVocabulary.Merge]) {
    var capacity = 16
    while capacity < 2 * merges.count { capacity *= 2 }
    mask = capacity - 1
    shift = UInt64(64 - capacity.trailingZeroBitCount)
    slots = [UInt64](repeating: Self.none, count: 2 * capacity)
    for (rank, merge) in merges.enumerated() {
      let key = Self.key(merge.left, merge.right)
      let slot = slot(of: key)
      slots[2 * slot] = key
      slots[2 * slot + 1] =
        UInt64(rank) << 32 | UInt64(UInt32(bitPattern: merge.result))
    }
  }

  /// What a pair becomes.
  subscript(_ left: Int32, _ right: Int32) -> Merge {
    slots[2 * slot(of: Self.key(left, right)) + 1]
  }

  /// The id of a merge.
  static func id(_ merge: Merge) -> Int32 { Int32(bitPattern: UInt32(truncatingIfNeeded: merge)) }

  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// The slot of a pair, or the free one where it would be.
  private func slot(of key: UInt64) -> Int {
    // The high bits of the product depend on all bits of the key.
    var slot = Int(truncatingIfNeeded: (key &* factor) >> shift)
    while slots[2 * slot] != key, slots[2 * slot] != Self.none { slot = (slot + 1) & mask }
    return slot
  }
}

extension MergeTable {
  /// Joins neighbours, always the pair of the lowest rank, the leftmost of equals: by looking at all
  /// pairs each time, which is fastest for words of a few symbols.
  ///
  /// - Parameters:
  ///   - symbols: The ids.
  ///   - ranks: Space that is used again.
  func joinShort(_ symbols: inout [Int32], _ ranks: inout [Merge]) {
    ranks.removeAll(keepingCapacity: true)
    for index in symbols.indices.dropFirst() {
      ranks.append(self[symbols[index - 1], symbols[index]])
    }
    while true {
      var (best, position) = (Self.none, -1)
      for index in ranks.indices where ranks[index] < best {
        (best, position) = (ranks[index], index)
      }
      guard position >= 0 else { return }
      symbols[position] = Self.id(best)
      symbols.remove(at: position + 1)
      ranks.remove(at: position)
      if position < ranks.count {
        ranks[position] = self[symbols[position], symbols[position + 1]]
      }
      if position > 0 { ranks[position - 1] = self[symbols[position - 1], symbols[position]] }
    }
  }

  /// Joins neighbours, always the pair of the lowest rank, the leftmost of equals: in O(n log n).
  ///
  /// - Parameter symbols: The ids.
  func join(_ symbols: inout [Int32]) {
    var places = symbols.indices.map { Place(id: symbols[$0], previous: $0 - 1, next: $0 + 1) }
    guard !places.isEmpty else { return }
    places[places.count - 1].next = -1
    func candidate(_ left: Int, _ places: [Place]) -> Candidate? {
      guard left >= 0, places[left].next >= 0 else { return nil }
      let merge = self[places[left].id, places[places[left].next].id]
      return merge == Self.none ? nil : Candidate(merge: merge, left: left)
    }
    var queue = Heap(places.indices.compactMap { candidate($0, places) })
    while let best = queue.popMin() {
      let left = best.left
      // The pair may have changed since it was proposed.
      guard places[left].id >= 0, places[left].next >= 0 else { continue }
      let right = places[left].next
      guard self[places[left].id, places[right].id] == best.merge else { continue }
      places[left].id = Self.id(best.merge)
      places[left].next = places[right].next
      places[right].id = -1
      if places[left].next >= 0 { places[places[left].next].previous = left }
      if let new = candidate(places[left].previous, places) { queue.insert(new) }
      if let new = candidate(left, places) { queue.insert(new) }
    }
    symbols = places.lazy.map(\.id).filter { $0 >= 0 }
  }

  private struct Place {
    /// The token, or -1 once it was swallowed.
    var id: Int32
    var previous: Int
    var next: Int
  }

  /// A pair of neighbours that could become one token.
  private struct Candidate: Comparable {
    let merge: Merge
    let left: Int

    /// The order of the queue: the lowest rank first, then the leftmost pair.
    static func < (a: Candidate, b: Candidate) -> Bool {
      a.merge != b.merge ? a.merge < b.merge : a.left < b.left
    }
  }
}

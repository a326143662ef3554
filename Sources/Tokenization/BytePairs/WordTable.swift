/// Words as bytes with a number for each: a hash table with open addressing, whose words lie in one
/// array. Slots are chosen by a number that no text knows.
struct WordTable: Sendable {
  private var bytes: [UInt8] = []
  /// Where each word begins in `bytes`, and its number; the end of a word is the next one's begin.
  private var starts: [Int32] = []
  private var values: [Int32] = []
  /// Words by hash, or -1.
  private var slots: [Int32]
  private let shift: UInt64
  private let factor = UInt64.random(in: .min ... .max) | 1

  /// How many words it holds.
  var count: Int { values.count }

  /// Makes an empty table.
  ///
  /// - Parameter capacity: How many words it will hold.
  init(capacity: Int) {
    var size = 16
    while size < 2 * capacity { size *= 2 }
    slots = [Int32](repeating: -1, count: size)
    shift = UInt64(64 - size.trailingZeroBitCount)
    starts.reserveCapacity(capacity + 1)
    starts.append(0)
  }

  /// The number of a word; `nil` when it is not there.
  func value(of word: ArraySlice<UInt8>) -> Int32? {
    let entry = slots[slot(of: word)]
    return entry < 0 ? nil : values[Int(entry)]
  }

  /// Adds a word that is not there, if there is room.
  mutating func add(_ word: ArraySlice<UInt8>, value: Int32) {
    guard 2 * (count + 1) <= slots.count, bytes.count + word.count <= Int(Int32.max) else { return }
    slots[slot(of: word)] = Int32(count)
    bytes += word
    starts.append(Int32(bytes.count))
    values.append(value)
  }

  /// The slot of a word, or the free one where it would be.
  private func slot(of word: ArraySlice<UInt8>) -> Int {
    var hash = UInt64(word.count)
    for byte in word { hash = (hash &+ UInt64(byte) &+ 1) &* factor }
    var slot = Int(truncatingIfNeeded: hash >> shift)
    while slots[slot] >= 0, !isWord(Int(slots[slot]), word) {
      slot = (slot + 1) & (slots.count - 1)
    }
    return slot
  }

  private func isWord(_ entry: Int, _ word: ArraySlice<UInt8>) -> Bool {
    let (start, end) = (Int(starts[entry]), Int(starts[entry + 1]))
    guard end - start == word.count else { return false }
    var index = word.startIndex
    for place in start..<end {
      if bytes[place] != word[index] { return false }
      index += 1
    }
    return true
  }
}

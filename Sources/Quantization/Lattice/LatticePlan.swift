/// In which order the vector kernel takes minima over a codebook.
///
/// The cost of a point is the cost of its first half plus that of its second. So for each first half
/// the kernel needs the least cost of the second halves that the codebook joins with it. Many first
/// halves go with the same pairs of second halves: their minimum is taken once. In IQ2_S this leaves
/// 350 minima of 1024.
struct LatticePlan: Sendable {
  /// The most members that a first half may have.
  static let mostMembers = 8

  /// Shared minima: each two numbers, of second halves or of earlier shared minima.
  let pairs: [UInt16]
  /// First halves by their number of members.
  let firsts: [UInt16]
  /// Where the first halves with as many members end.
  let ends: [Int32]
  /// The members of each first half.
  let members: [UInt16]

  /// Plans.
  ///
  /// - Parameters:
  ///   - patterns: The patterns of the points.
  ///   - digits: How many digits there are; a half is two of them.
  init(_ patterns: [UInt16], digits: Int) {
    var sets: [Int: Set<Int>] = [:]
    for pattern in patterns { sets[Int(pattern >> 7), default: []].insert(Int(pattern & 127)) }
    var halves = sets.sorted { $0.key < $1.key }.map { (first: $0.key, members: $0.value) }
    var shared: [(Int, Int)] = []

    /// The pair that most of the sets have, and how many do.
    func mostFrequent(longerThan length: Int) -> (pair: (Int, Int), count: Int) {
      let size = digits * digits + shared.count
      var counts = [Int](repeating: 0, count: size * size)
      for half in halves where half.members.count > length {
        let members = half.members.sorted()
        for (index, low) in members.enumerated() {
          for high in members[(index + 1)...] { counts[low * size + high] += 1 }
        }
      }
      let most = counts.max() ?? 0
      let index = counts.firstIndex(of: most) ?? 0
      return ((index / size, index % size), most)
    }

    func share(_ pair: (Int, Int)) {
      let node = digits * digits + shared.count
      shared.append(pair)
      for index in halves.indices where halves[index].members.isSuperset(of: [pair.0, pair.1]) {
        halves[index].members.subtract([pair.0, pair.1])
        halves[index].members.insert(node)
      }
    }

    while true {
      let (pair, count) = mostFrequent(longerThan: 0)
      guard count > 2 else { break }
      share(pair)
    }
    while halves.contains(where: { $0.members.count > Self.mostMembers }) {
      share(mostFrequent(longerThan: Self.mostMembers).pair)
    }
    halves.sort { ($0.members.count, $0.first) < ($1.members.count, $1.first) }

    // The kernel wants offsets of vectors of 32 bytes.
    pairs = shared.flatMap { [UInt16($0.0 * 32), UInt16($0.1 * 32)] }
    members = halves.flatMap { $0.members.sorted().map { UInt16($0 * 32) } }
    firsts = halves.map { UInt16($0.first / digits * 16 + $0.first % digits) }
    ends = (0...Self.mostMembers).map { length in
      Int32(halves.count { $0.members.count <= length })
    }
  }
}

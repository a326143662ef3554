/// A list of characters and ranges of them, as between the brackets of `[!-/:-~。]`.
struct ScalarRanges: Equatable, Sendable {
  private let ranges: [ClosedRange<UInt32>]

  /// Reads the text between the brackets; `nil` when it is more than plain characters and ranges.
  init?(_ text: some Collection<Unicode.Scalar>) {
    let scalars = Array(text)
    guard let first = scalars.first, first != "^", first != "-", scalars.last != "-",
      !scalars.contains(where: { ["\\", "[", "]", "&"].contains($0) })
    else { return nil }
    var ranges: [ClosedRange<UInt32>] = []
    var place = 0
    while place < scalars.count {
      let low = scalars[place].value
      guard place + 2 < scalars.count, scalars[place + 1] == "-" else {
        ranges.append(low...low)
        place += 1
        continue
      }
      let high = scalars[place + 2].value
      guard low <= high else { return nil }
      ranges.append(low...high)
      place += 3
    }
    self.ranges = ranges
  }

  func contains(_ scalar: Unicode.Scalar) -> Bool {
    ranges.contains { $0.contains(scalar.value) }
  }
}

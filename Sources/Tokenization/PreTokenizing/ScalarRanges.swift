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
    var index = 0
    while index < scalars.count {
      let low = scalars[index].value
      guard index + 2 < scalars.count, scalars[index + 1] == "-" else {
        ranges.append(low...low)
        index += 1
        continue
      }
      let high = scalars[index + 2].value
      guard low <= high else { return nil }
      ranges.append(low...high)
      index += 3
    }
    self.ranges = ranges
  }

  func contains(_ scalar: Unicode.Scalar) -> Bool {
    ranges.contains { $0.contains(scalar.value) }
  }
}

/// Names that differ in the number of their layer only, as one: `blk.0-29.attn_q.weight`.
package struct LayerGroups: Equatable, Sendable {
  /// Some of the names.
  package struct Group: Equatable, Sendable {
    /// One name for all, with the numbers of their layers.
    package let name: String
    /// The places of the names in the list.
    package let indices: [Int]
  }

  /// The groups: kinds in the order of the list, those of a kind in the order of their layers.
  package let groups: [Group]

  /// Groups names.
  ///
  /// - Parameter names: The names, each with what those of a group must have in common.
  package init(_ names: [(name: String, likeness: String)]) {
    var kinds: [String: Int] = [:]
    var patterns: [Pattern] = []
    var found: [(kind: Int, layers: [Int], indices: [Int])] = []
    var places: [String: Int] = [:]
    for (index, (name, likeness)) in names.enumerated() {
      let (pattern, layer) = Pattern.split(name)
      let kind = kinds[pattern.key] ?? patterns.count
      if kind == patterns.count {
        kinds[pattern.key] = kind
        patterns.append(pattern)
      }
      let place = places["\(kind)\0\(likeness)"] ?? found.count
      if place == found.count {
        places["\(kind)\0\(likeness)"] = place
        found.append((kind, [], []))
      }
      found[place].indices.append(index)
      if let layer { found[place].layers.append(layer) }
    }
    groups = found.map { (kind: $0.kind, layers: $0.layers.sorted(), indices: $0.indices) }
      .sorted { ($0.kind, $0.layers.first ?? 0) < ($1.kind, $1.layers.first ?? 0) }
      .map { Group(name: patterns[$0.kind].name($0.layers), indices: $0.indices) }
  }

  /// A name with a place for the number of a layer.
  private struct Pattern {
    let before: String
    /// `nil` for a name without a number.
    let after: String?

    /// A text that no other pattern has.
    var key: String { after.map { "\(before)\0\($0)" } ?? before }

    /// Cuts a name at the first of its parts that is a number.
    static func split(_ name: String) -> (Pattern, layer: Int?) {
      let parts = name.split(separator: ".", omittingEmptySubsequences: false)
      for (place, part) in parts.enumerated() {
        guard part.utf8.count <= 9, let number = Int(part), number >= 0, String(number) == part
        else {
          continue
        }
        let before = parts[..<place].map { "\($0)." }.joined()
        let after = parts[(place + 1)...].map { ".\($0)" }.joined()
        return (Pattern(before: before, after: after), number)
      }
      return (Pattern(before: name, after: nil), nil)
    }

    func name(_ layers: [Int]) -> String {
      guard let after else { return before }
      let runs = Self.runs(layers)
      let texts = runs.map {
        $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
      }
      let numbers = texts.count == 1 ? texts[0] : "{\(texts.joined(separator: ","))}"
      return before + numbers + after
    }

    /// Numbers as runs without a gap.
    private static func runs(_ numbers: [Int]) -> [ClosedRange<Int>] {
      numbers.reduce(into: []) { runs, number in
        if let last = runs.last, number <= last.upperBound + 1 {
          runs[runs.count - 1] = last.lowerBound...max(last.upperBound, number)
        } else {
          runs.append(number...number)
        }
      }
    }
  }
}

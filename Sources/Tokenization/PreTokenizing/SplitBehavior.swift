/// The treatment of the matches at which a text is cut.
enum SplitBehavior: String, Equatable, Sendable {
  /// The matches are dropped.
  case removed = "Removed"
  /// Each match is a piece.
  case isolated = "Isolated"
  /// Each belongs to the piece before it, unless that is a match, too.
  case mergedWithPrevious = "MergedWithPrevious"
  /// Each belongs to the piece after it, unless that is a match, too.
  case mergedWithNext = "MergedWithNext"
  /// Matches in a row are one piece.
  case contiguous = "Contiguous"

  /// The pieces of a text.
  ///
  /// - Parameter matches: The whole text as stretches that match and that do not.
  /// - Returns: The pieces, in order.
  func pieces(_ matches: [SplitPattern.Match]) -> [Range<Int>] {
    switch self {
    case .removed: return matches.filter { !$0.isMatch }.map(\.range)
    case .isolated: return matches.map(\.range)
    case .contiguous:
      return joined(matches) { $0 == $1 }
    case .mergedWithPrevious:
      return joined(matches) { !$0 && $1 }
    case .mergedWithNext:
      // The same from the other end.
      let mirrored = matches.reversed().map {
        SplitPattern.Match(
          range: -$0.range.upperBound..<(-$0.range.lowerBound), isMatch: $0.isMatch)
      }
      return joined(mirrored) { !$0 && $1 }.reversed().map { -$0.upperBound..<(-$0.lowerBound) }
    }
  }

  /// Joins each stretch to the one before it where the two match as `joins` says.
  private func joined(
    _ matches: [SplitPattern.Match], _ joins: (Bool, Bool) -> Bool
  ) -> [Range<Int>] {
    var pieces: [Range<Int>] = []
    var previous: Bool?
    for match in matches {
      if let last = pieces.last, let wasMatch = previous, joins(wasMatch, match.isMatch) {
        pieces[pieces.count - 1] = last.lowerBound..<match.range.upperBound
      } else {
        pieces.append(match.range)
      }
      previous = match.isMatch
    }
    return pieces
  }
}

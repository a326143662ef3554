/// One step of cutting a text into words.
enum PreTokenizer: Equatable, Sendable {
  /// Bytes become characters of GPT-2's alphabet.
  case byteLevel(addsSpace: Bool, splits: Bool)
  /// Cuts at a pattern.
  case split(SplitPattern, SplitBehavior, isInverted: Bool)
  /// Cuts digits off: each by itself, or runs of them.
  case digits(each: Bool)
  /// Spaces become a visible mark, which may go before the text, too.
  case metaspace(mark: Unicode.Scalar, prepends: Prepending, splits: Bool)

  /// The texts before which a mark goes.
  enum Prepending: String, Equatable, Sendable {
    case first
    case never
    case always
  }

  /// How many steps there may be. DeepSeek has seven.
  static let maximumSteps = 16

  /// A stretch of the text.
  struct Piece: Equatable {
    var text: [Unicode.Scalar]
    /// Whether the whole text begins with it.
    let isFirst: Bool

    func cut(_ ranges: [Range<Int>]) -> [Piece] {
      ranges.filter { !$0.isEmpty }.map {
        Piece(text: Array(text[$0]), isFirst: isFirst && $0.lowerBound == 0)
      }
    }
  }

  /// Cuts a piece further.
  func applied(to piece: Piece) -> [Piece] {
    guard !piece.text.isEmpty else { return [] }
    switch self {
    case .byteLevel(let addsSpace, let splits):
      var piece = piece
      if addsSpace, piece.text.first != " " { piece.text.insert(" ", at: 0) }
      let words = splits ? Self.cut(piece, at: .gpt2, .isolated) : [piece]
      return words.map { Piece(text: ByteLevelAlphabet.encode($0.text), isFirst: $0.isFirst) }
    case .split(let pattern, let behavior, let isInverted):
      return Self.cut(piece, at: pattern, behavior, isInverted: isInverted)
    case .digits(let each):
      let pattern = SplitPattern.words([.run(.number, upTo: each ? 1 : .max)])
      return Self.cut(piece, at: pattern, .isolated)
    case .metaspace(let mark, let prepends, let splits):
      var piece = piece
      piece.text = piece.text.replacing([" "], with: [mark])
      let isWanted = prepends == .always || (prepends == .first && piece.isFirst)
      if isWanted, piece.text.first != mark { piece.text.insert(mark, at: 0) }
      return splits ? Self.cut(piece, at: .literal([mark]), .mergedWithNext) : [piece]
    }
  }

  private static func cut(
    _ piece: Piece, at pattern: SplitPattern, _ behavior: SplitBehavior, isInverted: Bool = false
  ) -> [Piece] {
    let matches = pattern.matches(in: piece.text).map {
      SplitPattern.Match(range: $0.range, isMatch: $0.isMatch != isInverted)
    }
    return piece.cut(behavior.pieces(matches))
  }
}

extension [PreTokenizer] {
  /// The words of a text.
  func words(of text: [Unicode.Scalar], isFirst: Bool) -> [[Unicode.Scalar]] {
    var pieces = text.isEmpty ? [] : [PreTokenizer.Piece(text: text, isFirst: isFirst)]
    for step in self { pieces = pieces.flatMap { step.applied(to: $0) } }
    return pieces.map(\.text)
  }
}

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

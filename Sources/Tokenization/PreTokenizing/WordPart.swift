/// One alternative of a pattern: what a word may look like.
///
/// Each is a piece of a regular expression written out by hand. Regular expressions of files are
/// never run, so none can take more than linear time.
enum WordPart: Equatable, Sendable {
  /// `'s|'t|'re|'ve|'m|'ll|'d`, or the same in any case of letters.
  case contraction(anyCase: Bool)
  /// ` ?X+`: a run of the class, a space before it belongs to it.
  case spaced(ScalarClass)
  /// ` ?[^\s…]+` and then any of the ends: a run of neither white space nor the classes.
  case spacedExcept(ScalarClass, ends: Ends)
  /// ` ?[^\s…]+`: a run of neither white space nor listed characters.
  case spacedUnlisted(ScalarRanges)
  /// ` ?[\p{P}\p{S}]+[\r\n]*`.
  case spacedPunctuation
  /// `[^\r\n…]?X+`: a run of the class; one character that is no line end and none of the others
  /// belongs to it.
  case prefixed(ScalarClass, except: ScalarClass)
  /// `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`.
  case capitalized(contractions: Bool)
  /// `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`.
  case capitals(contractions: Bool)
  /// ``[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+``.
  case asciiWord
  /// `X{1,n}`.
  case run(ScalarClass, upTo: Int)
  /// `[…]+` of listed characters; `\s?` may go before it.
  case listed(ScalarRanges, spaced: Bool)
  /// `[\p{P}…]+`: punctuation and listed characters.
  case punctuationAnd(ScalarRanges)
  /// `\d{1,3}(?=(?:\d{3})*\b)`: decimal digits by three, counted from the end of a run that ends a word.
  case groupedDigits
  /// `[0-9][0-9][0-9]`.
  case threeASCIIDigits
  /// `\s?X+`.
  case anySpaced(ScalarClass)
  /// `[\r\n]`.
  case lineEnd
  /// `\s*[\r\n]+`: white space up to its last line end.
  case spaceToLineEnd
  /// `\s+(?!\S)`: white space but for the last of it, if a word follows.
  case spaceBeforeSpace
  /// `\s+`.
  case space
  /// `\s{512}(?!\S)|\s{256}(?!\S)|…|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}`: white space by powers of two,
  /// none of them up to a word.
  case spaceInSteps
  /// `\s+$`: white space up to a line's or the text's end.
  case spaceAtEnd

  /// The characters that may follow a run of punctuation.
  enum Ends: Equatable, Sendable {
    case nothing
    /// `[\r\n]*`.
    case lineEnds
    /// `[\r\n/]*`.
    case lineEndsAndSlashes
  }
}

/// The class of a character, as far as patterns for cutting text ask.
///
/// By general category; which characters are assigned is the Unicode version of Swift's library.
struct ScalarClass: OptionSet, Sendable {
  let rawValue: UInt8

  /// `\p{Lu}`, `\p{Lt}`.
  static let upper = ScalarClass(rawValue: 1)
  /// `\p{Ll}`.
  static let lower = ScalarClass(rawValue: 2)
  /// `\p{Lm}`, `\p{Lo}`.
  static let uncased = ScalarClass(rawValue: 4)
  /// `\p{M}`.
  static let mark = ScalarClass(rawValue: 8)
  /// `\p{N}`.
  static let number = ScalarClass(rawValue: 16)
  /// `\p{P}`.
  static let punctuation = ScalarClass(rawValue: 32)
  /// `\p{S}`.
  static let symbol = ScalarClass(rawValue: 64)
  /// `\s`: Unicode's White_Space.
  static let space = ScalarClass(rawValue: 128)

  /// `\p{L}`.
  static let letter: ScalarClass = [.upper, .lower, .uncased]

  init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The class of a character.
  init(_ scalar: Unicode.Scalar) {
    self =
      scalar.value < Self.table.count
      ? Self.table[Int(scalar.value)] : Self.looked(up: scalar)
  }

  /// The classes of most characters: looking them up in Unicode's data takes longer than all else.
  private static let table = (0..<UInt32(0x1_0000)).map { value in
    Unicode.Scalar(value).map { looked(up: $0) } ?? []
  }

  private static func looked(up scalar: Unicode.Scalar) -> ScalarClass {
    let properties = scalar.properties
    let space: ScalarClass = properties.isWhitespace ? .space : []
    return switch properties.generalCategory {
    case .uppercaseLetter, .titlecaseLetter: .upper
    case .lowercaseLetter: .lower
    case .modifierLetter, .otherLetter: .uncased
    case .nonspacingMark, .spacingMark, .enclosingMark: .mark
    case .decimalNumber, .letterNumber, .otherNumber: .number
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      .punctuation
    case .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol: .symbol
    default: space
    }
  }
}

/// A list of characters and ranges of them, as between the brackets of `[!-/:-~。]`.
struct ScalarRanges: Equatable, Sendable {
  private let ranges: [ClosedRange<UInt32>]

  init(_ ranges: [ClosedRange<UInt32>]) { self.ranges = ranges }

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

  /// The text between the brackets.
  var text: String {
    func character(_ value: UInt32) -> String { Unicode.Scalar(value).map { String($0) } ?? "" }
    return ranges.map {
      character($0.lowerBound) + ($0.count > 1 ? "-" + character($0.upperBound) : "")
    }.joined()
  }
}

extension Unicode.Scalar {
  /// Whether this is `\w` as Unicode's recommendation for regular expressions has it (UTS #18).
  var isWordCharacter: Bool {
    if properties.isAlphabetic || properties.isJoinControl { return true }
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation:
      return true
    default: return false
    }
  }
}

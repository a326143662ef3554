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
    self = scalar.isASCII ? Self.ascii[Int(scalar.value)] : Self.looked(up: scalar)
  }

  private static let ascii = (0..<128).map { looked(up: Unicode.Scalar(UInt8($0))) }

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

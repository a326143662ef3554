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

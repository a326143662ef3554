/// A text with every class of characters in many orders, by which ways of cutting text are told
/// apart.
enum SplitProbe {
  /// The text. It is the same in every run.
  static let text: [Unicode.Scalar] = {
    var text = phrases.flatMap { "\($0) ".unicodeScalars }
    // A linear congruential generator, with Knuth's factors (MMIX).
    var state: UInt64 = 13
    func draw(_ count: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % count
    }
    while text.count < 6000 {
      let scalar = scalars[draw(scalars.count)]
      // Runs matter: digits are cut by threes, white space behind its last line end.
      let count = draw(3) > 0 ? 1 : 1 + draw(5)
      text += [Unicode.Scalar](repeating: scalar, count: count)
    }
    return text
  }()

  /// Letters of every case, marks, numbers, signs, white space, controls.
  private static let scalars: [Unicode.Scalar] = [
    "a", "s", "S", "E", "t", "é", "É", "ß", "ǅ", "ʰ", "ж", "Ж", "中", "あ", "ア", "한", "ก", "ا",
    "\u{301}", "\u{20E3}", "\u{FE0F}", "\u{903}", "7", "0", "٣", "Ⅷ", "½", "!", "/", "'", "'", "-",
    "_", "(", "“", "。", "、", "！", "«", "$", "€", "+", "<", "=", "^", "`", "~", "|", "©", "😀", " ",
    " ", " ", "\t", "\n", "\n", "\r", "\u{A0}", "\u{3000}", "\u{2028}", "\u{85}", "\u{B}", "\0",
    "\u{7F}", "\u{200D}", "\u{FEFF}", "\u{E000}", "\u{10FFFF}",
  ]

  /// What chance gives too seldom.
  private static let phrases = [
    "It's I'LL we've They'RE 'tis 'S 'Re'vE'M'd'lL'T don''t x'sy 's's '\u{17F}",
    "1 12 123 1234 12345",
    "3.14159 1,000,000 a1b22c333d4444", "Hello  World   again    x",
    "end  \n  next\r\n\r\n  last \n",
    "a/b//c\n/d\r\n/ ...\n\n..\n?!a", "iPhone XMLHttp ALLCAPS'S Don'T ÀÉîõ ÉcoleÉ",
    "中文字123汉字，你好。あア한국",
    "if (x==1) {\n    return a[i]->b;\n}\n\t// ok!!!\n", "\u{A0}\u{A0}x\u{3000}y \u{301}z",
    "$5 €6 +7 <8 ~9",
    "e\u{301}a \u{301}\u{301} -\u{301}", "trailing   \n\n\n   ",
  ]
}

/// What llama.cpp calls a way of cutting text.
enum SplitNaming {
  case named(NamedSplit)
  /// No name fits: the nearest one, and the words in which the two part.
  case unnamed(nearest: NamedSplit, own: String, other: String)
  /// Words are not made of bytes, as all that have names are.
  case notBytes
}

extension TextPreparation {
  /// The name of this way of cutting text: its steps select, and the probe must be cut alike.
  ///
  /// - Parameter takesWholeWords: Whether a word that is a token is that token: of names that cut
  ///   alike, the one for vocabularies of that kind counts.
  /// - Returns: The name, or why there is none.
  func naming(takesWholeWords: Bool) -> SplitNaming {
    guard let steps = cuts else { return .notBytes }
    let own = steps.words(of: SplitProbe.text, isFirst: true)
    let patterns = steps.compactMap(\.isolatedPattern)
    let hasPatterns = patterns.count == steps.count
    // Of those that cut alike, the ones with the same steps come first.
    let ordered =
      NamedSplit.all.filter { hasPatterns && $0.patterns == patterns }
      + NamedSplit.all.filter { !hasPatterns || $0.patterns != patterns }
    var nearest: (count: Int, naming: SplitNaming) = (-1, .notBytes)
    var found: [NamedSplit] = []
    for split in ordered {
      if let first = found.first, first.patterns != split.patterns { continue }
      let other = split.preTokenizers.dropLast().words(of: SplitProbe.text)
      let count = zip(own, other).prefix { $0 == $1 }.count
      if count == own.count, count == other.count {
        found.append(split)
      } else if count > nearest.count {
        func word(_ words: [[Unicode.Scalar]]) -> String {
          words.indices.contains(count) ? String(String.UnicodeScalarView(words[count])) : ""
        }
        nearest = (count, .unnamed(nearest: split, own: word(own), other: word(other)))
      }
    }
    let fitting = found.first { $0.takesWholeWords == takesWholeWords } ?? found.first
    return fitting.map { .named($0) } ?? nearest.naming
  }

  /// The steps that cut, without the one that makes characters of bytes; `nil` if that is not the
  /// last one.
  private var cuts: [PreTokenizer]? {
    guard case .byteLevel(let addsSpace, let splits)? = preTokenizers.last else { return nil }
    let steps = preTokenizers.dropLast()
    let hasOther = steps.contains {
      switch $0 {
      case .byteLevel, .metaspace: true
      case .split, .digits: false
      }
    }
    // A space before the text is one thing, a space before each word another.
    guard !hasOther, !addsSpace || steps.isEmpty else { return nil }
    return steps + (splits ? [.split(.gpt2, .isolated, isInverted: false)] : [])
  }
}

extension PreTokenizer {
  /// The pattern whose matches are words, if that is what the step is.
  fileprivate var isolatedPattern: SplitPattern? {
    switch self {
    case .split(let pattern, .isolated, isInverted: false): pattern
    case .digits(each: true): .digit
    default: nil
    }
  }
}

extension ArraySlice<PreTokenizer> {
  fileprivate func words(of text: [Unicode.Scalar]) -> [[Unicode.Scalar]] {
    Array(self).words(of: text, isFirst: true)
  }
}

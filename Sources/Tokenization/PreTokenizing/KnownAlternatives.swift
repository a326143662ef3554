import WeightmillTensors

/// Recognises regular expressions that cut text into words, alternative by alternative.
///
/// Expressions of files are never run: each alternative must be one whose text is known here, and
/// nothing follows an alternative that it could give characters back to. So the same parts in
/// another order, or with other digits, are known, too.
///
/// Sources: the `tokenizer.json` of GPT-2, Llama 3, Qwen2, Qwen3.5, GPT-OSS (o200k), Mistral Nemo,
/// DeepSeek-V3, DeepSeek-Coder, DeepSeek-LLM, MiniCPM, Seed-Coder and Bailing; Meta's llama3
/// `tokenizer.py`.
enum KnownAlternatives {
  /// The parts of an expression, in order; `nil` when one is not known.
  static func parts(of text: String) -> [WordPart]? {
    // Some files hold line ends themselves where others escape them.
    let scalars = text.unicodeScalars.flatMap { scalar -> [Unicode.Scalar] in
      scalar == "\r" ? ["\\", "r"] : scalar == "\n" ? ["\\", "n"] : [scalar]
    }
    guard scalars.count <= 4096 else { return nil }
    var parts: [WordPart] = []
    var rest = alternatives(scalars)[...]
    while let first = rest.first {
      if rest.starts(with: endings) {
        parts.append(.contraction(anyCase: false))
        rest = rest.dropFirst(endings.count)
      } else if rest.starts(with: steps) {
        parts.append(.spaceInSteps)
        rest = rest.dropFirst(steps.count)
      } else if let part = known[TensorName(withoutPossessives(first))] ?? listed(first) {
        parts.append(part)
        rest = rest.dropFirst()
      } else {
        return nil
      }
    }
    return parts
  }

  /// GPT-2's contractions, which are seven alternatives.
  private static let endings: [[Unicode.Scalar]] = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"]
    .map { Array($0.unicodeScalars) }

  /// Jais 2's white space, which is ten alternatives.
  private static let steps: [[Unicode.Scalar]] =
    ([512, 256, 128, 64, 32, 16, 8, 4].map { #"\s{\#($0)}(?!\S)"# } + [
      #"\s{1,2}(?!\S)"#, #"\s{1}"#,
    ])
    .map { Array($0.unicodeScalars) }

  /// The texts between the bars that are neither in brackets nor in parentheses.
  private static func alternatives(_ text: [Unicode.Scalar]) -> [[Unicode.Scalar]] {
    var (parts, current): ([[Unicode.Scalar]], [Unicode.Scalar]) = ([], [])
    var (depth, isInBrackets, isEscaped) = (0, false, false)
    for scalar in text {
      if scalar == "|", depth == 0, !isInBrackets, !isEscaped {
        parts.append(current)
        current = []
        continue
      }
      current.append(scalar)
      if isEscaped {
        isEscaped = false
        continue
      }
      switch scalar {
      case "\\": isEscaped = true
      case "[": isInBrackets = true
      case "]": isInBrackets = false
      case "(" where !isInBrackets: depth += 1
      case ")" where !isInBrackets: depth -= 1
      default: break
      }
    }
    return parts + [current]
  }

  /// The expression with `?`, `*` and `+` in place of `?+`, `*+` and `++`: where what follows cannot
  /// match the characters before it, giving none back makes no difference.
  private static func withoutPossessives(_ text: [Unicode.Scalar]) -> String {
    var result = String.UnicodeScalarView()
    var (isInBrackets, last) = (false, Unicode.Scalar(0x20))
    let looksBehindSpace = text.contains("$") || text.contains("!")
    for (index, scalar) in text.enumerated() {
      let isEscaped = index > 0 && text[index - 1] == "\\"
      if scalar == "[", !isEscaped { isInBrackets = true }
      if scalar == "]", !isEscaped { isInBrackets = false }
      let isPossessive =
        scalar == "+" && !isInBrackets && !looksBehindSpace && ["?", "*", "+"].contains(last)
      if !isPossessive { result.append(scalar) }
      last = isEscaped ? " " : scalar
    }
    return String(result)
  }

  private static let short = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
  private static let prefix = #"[^\r\n\p{L}\p{N}]?"#
  private static let high = #"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"#
  private static let low = #"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"#

  /// The texts and what they are; of several texts for one thing the first is written.
  private static let alternatives: [(text: String, part: WordPart)] = {
    let words: ScalarClass = [.letter, .number]
    return [
      (short, .contraction(anyCase: true)),
      ("'(?i:[sdmt]|ll|ve|re)", .contraction(anyCase: true)),
      (prefix + #"\p{L}+"#, .prefixed(.letter, except: words)),
      (prefix + #"[\p{L}\p{M}]+"#, .prefixed([.letter, .mark], except: words)),
      (
        #"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"#,
        .prefixed([.letter, .mark], except: [.letter, .punctuation, .symbol])
      ),
      ("\(prefix)\(high)*\(low)+", .capitalized(contractions: false)),
      ("\(prefix)\(high)+\(low)*", .capitals(contractions: false)),
      ("\(prefix)\(high)*\(low)+\(short)?", .capitalized(contractions: true)),
      ("\(prefix)\(high)+\(low)*\(short)?", .capitals(contractions: true)),
      (##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"##, .asciiWord),
      (#" ?\p{L}+"#, .spaced(.letter)), (#"\s?\p{L}+"#, .anySpaced(.letter)),
      (#" ?\p{N}+"#, .spaced(.number)), (#"\s?\p{P}+"#, .anySpaced(.punctuation)),
      (#"\p{N}{1,3}"#, .run(.number, upTo: 3)), (#"\p{N}"#, .run(.number, upTo: 1)),
      (#"\p{N}{1}"#, .run(.number, upTo: 1)), (#"\p{N}+"#, .run(.number, upTo: .max)),
      (#" ?[^\s\p{L}\p{N}]+"#, .spacedExcept(words, ends: .nothing)),
      (#" ?[^\s\p{L}\p{N}\r\n]+"#, .spacedExcept(words, ends: .nothing)),
      (#" ?[^\s\p{L}\p{N}]+[\r\n]*"#, .spacedExcept(words, ends: .lineEnds)),
      (#" ?[^\s\p{L}\p{N}]+[\r\n/]*"#, .spacedExcept(words, ends: .lineEndsAndSlashes)),
      (
        #" ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"#,
        .spacedExcept([.letter, .mark, .number], ends: .lineEnds)
      ),
      (#" ?[\p{P}\p{S}]+[\r\n]*"#, .spacedPunctuation), (#"[\r\n]"#, .lineEnd),
      (#" ?[\p{P}\p{S}]+"#, .spaced([.punctuation, .symbol])),
      (" ?[^(\\s|[.,!?…。，、।۔،])]+", .spacedUnlisted(Alphabets.stops)),
      (#"\d{1,3}(?=(?:\d{3})*\b)"#, .groupedDigits),
      (#"[\p{P}\$\+<=>\^~\|]+"#, .punctuationAnd(Alphabets.operators)),
      (#"[\p{P}\$\+<=>\^~\|`]+"#, .punctuationAnd(Alphabets.operatorsAndGrave)),
      ("[0-9][0-9][0-9]", .threeASCIIDigits),
      (#"[^\n]+"#, .listed(Alphabets.allButLineFeed, spaced: false)),
      (#"[\n]+"#, .listed(Alphabets.lineFeed, spaced: false)),
      // Both end behind the last line end of a run of white space.
      (#"\s*[\r\n]+"#, .spaceToLineEnd), (#"\s*[\r\n]"#, .spaceToLineEnd),
      (#"\s+(?!\S)"#, .spaceBeforeSpace), (#"\s+"#, .space), (#"\s+$"#, .spaceAtEnd),
    ]
  }()

  private static let known: [TensorName: WordPart] = Dictionary(
    alternatives.map { (TensorName($0.text), $0.part) }, uniquingKeysWith: { first, _ in first })

  /// The text of an alternative, which `parts(of:)` recognises.
  ///
  /// - Parameter part: The alternative.
  /// - Returns: The text; `nil` for one that no file has.
  static func text(of part: WordPart) -> String? {
    if let known = alternatives.first(where: { $0.part == part }) { return known.text }
    func joined(_ texts: [[Unicode.Scalar]]) -> String {
      texts.map { String(String.UnicodeScalarView($0)) }.joined(separator: "|")
    }
    switch part {
    case .contraction(anyCase: false): return joined(endings)
    case .spaceInSteps: return joined(steps)
    case .listed(let ranges, let isSpaced): return (isSpaced ? #"\s?"# : "") + "[\(ranges.text)]+"
    default: return nil
    }
  }

  /// `[…]+` or `\s?[…]+` with nothing but characters and ranges between the brackets, as
  /// DeepSeek's vocabularies have for Chinese, for European letters and for punctuation.
  private static func listed(_ text: [Unicode.Scalar]) -> WordPart? {
    let isSpaced = text.starts(with: #"\s?"#.unicodeScalars)
    let rest = text.dropFirst(isSpaced ? 3 : 0)
    guard rest.count >= 4, rest.count <= 1024, rest.first == "[",
      rest.suffix(2).elementsEqual("]+".unicodeScalars),
      let ranges = ScalarRanges(rest.dropFirst().dropLast(2))
    else { return nil }
    return .listed(ranges, spaced: isSpaced)
  }
}

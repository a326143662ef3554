/// The steps done to a text before words become tokens.
struct TextPreparation: Equatable, Sendable {
  var normalizers: [TextNormalizer] = []
  var preTokenizers: [PreTokenizer] = []
}

extension TextPreparation {
  /// llama.cpp's name for this way of cutting text, `tokenizer.ggml.pre`; `nil` if it has none.
  ///
  /// Several of its names stand for the same cuts (`smollm`, `starcoder`, `command-r`); the one
  /// given is that of a model of the LLaMA family. Source: llama.cpp's `llama-vocab.cpp`.
  var llamaCppName: String? {
    guard case .byteLevel(_, let splits)? = preTokenizers.last else { return nil }
    let steps = Array(preTokenizers.dropLast())
    if splits {
      return steps.isEmpty ? "gpt-2" : steps == [.digits(each: true)] ? "smollm" : nil
    }
    var patterns: [SplitPattern] = []
    for step in steps {
      switch step {
      case .split(let pattern, .isolated, isInverted: false),
        .split(let pattern, .removed, isInverted: true):
        patterns.append(pattern)
      case .digits(each: true): patterns.append(Self.digit)
      default: return nil
      }
    }
    return Self.name(of: patterns)
  }

  private static let digit = SplitPattern.words([.run(.number, upTo: 1)])

  private static func name(of patterns: [SplitPattern]) -> String? {
    switch patterns {
    case [.gpt2]: return "gpt-2"
    case [.llama3]: return "llama-bpe"
    case [.qwen2]: return "qwen2"
    case [.qwen35]: return "qwen35"
    case [.o200k]: return "gpt-4o"
    case [.tekken]: return "tekken"
    default: break
    }
    let isLineEnd = patterns.first == .words([.lineEnd])
    switch patterns.count {
    case 3 where patterns[0] == .words([.run(.number, upTo: 3)]) && patterns[2] == .deepSeek3:
      return "deepseek-v3"
    case 5 where isLineEnd && patterns[1] == .words([.anySpaced(.letter)]):
      return patterns[4] == digit ? "deepseek-coder" : nil
    case 6 where isLineEnd && patterns[3] == .words([.spaceAtEnd]):
      return patterns[5] == digit ? "deepseek-llm" : nil
    default: return nil
    }
  }
}

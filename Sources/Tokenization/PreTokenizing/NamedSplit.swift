/// A way of cutting text into words that llama.cpp has a name for: `tokenizer.ggml.pre`.
///
/// The patterns are those of the models that the name was made for, one after the other: each cuts
/// what those before it left, and what it does not match is a word, too. llama.cpp's own expressions
/// differ in places (formats/byte-pairs.md). Names, flags and which of them cut alike: llama.cpp's
/// `llama-vocab.cpp`.
package struct NamedSplit: Equatable, Sendable {
  /// The names, the one that is written first.
  package let names: [String]
  let patterns: [SplitPattern]
  /// Whether a word that is a token is that token, whatever the merges give.
  var takesWholeWords = false
  /// Whether a text begins with BOS where the file does not say.
  package var addsBOS = false

  /// The name that is written.
  package var name: String { names[0] }

  /// The steps that cut so, and then make characters of bytes.
  var preTokenizers: [PreTokenizer] {
    patterns.map { .split($0, .isolated, isInverted: false) }
      + [.byteLevel(addsSpace: false, splits: false)]
  }

  /// The words of a text, before their bytes become characters of GPT-2's alphabet.
  ///
  /// - Parameter text: The text.
  /// - Returns: The words, in order and without gaps.
  package func words(of text: String) -> [String] {
    Array(preTokenizers.dropLast()).words(of: Array(text.unicodeScalars), isFirst: true).map {
      String(String.UnicodeScalarView($0))
    }
  }

  /// Finds a way of cutting by its name.
  ///
  /// - Parameter name: The name.
  /// - Returns: The way; `nil` for names that are not known here.
  package static func named(_ name: String) -> NamedSplit? {
    all.first { $0.names.contains { $0.utf8.elementsEqual(name.utf8) } }
  }

  /// Whether two names stand for the same cuts, and for the same use of merges.
  package static func cutAlike(_ a: String, _ b: String) -> Bool {
    guard let a = named(a), let b = named(b) else { return false }
    return a.patterns == b.patterns && a.takesWholeWords == b.takesWholeWords
  }

  /// All that are known. Where several cut alike, the first is the one of LLaMA's family.
  package static let all: [NamedSplit] = [
    NamedSplit(
      names: [
        "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
        "jina-v5-nano",
      ], patterns: [.llama3], takesWholeWords: true, addsBOS: true),
    NamedSplit(names: ["smaug-bpe", "dbrx", "chatglm-bpe"], patterns: [.llama3]),
    NamedSplit(names: ["glm4", "glm5"], patterns: [.llama3], takesWholeWords: true),
    NamedSplit(names: ["jais-2"], patterns: [.jais2]),
    NamedSplit(
      names: [
        "qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan",
        "solar-open", "grok-2", "bailingmoe", "bailingmoe2", "llada-moe",
      ], patterns: [.qwen2]),
    NamedSplit(names: ["qwen35"], patterns: [.qwen35]),
    NamedSplit(names: ["ufakzeka"], patterns: [.uncontracted]),
    NamedSplit(
      names: ["laguna"],
      patterns: [
        .words([
          .listed(Alphabets.allButLineFeed, spaced: false),
          .listed(Alphabets.lineFeed, spaced: false),
        ]), .qwen2,
      ]),
    NamedSplit(names: ["seed-coder"], patterns: [.seedCoder]),
    NamedSplit(
      names: ["minicpm5"], patterns: [.threeDigits, .longDigits], takesWholeWords: true),
    NamedSplit(names: ["tekken"], patterns: [.tekken], takesWholeWords: true, addsBOS: true),
    NamedSplit(
      names: ["gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"], patterns: [.o200k]),
    NamedSplit(
      names: ["granite-embed-multi-97m"], patterns: [.o200k], takesWholeWords: true),
    NamedSplit(names: ["tiny_aya", "cohere2moe"], patterns: [.groupedDigits, .o200k]),
    NamedSplit(
      names: ["youtu"],
      patterns: [
        .words([
          .listed(Alphabets.korean, spaced: false), .listed(Alphabets.wideSigns, spaced: false),
          .listed(Alphabets.bopomofo, spaced: false),
          .listed(Alphabets.chineseAndKana, spaced: false),
        ]), .o200kDigits,
      ], takesWholeWords: true),
    NamedSplit(
      names: [
        "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b",
        "mellum2",
      ], patterns: [.digit, .gpt2]),
    NamedSplit(
      names: [
        "gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es", "jina-v2-de", "a.x-4.0",
        "mellum", "modern-bert", "mpt", "olmo", "jais", "trillion", "granite-docling", "exaone4",
      ], patterns: [.gpt2]),
    NamedSplit(
      names: ["deepseek-llm"],
      patterns: [
        .lineEnd, .words([.listed(Alphabets.european, spaced: true)]),
        .words([.listed(Alphabets.signs, spaced: true)]), .words([.spaceAtEnd]),
        .words([.listed(Alphabets.eastAsian, spaced: false)]), .digit,
      ]),
    NamedSplit(
      names: ["deepseek-coder"],
      patterns: [
        .lineEnd, .words([.anySpaced(.letter)]), .words([.anySpaced(.punctuation)]),
        .words([.listed(Alphabets.eastAsian, spaced: false)]), .digit,
      ]),
    NamedSplit(
      names: ["deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"],
      patterns: [
        .threeDigits, .words([.listed(Alphabets.chineseAndKana, spaced: false)]), .deepSeek3,
      ]),
    NamedSplit(
      names: ["spark2_5"],
      patterns: [
        .threeDigits, .words([.listed(Alphabets.chineseAndKana, spaced: false)]), .spark, .digit,
      ]),
    NamedSplit(
      names: ["bloom", "poro-chat", "gpt3-finnish"],
      patterns: [.words([.spacedUnlisted(Alphabets.stops)])]),
    NamedSplit(
      names: ["viking"], patterns: [.words([.spacedUnlisted(Alphabets.stops)]), .digit]),
    NamedSplit(
      names: ["superbpe"],
      patterns: [.words([.run(.number, upTo: .max)]), .groupedDigits]),
    NamedSplit(
      names: ["falcon"],
      patterns: [
        .words([.punctuationAnd(Alphabets.operatorsAndGrave)]), .gpt2, .words([.threeASCIIDigits]),
      ]),
    NamedSplit(
      names: ["default"],
      patterns: [
        .words([.punctuationAnd(Alphabets.operators)]), .gpt2,
        .words([.run(.number, upTo: .max)]), .words([.threeASCIIDigits]),
      ]),
  ]
}

/// Lists of characters that patterns name one by one.
enum Alphabets {
  static let lineFeed = ScalarRanges([0xA...0xA])
  static let allButLineFeed = ScalarRanges([0...9, 0xB...0x10FFFF])
  /// `(|.,!?…。，、।۔،)`: what ends a sentence or a part of one in many languages.
  static let stops = ScalarRanges([
    0x28...0x29, 0x7C...0x7C, 0x2E...0x2E, 0x2C...0x2C, 0x21...0x21, 0x3F...0x3F, 0x2026...0x2026,
    0x3002...0x3002, 0xFF0C...0xFF0C, 0x3001...0x3001, 0x964...0x964, 0x6D4...0x6D4, 0x60C...0x60C,
  ])
  static let korean = ScalarRanges([0xAC00...0xD7A3, 0x3131...0x318E])
  /// Chinese punctuation.
  static let wideSigns = ScalarRanges([
    0xFF01...0xFF01, 0x2026...0x2026, 0x201C...0x201D, 0x2018...0x2019, 0x2014...0x2014,
    0xFF1A...0xFF1B, 0xFF0C...0xFF0C, 0x3001...0x303F, 0xFE30...0xFE4F,
  ])
  static let bopomofo = ScalarRanges([0x3105...0x312F])
  /// Cased letters of Latin, Greek, Cyrillic and others, as DeepSeek LLM lists them.
  static let european = ScalarRanges([
    0x41...0x5A, 0x61...0x7A, 0xB5...0xB5, 0xC0...0xD6, 0xD8...0xF6, 0xF8...0x1BA, 0x1BC...0x1BF,
    0x1C4...0x293, 0x295...0x2AF, 0x370...0x373, 0x376...0x376, 0x377...0x377, 0x37B...0x37D,
    0x37F...0x37F, 0x386...0x386, 0x388...0x38A, 0x38C...0x38C, 0x38E...0x3A1, 0x3A3...0x3F5,
    0x3F7...0x481, 0x48A...0x52F, 0x531...0x556, 0x10A0...0x10C5, 0x13A0...0x13F5,
    0x13F8...0x13FD, 0x1C90...0x1CBA, 0x1CBD...0x1CBF, 0x1D00...0x1D2B, 0x1D6B...0x1D77,
    0x1D79...0x1D9A, 0x1E00...0x1F15, 0x1F18...0x1F1D, 0x1F20...0x1F45, 0x1F48...0x1F4D,
    0x1F50...0x1F57, 0x1F59...0x1F59, 0x1F5B...0x1F5B, 0x1F5D...0x1F5D, 0x1F5F...0x1F7D,
    0x1F80...0x1FB4, 0x1FB6...0x1FBC, 0x1FBE...0x1FBE, 0x1FC2...0x1FC4, 0x1FC6...0x1FCC,
    0x1FD0...0x1FD3, 0x1FD6...0x1FDB, 0x1FE0...0x1FEC, 0x1FF2...0x1FF4, 0x1FF6...0x1FFC,
    0x2102...0x2102, 0x2107...0x2107, 0x210A...0x2113, 0x2115...0x2115, 0x2119...0x211D,
    0x2124...0x2124, 0x2126...0x2126, 0x2128...0x2128, 0x212A...0x212D, 0x212F...0x2134,
    0x2139...0x2139, 0x213C...0x213F, 0x2145...0x2149, 0x214E...0x214E, 0x2183...0x2183,
    0x2184...0x2184, 0x2C00...0x2C7B, 0x2C7E...0x2CE4, 0x2CEB...0x2CEE, 0x2CF2...0x2CF2,
    0x2CF3...0x2CF3, 0xA640...0xA66D, 0xA680...0xA69B, 0xA722...0xA76F, 0xA771...0xA787,
    0xA78B...0xA78E, 0xAB70...0xABBF, 0xFB00...0xFB06, 0xFB13...0xFB17, 0xFF21...0xFF3A,
    0xFF41...0xFF5A, 0x10400...0x1044F, 0x104B0...0x104D3, 0x104D8...0x104FB, 0x10C80...0x10CB2,
    0x10CC0...0x10CF2, 0x118A0...0x118DF, 0x1E900...0x1E943,
  ])
  /// ASCII's signs, their wide forms, quotation marks, and the first of the Chinese ones.
  static let signs = ScalarRanges([
    0x21...0x2F, 0x3A...0x7E, 0xFF01...0xFF0F, 0xFF1A...0xFF5E, 0x2018...0x201F, 0x3000...0x3002,
  ])
  /// All from Samaritan to Chinese, and Korean syllables.
  static let eastAsian = ScalarRanges([0x4E00...0x9FA5, 0x800...0x4E00, 0xAC00...0xD7FF])
  static let chineseAndKana = ScalarRanges([0x4E00...0x9FA5, 0x3040...0x309F, 0x30A0...0x30FF])
  /// `$+<=>^~|`, which are symbols.
  static let operators = ScalarRanges([
    0x24...0x24, 0x2B...0x2B, 0x3C...0x3E, 0x5E...0x5E, 0x7C...0x7C, 0x7E...0x7E,
  ])
  static let operatorsAndGrave = ScalarRanges([
    0x24...0x24, 0x2B...0x2B, 0x3C...0x3E, 0x5E...0x5E, 0x60...0x60, 0x7C...0x7C, 0x7E...0x7E,
  ])
}

public import Tensors

/// A byte-pair vocabulary with everything that is needed to encode and decode text: what a
/// `tokenizer.json` of the BPE kind holds, or LLaMA 3's `tokenizer.model`.
public struct BPEVocabulary: Equatable, Sendable {
  /// Two tokens that become one. The place in the list is the rank: the lower, the sooner.
  public struct Merge: Equatable, Sendable {
    /// The id of the token on the left.
    public let left: Int32
    /// The id of the token on the right.
    public let right: Int32
    /// The id of the token they become.
    public let result: Int32
  }

  /// How words become tokens.
  public struct Rules: Equatable, Sendable {
    /// The token for characters that are in no token; without one they are dropped.
    public var unknown: Int?
    /// Whether unknown characters in a row become one token.
    public var fusesUnknown = false
    /// Whether an unknown character becomes the tokens `<0xHH>` of its bytes.
    public var fallsBackToBytes = false
    /// Whether a word that is a token is that token, whatever the merges give.
    public var takesWholeWords = false
  }

  /// The tokens by id: byte-level texts are in GPT-2's alphabet, gaps are `[PADn]`, unused. Scores
  /// do not count. Roles: what the template puts before and after a text, or else what the model's
  /// settings name.
  public package(set) var vocabulary: Vocabulary
  /// The merges, the first rank first.
  public let merges: [Merge]
  /// The tokens that are looked for in a text.
  public let addedTokens: [AddedToken]
  /// How words become tokens.
  public let rules: Rules
  /// Why text cannot be encoded with it, though the vocabulary is sound: it prepares text in a way
  /// that is not known here.
  public let encodingObstacle: WeightmillError?
  /// Why ids cannot be decoded with it.
  public let decodingObstacle: WeightmillError?
  /// llama.cpp's name for the way text is cut into words, `tokenizer.ggml.pre`: `llama-bpe`,
  /// `qwen2`, `gpt-2` …; `nil` when it has none for it.
  public let preTokenizerName: String?

  /// The file it comes from, for messages.
  let location: String
  let preparation: TextPreparation
  let template: TextTemplate
  /// `nil`: tokens are joined with spaces.
  let decoder: [TextDecoder]?
  /// The ids of added tokens that no merge can give: they are not in the model's own list.
  let onlyAdded: Set<Int>

  /// The merges as texts: two tokens with a space between them.
  var mergeTexts: [String] {
    merges.map {
      "\(vocabulary.tokens[Int($0.left)].text) \(vocabulary.tokens[Int($0.right)].text)"
    }
  }
}

package import WeightmillTensors

/// A byte-pair vocabulary with everything that is needed to encode and decode text: what a
/// `tokenizer.json` of the BPE kind holds, or LLaMA 3's `tokenizer.model`.
package struct BPEVocabulary: Equatable, Sendable {
  /// Two tokens that become one. The index in the list is the rank: the lower, the sooner.
  package struct Merge: Equatable, Sendable {
    /// The id of the token on the left.
    package let left: Int32
    /// The id of the token on the right.
    package let right: Int32
    /// The id of the token they become.
    package let result: Int32
  }

  /// The rules by which words become tokens.
  package struct Rules: Equatable, Sendable {
    /// The token for characters that are in no token; without one they are dropped.
    package var unknown: Int?
    /// Whether unknown characters in a row become one token.
    package var fusesUnknown = false
    /// Whether an unknown character becomes the tokens `<0xHH>` of its bytes.
    package var fallsBackToBytes = false
    /// Whether a word that is a token is that token, whatever the merges give.
    package var takesWholeWords = false
  }

  /// The tokens by id: byte-level texts are in GPT-2's alphabet, gaps are `[PADn]`, unused. Scores
  /// do not count. Roles: what the template puts before and after a text, or else what the model's
  /// settings name.
  package package(set) var vocabulary: Vocabulary
  /// The merges, the first rank first.
  package let merges: [Merge]
  /// The tokens that are looked for in a text.
  package let addedTokens: [AddedToken]
  /// The rules by which words become tokens.
  package let rules: Rules
  /// The reason why text cannot be encoded, if there is one, though the vocabulary is sound: it
  /// prepares text in a way that is not known here.
  package let encodingObstacle: WeightmillError?
  /// The reason why ids cannot be decoded, if there is one.
  package let decodingObstacle: WeightmillError?
  /// llama.cpp's name for the way text is cut into words, `tokenizer.ggml.pre`: `llama-bpe`,
  /// `qwen2`, `gpt-2` …; `nil` when it has none for it.
  package let preTokenizerName: String?

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

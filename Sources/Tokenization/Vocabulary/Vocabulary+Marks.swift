extension Vocabulary {
  /// Texts of tokens that end a text, in models of LLaMA's family and their fine-tunes.
  ///
  /// llama.cpp knows such tokens by their texts, whatever kind they have been given: it stops at each
  /// of them, and takes them for control tokens (`llama-vocab.cpp`, as of version 0.5.0).
  private static let endTexts: Set<String> = [
    "</s>", "<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>",
    "<|end_of_text|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<eos>", "<end_of_utterance>",
    "<｜end▁of▁sentence｜>", "<PAD>", "[PAD]", "<|fim_pad|>", "<fim-pad>", "<fim_pad>",
    "<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>", "<|file_sep|>",
    "<|return|>", "<|call|>", "<|calls|>", "<|flush|>",
  ]

  /// Those of them that end what somebody says, after which a conversation goes on.
  private static let turnEndTexts: Set<String> = [
    "<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<end_of_utterance>",
    "<EOT>", "_<EOT>", "[EOT]", "<|return|>", "<|call|>", "<|calls|>",
  ]

  /// Those that stand between texts in what models without a BOS were trained on.
  private static let separatorTexts: Set<String> = ["<|endoftext|>", "<|end_of_text|>"]

  /// Texts of tokens around a gap to fill in, of Code Llama, Qwen, Granite, DeepSeek and others,
  /// which are control tokens, too.
  private static let gapTexts: Set<String> = [
    "<PRE>", "<SUF>", "<MID>", "▁<PRE>", "▁<SUF>", "▁<MID>", "<|fim_prefix|>", "<|fim_suffix|>",
    "<|fim_middle|>", "<fim-prefix>", "<fim-suffix>", "<fim-middle>", "<fim_prefix>",
    "<fim_suffix>", "<fim_middle>", "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>",
    "<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>", "<|prefix|>", "<|suffix|>",
    "<|middle|>",
  ]

  /// The tokens that end a text: the one with that role, and those known by their texts.
  package var ends: Set<Int> { ids(of: Self.endTexts).union(special.eos.map { [$0] } ?? []) }

  /// The tokens that end a whole text; those that end a turn of a conversation only if there are no others.
  package var textEnds: Set<Int> {
    let whole = ends.subtracting(ids(of: Self.turnEndTexts))
    return whole.isEmpty ? ends : whole
  }

  /// The token from which a model goes on with any text: BOS if the vocabulary adds one; otherwise the
  /// token that stood between texts, or the one that ends them; `nil` if there is none of them.
  package var textStart: Int? {
    special.addedBOS ?? ids(of: Self.separatorTexts).min() ?? special.eos ?? special.bos
  }

  /// The tokens that are control tokens whatever their kind.
  var marks: Set<Int> { ids(of: Self.endTexts).union(ids(of: Self.gapTexts)) }

  private func ids(of texts: Set<String>) -> Set<Int> {
    // Hashing every text takes longer than looking at its last byte.
    Set(
      tokens.indices.filter { id in
        [0x3E, 0x5D].contains(tokens[id].text.utf8.last) && texts.contains(tokens[id].text)
      })
  }
}

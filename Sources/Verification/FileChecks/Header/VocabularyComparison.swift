import WeightmillModels
import WeightmillTensors
import WeightmillTokenization

/// Whether the vocabulary is the reference's.
enum VocabularyComparison {
  /// Compares two vocabularies, where both models have one that Weightmill can use.
  ///
  /// - Parameters:
  ///   - candidate: The model to be judged.
  ///   - reference: The model it was made from.
  ///   - findings: Where to add what is found.
  static func check(
    _ candidate: LoadedModel, against reference: LoadedModel, _ findings: inout FindingList
  ) {
    if reference.chatTemplate != nil, candidate.chatTemplate == nil {
      findings.warning(
        "chat-template",
        "there is no chat template, the reference has one: programs will talk to "
          + "the model in a form that it does not know; convert it again")
    } else if let ours = candidate.chatTemplate, let theirs = reference.chatTemplate, ours != theirs
    {
      findings.note("chat-template", "the chat template is not the reference's")
    }
    // In the form that a GGUF file holds: some of what a tokenizer.json says has no place there.
    guard let theirs = try? reference.tokenizer?.stored else { return }
    guard let ours = try? candidate.tokenizer?.stored, ours.model == theirs.model else {
      // One that cannot be used may be the reference's.
      guard candidate.tokenizerObstacle == nil else { return }
      findings.error(
        "vocabulary",
        "there is no vocabulary of the reference's kind; convert the model again with "
          + "its tokenizer")
      return
    }
    if ours.pre != theirs.pre, !NamedSplit.cutAlike(ours.pre, theirs.pre) {
      findings.error(
        "vocabulary",
        "tokenizer.ggml.pre is \(quoted(ours.pre)), the reference's tokenizer cuts text as "
          + "\(quoted(theirs.pre)) does; convert the model again with its tokenizer")
    }
    if let our = ours.merges, let their = theirs.merges, our != their {
      let count = zip(our, their).count { $0 != $1 } + abs(our.count - their.count)
      findings.error(
        "vocabulary",
        "\(count) merges are not the reference's: text is cut into other tokens; convert the model "
          + "again with its tokenizer")
    }
    compare(ours.vocabulary.tokens, theirs.vocabulary.tokens, &findings)
    var special = theirs.vocabulary.special
    if !theirs.hasScores {
      // What byte pairs do not name is token 11 to llama.cpp: that is what the file says, too.
      special.bos = special.bos ?? ours.vocabulary.special.bos
      special.eos = special.eos ?? ours.vocabulary.special.eos
    }
    compare(ours.vocabulary.special, special, &findings)
  }

  private static func compare(
    _ ours: [Vocabulary.Token], _ theirs: [Vocabulary.Token], _ findings: inout FindingList
  ) {
    // Padded rows have tokens that are never used.
    let (longer, count) = (
      ours.count > theirs.count ? ours : theirs, min(ours.count, theirs.count)
    )
    let named = longer.dropFirst(count).enumerated().filter { $1.kind != .unused }
    if let first = named.first {
      findings.warning(
        "vocabulary",
        "there are \(ours.count) tokens, the reference has \(theirs.count): "
          + "\(ours.count > theirs.count ? "only here" : "only there") is \(count + first.offset), "
          + quoted(first.element.text))
    }
    let pairs = zip(ours, theirs)
    let texts = pairs.enumerated().filter { TensorName($1.0.text) != TensorName($1.1.text) }
    if let first = texts.first {
      findings.error(
        "vocabulary",
        "\(texts.count) tokens have other texts than the reference's, the first is "
          + "\(first.offset), \(quoted(first.element.0.text)) where the reference has "
          + "\(quoted(first.element.1.text)); use the tokenizer that came with the model")
      // What else differs follows from it.
      return
    }
    let kinds = pairs.enumerated().filter { $1.0.kind != $1.1.kind }
    if let first = kinds.first {
      let (our, their) = first.element
      findings.warning(
        "vocabulary",
        "\(kinds.count) tokens are of another type than the reference's, the first is "
          + "\(first.offset), \(quoted(our.text)): \(our.kind) where the reference has \(their.kind)"
      )
    }
    // Scores order merges of normal tokens; those of others are not used.
    let scores = pairs.enumerated().filter {
      $1.0.kind == .normal && $1.1.kind == .normal && $1.0.score != $1.1.score
    }
    if let first = scores.first {
      findings.warning(
        "vocabulary",
        "\(scores.count) tokens have other scores than the reference's, the first is "
          + "\(first.offset), \(quoted(first.element.0.text)): text is cut into other tokens")
    }
  }

  private static func compare(
    _ ours: Vocabulary.Special, _ theirs: Vocabulary.Special, _ findings: inout FindingList
  ) {
    func text(_ id: Int?) -> String { id.map(String.init) ?? "none" }
    let ids: [(name: String, ours: Int?, theirs: Int?, isUsed: Bool)] = [
      ("BOS", ours.bos, theirs.bos, true), ("EOS", ours.eos, theirs.eos, true),
      ("unknown", ours.unknown, theirs.unknown, false),
      ("padding", ours.padding, theirs.padding, false),
    ]
    for id in ids where id.ours != id.theirs {
      findings.add(
        id.isUsed ? .error : .note, "special-tokens",
        "the \(id.name) token is \(text(id.ours)), the reference's \(text(id.theirs))")
    }
    let flags: [(name: String, ours: Bool, theirs: Bool)] = [
      ("add_bos_token", ours.addsBOS, theirs.addsBOS),
      ("add_eos_token", ours.addsEOS, theirs.addsEOS),
      ("add_space_prefix", ours.addsSpacePrefix, theirs.addsSpacePrefix),
    ]
    for flag in flags where flag.ours != flag.theirs {
      findings.error(
        "special-tokens",
        "\(flag.name) is \(flag.ours), the reference's \(flag.theirs): llama.cpp begins or ends "
          + "texts otherwise; set it with `weightmill quantize --override-kv`")
    }
  }
}

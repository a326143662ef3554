import Testing
import WeightmillMerging
import WeightmillTensors
import WeightmillTestSupport

/// The registry of published files, and which of them belong together.
struct KnownFileTests {
  @Test func theTableIsSound() {
    #expect(Set(KnownFiles.all.map(\.sha256)).count == KnownFiles.all.count)
    for file in KnownFiles.all {
      #expect(file.sha256.count == 64)
      #expect(bytes(hex: file.sha256).count == 32)
      #expect(file.sha256 == file.sha256.lowercased())
      #expect(KnownFiles.file(sha256: file.sha256)?.description == file.description)
    }
    #expect(KnownFiles.file(sha256: String(repeating: "0", count: 64)) == nil)
  }

  @Test(arguments: [
    (
      "745bf4e29a4dd6f411e72976d92b452da1b49168a4f41c951cfcc8051823cf08",
      "Meta LLaMA 13B part 1 of 2", "consolidated.00.pth"
    ),
    (
      "9e556afd44213b6bd1be2b850ebbbd98f5481437a8021afaf58ee7fb1818d347",
      "LLaMA's tokenizer", "tokenizer.model"
    ),
    (
      "57f574a3f0467714fe292c05bdf3f5f1bab6921a3704647fcb8ae25950bcc2af",
      "Ziya-LLaMA-13B-v1.1's delta, shard 12 of 28", "pytorch_model-00012-of-00028.bin"
    ),
    (
      "4ab77bec4d4405ccb66a97b282574c89a94417e3c32e5f68f37e2876fc21322f",
      "Meta LLaMA 13B's params.json", "params.json"
    ),
    (
      "8eea283acb5ea2be360e39e28b21b11e5eddac2e2284aee67b6fc12e5faaefe4",
      "Ziya-LLaMA-13B-v1.1, merged, shard 2 of 3", "pytorch_model-00002-of-00003.bin"
    ),
  ])
  func filesAreNamed(hash: String, description: String, name: String) {
    #expect(KnownFiles.file(sha256: hash)?.description == description)
    #expect(KnownFiles.file(sha256: hash)?.name == name)
  }

  @Test func onlyWhatCouldBeKnownIsHashed() {
    let llama = (5120, 40, 32_000)
    func may(_ name: String, _ count: Int, _ sizes: (Int, Int, Int)) -> Bool {
      KnownFiles.mayHold(name: name, byteCount: count, sizes: sizes)
    }
    #expect(may("consolidated.01.pth", 13_016_334_699, llama))
    #expect(!may("consolidated.01.pth", 13_016_334_698, llama))
    #expect(!may("consolidated.01.pth", 13_016_334_699, (256, 4, 2000)))
    #expect(may("consolidated.00.pth", 1, (4096, 32, 32_000)))
    #expect(may("pytorch_model-00012-of-00028.bin", 1, (5120, 40, 39_424)))
    #expect(!may("pytorch_model-00004-of-00028.bin", 1, (5120, 40, 39_424)))
    #expect(!may("model.safetensors", 1, llama))
  }

  private func known(
    _ model: KnownModel, _ number: Int, _ side: IdentifiedFile.Side, ordinal: Int? = nil
  ) throws -> IdentifiedFile {
    let file = try #require(
      KnownFiles.all.first { file in
        guard file.model == model else { return false }
        switch file.role {
        case .part(number, _), .shard(number, _): return true
        default: return false
        }
      })
    return IdentifiedFile(path: file.name, side: side, ordinal: ordinal ?? number - 1, file: file)
  }

  private func known(_ role: KnownFile.Role, _ side: IdentifiedFile.Side) throws -> IdentifiedFile {
    let file = try #require(KnownFiles.all.first { $0.role == role })
    return IdentifiedFile(path: file.name, side: side, ordinal: 0, file: file)
  }

  @Test func whatBelongsTogetherIsNotContradicted() throws {
    for base in [KnownModel.llama13B, .llama13BHuggingFace] {
      let files = [
        try known(base, 1, .base), try known(base, 2, .base),
        try known(.tokenizer(.llama), .base), try known(.parameters(.llama13B), .base),
        try known(.ziya, 12, .delta), try known(.ziya, 14, .delta),
        try known(.tokenizer(.ziya), .delta),
      ]
      #expect(KnownFileCheck.contradictions(files).isEmpty)
    }
    #expect(
      KnownFileCheck.contradictions([
        try known(.ziya11Merged, 2, .model), try known(.ziya11Merged, 3, .model),
        try known(.tokenizer(.ziya), .model),
      ]).isEmpty)
  }

  private func expect(
    _ part: String, _ files: [IdentifiedFile], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let errors = KnownFileCheck.contradictions(files)
    #expect(errors.count == 1, sourceLocation: sourceLocation)
    #expect(errors.first?.code == .mismatch, sourceLocation: sourceLocation)
    #expect(
      errors.first?.description.contains(part) == true, "\(errors)", sourceLocation: sourceLocation)
    #expect(
      errors.first?.remedy?.contains("--force-base") == true, sourceLocation: sourceLocation)
  }

  @Test func partsOfTwoModels() throws {
    expect(
      "but consolidated.00.pth is Meta LLaMA 13B part 1 of 2",
      [try known(.llama13B, 1, .model), try known(.llama33B, 2, .model)])
  }

  @Test func shardsOfTwoVersions() throws {
    expect(
      "is Ziya-LLaMA-13B-v1.1's delta, shard 19 of 28, but",
      [try known(.ziya, 18, .delta), try known(.ziya11, 19, .delta)])
  }

  @Test func partsThatWereExchanged() throws {
    expect(
      "but takes the place of part 1; give the file its own name, consolidated.01.pth",
      [try known(.llama13B, 2, .model, ordinal: 0)])
  }

  @Test func aBaseOfAnotherSize() throws {
    expect(
      "use the base the delta was made for: Meta LLaMA 13B",
      [try known(.llama7B, 1, .base), try known(.ziya, 1, .delta)])
  }

  @Test func aMergedBase() throws {
    expect("not a base", [try known(.ziya11Merged, 2, .base), try known(.ziya11, 12, .delta)])
  }

  @Test func aWholeModelAsDelta() throws {
    expect("not a delta", [try known(.llama13B, 1, .delta)])
  }

  @Test func aDeltaAsModel() throws {
    expect("not a whole model", [try known(.ziya, 1, .model)])
  }

  @Test func sizesOfAnotherModel() throws {
    expect(
      "is Meta LLaMA 7B's params.json, but",
      [try known(.llama13B, 1, .base), try known(.parameters(.llama7B), .base)])
  }

  @Test func aTokenizerOfAnotherModel() throws {
    expect(
      "is LLaMA's tokenizer, but",
      [try known(.ziya, 1, .delta), try known(.tokenizer(.llama), .delta)])
  }
}

import Testing
import WeightmillSentencePiece
import WeightmillTensors
import WeightmillTestSupport
import WeightmillTokenization

/// Vocabularies that break their own rules are refused.
struct SentencePieceModelTests {
  private func piece(_ text: String, kind: UInt8? = nil, score: [UInt8] = [0, 0, 0, 0]) -> [UInt8] {
    var body: [UInt8] = [0x0A, UInt8(text.utf8.count)] + Array(text.utf8) + [0x15] + score
    if let kind { body += [0x18, kind] }
    return [0x0A, UInt8(body.count)] + body
  }

  /// trainer_spec { model_type: BPE }, normalizer_spec { remove_extra_whitespaces: false }.
  private let bpe: [UInt8] = [0x12, 2, 0x18, 2, 0x1A, 2, 0x20, 0]

  private func read(_ bytes: [UInt8]) throws -> Vocabulary {
    try SentencePieceModel(bytes, location: "test").vocabulary
  }

  @Test func aSmallModelIsRead() throws {
    let vocabulary = try read(piece("<unk>", kind: 2) + piece("a") + piece("b") + bpe)
    #expect(vocabulary.tokens.map(\.text) == ["<unk>", "a", "b"])
    #expect(vocabulary.tokens[0].kind == .unknown)
  }

  @Test func brokenPiecesAreMalformed() {
    let many = piece("<unk>", kind: 2) + piece("a") + piece("b") + piece("c")
    expectError(.malformed) { _ = try read(many + piece("a") + bpe) }
    expectError(.malformed) { _ = try read(many + piece("") + bpe) }
    expectError(.malformed) { _ = try read(many + piece("d", score: [0, 0, 0xC0, 0x7F]) + bpe) }
    expectError(.malformed) { _ = try read(many + piece("<0x-1>", kind: 6) + bpe) }
    expectError(.malformed) { _ = try read(many + piece("<0x+5>", kind: 6) + bpe) }
    expectError(.malformed) { _ = try read(piece("a") + bpe) }
    expectError(.malformed) { _ = try read(many + piece("u", kind: 2) + bpe) }
    expectError(.malformed) { _ = try read(bpe) }
    // byte_fallback without the 256 byte pieces.
    expectError(.malformed) {
      _ = try read(many + [0x12, 5, 0x18, 2, 0x98, 2, 1, 0x1A, 2, 0x20, 0])
    }
    // bos_id beyond the pieces.
    expectError(.malformed) {
      _ = try read(many + [0x12, 5, 0x18, 2, 0xC8, 2, 99, 0x1A, 2, 0x20, 0])
    }
  }

  @Test func otherKindsAreUnsupported() {
    expectError(.unsupported) { _ = try read(piece("a") + [0x12, 2, 0x18, 1, 0x1A, 2, 0x20, 0]) }
    // Spaces without marks.
    expectError(.unsupported) {
      _ = try read(piece("a") + [0x12, 2, 0x18, 2, 0x1A, 4, 0x20, 0, 0x28, 0])
    }
  }

  @Test func whatIsNoProtobufIsMalformed() throws {
    expectError(.malformed) { _ = try read(Array("version https://git-lfs".utf8)) }
    let whole = try Fixtures.bytes(Fixtures.miniZiya("delta/tokenizer.model"))
    for count in stride(from: 1, to: whole.count, by: 331) {
      expectNoCrash { _ = try read(Array(whole[..<count])) }
    }
  }
}

import Testing
import WeightmillDigests

@Suite struct SHA256Tests {
  /// NIST's examples: FIPS 180-2, appendix B, and the digest of no bytes.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func publishedDigests(text: String, digest: String) {
    #expect(SHA256.hexadecimal(of: Array(text.utf8)) == digest)
  }

  @Test func aMillionLettersInPieces() {
    var hash = SHA256()
    let piece = [UInt8](repeating: 0x61, count: 997)
    for start in stride(from: 0, to: 1_000_000, by: 997) {
      hash.update(Array(piece.prefix(1_000_000 - start)))
    }
    #expect(
      hash.hexadecimal == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func aCopyGoesOnByItself() {
    var hash = SHA256()
    hash.update(Array("ab".utf8))
    var copy = hash
    copy.update(Array("x".utf8))
    #expect(hash.hexadecimal == SHA256.hexadecimal(of: Array("ab".utf8)))
    hash.update(Array("c".utf8))
    #expect(hash.hexadecimal == SHA256.hexadecimal(of: Array("abc".utf8)))
    #expect(copy.hexadecimal == SHA256.hexadecimal(of: Array("abx".utf8)))
  }
}

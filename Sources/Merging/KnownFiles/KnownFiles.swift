/// The published files of LLaMA 1 and Ziya that are known by their SHA-256.
///
/// Sources: llama.cpp's `SHA256SUMS` and Chinese-LLaMA-Alpaca's `SHA256.md`, which agree, for LLaMA
/// 1; the pages of the files on Hugging Face for Ziya, as far as they were found: not every shard.
/// The hashes of the eight parts of 65B were not at hand.
package enum KnownFiles {
  /// All known files.
  package static let all: [KnownFile] =
    tokenizers + llama7B + llama13B + llama33B + llama13BHuggingFace
    + ziya + ziya11 + ziyaPretrain + ziya11Merged

  private static let tokenizers = [
    file("9e556afd44213b6bd1be2b850ebbbd98f5481437a8021afaf58ee7fb1818d347", .tokenizer(.llama)),
    file("147fa8ef9267d7760a39e07a15eeadb64ce6560a74fa92f4e69cf206307e876c", .tokenizer(.ziya)),
  ]

  private static let llama7B =
    parts(
      .llama7B,
      [
        "700df0d3013b703a806d2ae7f1bfb8e59814e3d06ae78be0c66368a50059f33d"
      ]) + [
      file(
        "7e89e242ddc0dd6f060b43ca219ce8b3e8f08959a72cb3c0855df8bb04d46265", .parameters(.llama7B))
    ]

  private static let llama13B =
    parts(
      .llama13B, bytes: 13_016_334_699,
      [
        "745bf4e29a4dd6f411e72976d92b452da1b49168a4f41c951cfcc8051823cf08",
        "d5ccbcc465c71c0de439a5aeffebe8344c68a519bce70bc7f9f92654ee567085",
      ]) + [
      file(
        "4ab77bec4d4405ccb66a97b282574c89a94417e3c32e5f68f37e2876fc21322f", .parameters(.llama13B),
        bytes: 101)
    ]

  private static let llama33B = parts(
    .llama33B,
    [
      "e23294a58552d8cdec5b7e8abb87993b97ea6eced4178ff2697c02472539d067",
      "4e077b7136c7ae2302e954860cf64930458d3076fcde9443f4d0e939e95903ff",
      "24a87f01028cbd3a12de551dcedb712346c0b5cbdeff1454e0ddf2df9b675378",
      "1adfcef71420886119544949767f6a56cb6339b4d5fcde755d80fe68b49de93b",
    ])

  /// The files as the converter of spring 2023 wrote them; other versions of torch give other
  /// hashes.
  private static let llama13BHuggingFace = shards(
    .llama13BHuggingFace, of: 3,
    [
      (1, "dd20cdee2637408c6ab88c13f5c27d153bacd0e99f2d55f6a66fbd0269944436"),
      (2, "1aba886c5f28d2e2e9b04ab3c4f5bc250c6b06efc1baa3f557677b3097f70e6a"),
      (3, "2efc56cddb7877c830bc5b402ee72996aedb5694c9e8007bf1d52d72c0d97d26"),
    ])

  private static let ziya = shards(
    .ziya, of: 28,
    [
      (1, "23fc9735c66896bc90316f916da4575c1c845e35c2987f961148d13af5f058cd"),
      (2, "81eb8e86db149746e75a283774dc39e95c6d21deae25c75de8b2dc454048d3b5"),
      (3, "e23f4df4d8d1a443e9439d8c341f86bc5338ad2b3def759bf80256d7fed0d4dd"),
      (12, "b92925f0b58f4c7a2f1c91e17e7f9835070279ef912e61147dba45a22ef34b5b"),
      (14, "53b65b4a0a2b4a3d6187174adea447da88c090ee95081230f183e90fc7aa6ecb"),
      (18, "b26c3627cec92f3eeb876aa6610760d8f0440df0db0cef2cacecb9cc97fce74e"),
      (22, "0606ff197a8d2bd6856deaec399b54b8cdec76871e05f6fc2f58dd33dee5eda3"),
      (23, "a1f93ea617fe335ee65683837ea6b832064be574a52b136d2f4bb51401a1c2cf"),
      (26, "8295c1a27243c062ef8d5eeb523852d24624734ee4a62e93ab2441f136752bcd"),
    ])

  private static let ziya11 = shards(
    .ziya11, of: 28,
    [
      (12, "57f574a3f0467714fe292c05bdf3f5f1bab6921a3704647fcb8ae25950bcc2af"),
      (14, "cd9a0d17f9fe75c18664abc74dd58166e7e32a39dd50d1e0231331f825e0aa43"),
      (19, "8c56aa1a50e7f35e46016b9500d737b1998bd1dd1f393e2e6a97cc1cd2e172c0"),
      (20, "a7b3894faa56d2f01862a3b6ed2722845720b35a026a2ebc1526d3bd8d7fd78b"),
      (21, "3a69b190c3901db14e7856129ab6900220009e81cf068ed2d486ade4c9a906ff"),
      (23, "9f96de3d3e2f0ddafef3899d7cb8672fc6086050e7b042acb7fa4165ac232ce8"),
      (26, "086ae2fa7cc13f16ea25003d5df693a2f262af4ea8101b0adb77bd9fe3fa2964"),
    ])

  private static let ziyaPretrain = shards(
    .ziyaPretrain, of: 28,
    [
      (9, "3f37a26f74476d33302e37c3d97a0b5b1b75ef4c1f0a7ee24090cae884dfe7d7"),
      (11, "b76e62c3f08f01b4b485dd5ede76121c142f9419b04b0a606219d078d19cb0eb"),
      (21, "d060f6cd0e722c658b0716c190d3f894565b1a1cc5f901aa0cd6421c47191e5e"),
      (23, "7e38ac921950194678c350312b7b64d778d0aa28ab6e90121070ead6e6943526"),
      (28, "88348f807061ae3bf8fd7e09ea91c45d7d70622db434383d9759b85e342244c0"),
    ])

  /// The files as the author of Ziya merged them.
  private static let ziya11Merged = shards(
    .ziya11Merged, of: 3,
    [
      (2, "8eea283acb5ea2be360e39e28b21b11e5eddac2e2284aee67b6fc12e5faaefe4"),
      (3, "cfed1a571fc95a02109eefa849693b75f6632566c6f1663df7ddda774bea9df0"),
    ])

  private static func file(
    _ sha256: String, _ role: KnownFile.Role, _ model: KnownModel? = nil, bytes: Int? = nil
  ) -> KnownFile {
    KnownFile(sha256: sha256, role: role, model: model, byteCount: bytes)
  }

  private static func parts(
    _ model: KnownModel, bytes: Int? = nil, _ hashes: [String]
  ) -> [KnownFile] {
    hashes.enumerated().map { ordinal, hash in
      file(hash, .part(ordinal + 1, of: hashes.count), model, bytes: bytes)
    }
  }

  private static func shards(
    _ model: KnownModel, of count: Int, _ hashes: [(number: Int, sha256: String)]
  ) -> [KnownFile] {
    hashes.map { file($0.sha256, .shard($0.number, of: count), model) }
  }

  private static let byHash = Dictionary(
    all.map { ($0.sha256, $0) }, uniquingKeysWith: { first, _ in first })

  /// The file with a SHA-256.
  ///
  /// - Parameter sha256: The SHA-256 in lower-case hexadecimal.
  /// - Returns: The file, or `nil` when it is not known.
  package static func file(sha256: String) -> KnownFile? { byHash[sha256] }

  /// Whether a file could be a known one, so that it is worth hashing: by its name and size, and by
  /// the sizes of the model it belongs to.
  ///
  /// - Parameters:
  ///   - name: The file's name, without its folder.
  ///   - byteCount: Its size.
  ///   - sizes: The width of the model, its number of layers and of embedding rows.
  /// - Returns: Whether it could be.
  package static func mayHold(
    name: String, byteCount: Int, sizes: (hidden: Int, layers: Int, rows: Int)
  ) -> Bool {
    all.contains { file in
      file.name == name && file.byteCount ?? byteCount == byteCount
        && file.model.map { $0.sizes == sizes } ?? true
    }
  }
}

import Foundation
import Testing
import WeightmillConversion
import WeightmillModels
import WeightmillPyTorch
import WeightmillTensors
import WeightmillTestSupport

/// One sound file of each format, cut short at every byte and with every byte flipped: each is read
/// or refused, nothing crashes and nothing takes long.
struct DamagedFileTests {
  struct Sample: Sendable, CustomTestStringConvertible {
    /// How the file is read.
    enum Use: Sendable {
      case tensors
      case vocabulary
      case model
    }

    /// A file of the corpus, or one in a folder of it.
    let path: String
    let use: Use
    /// Every how many bytes it is damaged.
    var step = 1

    var testDescription: String { path }
  }

  private static let samples = [
    Sample(path: "zip/torch-2.15.pth", use: .tensors, step: 2),
    Sample(path: "zip/zip64-past-4-gib.pth", use: .tensors),
    Sample(path: "zip/deflated-with-descriptors.pth", use: .tensors),
    Sample(path: "legacy/plain.pth", use: .tensors),
    Sample(path: "safetensors/metadata.safetensors", use: .tensors),
    Sample(path: "gguf/every-value.gguf", use: .tensors),
    Sample(path: "gguf/vocabulary.gguf", use: .vocabulary),
    Sample(path: "sentencepiece/plain.model", use: .vocabulary),
    Sample(path: "tokenizer-json/sentencepiece.json", use: .vocabulary, step: 11),
    Sample(path: "index/plain/model.safetensors.index.json", use: .tensors),
    Sample(path: "config/plain/config.json", use: .model),
  ]

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(arguments: samples) func cutAnywhereItIsReadOrRefused(sample: Sample) throws {
    try check(sample) { whole in
      stride(from: 0, to: whole.count, by: sample.step).lazy.map { Array(whole[..<$0]) }
    }
  }

  @Test(arguments: samples, [0x01, 0x80, 0xFF] as [UInt8])
  func withAnyByteFlippedItIsReadOrRefused(sample: Sample, mask: UInt8) throws {
    try check(sample) { whole in
      stride(from: 0, to: whole.count, by: sample.step).lazy.map { offset in
        var bytes = whole
        bytes[offset] ^= mask
        return bytes
      }
    }
  }

  /// Reads a sample's file in each of its damaged forms.
  private func check(
    _ sample: Sample, _ damage: ([UInt8]) -> some Sequence<[UInt8]>
  ) throws {
    let source = "\(Fixtures.package)/Tests/Corpus/files/"
    let parts = sample.path.split(separator: "/").map(String.init)
    // A file in a folder is read with its folder.
    let (opened, name) =
      parts.count > 2
      ? (try folder.copy(source + parts[0] + "/" + parts[1], as: "copy"), "copy/" + parts[2])
      : (folder(parts[1]), parts[1])
    let clock = ContinuousClock()
    for (number, bytes) in damage(try Fixtures.bytes(source + sample.path)).enumerated() {
      try folder.write(bytes, to: name)
      let time = clock.measure {
        expectNoCrash { try read(opened, as: sample.use) }
      }
      #expect(time < .seconds(10), "\(sample.path), damage \(number)")
    }
  }

  private func read(_ path: String, as use: Sample.Use) throws {
    switch use {
    case .tensors:
      let checkpoint = try Checkpoint(path: path, selection: .everything)
      _ = try TensorDigest.all(of: checkpoint.catalogue, workers: Workers(threads: 1))
    case .vocabulary: _ = try ModelLoader.tokenizer(path)
    case .model: _ = try ModelLoader.load(path)
    }
  }
}

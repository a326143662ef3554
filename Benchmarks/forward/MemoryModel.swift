import WeightmillLLaMA
import WeightmillQuantization
import WeightmillTensors

/// One layer of LLaMA-13B's shape in memory, with random weights of one type.
///
/// Every matrix has the same 1,024 rows again and again: more than caches hold.
struct MemoryModel: Catalogue {
  private static let rows = 1024

  static let configuration = LlamaConfiguration(
    hiddenSize: 5120, layerCount: 1, headCount: 40, keyValueHeadCount: 40, headDimension: 128,
    feedForwardSize: 13824, vocabularyRows: 4096, contextLength: 2048, normEpsilon: 1e-6,
    ropeBase: 10000)

  let location = "memory"
  let tensors: [TensorDescriptor]
  /// Encoded rows by their length.
  private let banks: [Int: [UInt8]]
  private let gains: [UInt8]

  init(_ type: TensorType) throws {
    let configuration = Self.configuration
    // Without what a model may leave out: biases and the factors of rotary frequencies.
    tensors = TensorRole.all(in: configuration).compactMap { role in
      let extents = role.extents(in: configuration)
      guard role.isNorm || extents.count > 1 else { return nil }
      return TensorShape(extents).map { shape in
        TensorDescriptor(
          name: NamingScheme.gguf.name(of: role, in: .llama), type: role.isNorm ? .f32 : type,
          shape: shape)
      }
    }
    var state: UInt64 = 1
    func random() -> Float {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (Float(state >> 40) * 0x1p-24 - 0.5) * 0.07
    }
    var banks: [Int: [UInt8]] = [:]
    for width in [configuration.hiddenSize, configuration.feedForwardSize] {
      let encoder = try RowEncoder(type, columns: width, location: location)
      var bank: [UInt8] = []
      var row = [UInt8](
        repeating: 0, count: width / type.valuesPerBlock * type.bytesPerBlock)
      for _ in 0..<Self.rows {
        _ = encoder.encode((0..<width).map { _ in random() }, into: &row)
        bank += row
      }
      banks[width] = bank
    }
    self.banks = banks
    gains = (0..<configuration.hiddenSize).flatMap { _ in
      withUnsafeBytes(of: Float(1).bitPattern.littleEndian) { Array($0) }
    }
  }

  func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let tensor = tensors[index]
    let size = tensor.bytesPerRow
    guard tensor.shape.extents.count > 1 else {
      return bytes.copy(gains, from: 0, count: size, to: offset)
    }
    guard let bank = banks[tensor.shape.columns] else { return }
    for (number, row) in rows.enumerated() {
      bytes.copy(bank, from: row % Self.rows * size, count: size, to: offset + number * size)
    }
  }
}

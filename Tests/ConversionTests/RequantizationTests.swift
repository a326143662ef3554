import Foundation
import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport

/// GGUF files of every type are read, and written anew in another type.
struct RequantizationTests {
  private static let vectors = "\(Fixtures.package)/formats/vectors/decode_vectors.json"
  private let folder: TemporaryFolder
  private let configuration = LlamaConfiguration(
    hiddenSize: 256, layerCount: 1, headCount: 2, keyValueHeadCount: 2, headDimension: 128,
    feedForwardSize: 256, vocabularyRows: 8, contextLength: 128, normEpsilon: 1e-6,
    ropeBase: 10_000)

  init() throws { folder = try TemporaryFolder() }

  /// A model whose norms are ones and whose matrices are the blocks over and over.
  private func write(_ type: TensorType, _ blocks: [[UInt8]], to name: String) throws -> String {
    var metadata = GGUFMetadata()
    metadata["general.architecture"] = .string("llama")
    for (key, size) in [
      ("block_count", 1), ("context_length", 128), ("embedding_length", 256),
      ("feed_forward_length", 256), ("attention.head_count", 2),
    ] as [(String, UInt32)] {
      metadata["llama.\(key)"] = .uint32(size)
    }
    metadata["llama.attention.layer_norm_rms_epsilon"] = .float32(1e-6)
    let roles = TensorRole.all(in: configuration).filter(SmallModel().isStored)
    let tensors = try roles.map { role in
      TensorDescriptor(
        name: NamingScheme.gguf.name(of: role, in: .llama), type: role.isNorm ? .f32 : type,
        shape: try #require(TensorShape(role.extents(in: configuration))))
    }
    let layout = try GGUFLayout(metadata: metadata, tensors: tensors, path: name)
    var bytes = layout.header
    bytes += [UInt8](repeating: 0, count: layout.byteCount - bytes.count)
    for (tensor, position) in zip(tensors, layout.positions) {
      let pattern = tensor.type == type ? blocks : [[0, 0, 0x80, 0x3F]]
      var offset = position
      for block in 0..<tensor.byteCount / tensor.type.bytesPerBlock {
        let block = pattern[block % pattern.count]
        bytes.replaceSubrange(offset..<offset + block.count, with: block)
        offset += block.count
      }
    }
    return try folder.write(bytes, to: name)
  }

  private func quantize(_ path: String, to mix: TypeMix, as name: String) throws -> GGUFFile {
    let plan = try ConversionPlan(
      quantize: ModelLoader.load(path), to: mix, allowsRequantizing: true)
    _ = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: folder(name), overwrite: false)
    return try GGUFFile(path: folder(name))
  }

  @Test func everyTypeOfGGUFDecodesButIntegers() {
    let types = Set(TensorType.allCases.filter { $0.ggufCode != nil })
    #expect(types.subtracting(RowDecoder.types) == [.i8, .i16, .i32, .i64])
  }

  /// From the vectors' blocks to float32: what ggml decodes them to.
  @Test(arguments: TensorType.allCases.filter { !$0.isScalar && $0.ggufCode != nil && $0 != .q8_1 })
  func blocksBecomeTheirValues(type: TensorType) throws {
    let json = try #require(try Fixtures.json(Self.vectors) as? [String: Any])
    let decode = try #require(json["decode"] as? [String: [[String: String]]])
    let cases = try #require(decode.first { $0.key.uppercased() == type.name }?.value)
    let blocks = cases.map { bytes(hex: $0["in"] ?? "") }
    let values = cases.map { bytes(hex: $0["out"] ?? "") }
    let source = try write(type, blocks, to: "source.gguf")
    #expect(try GGUFFile(path: source).tensors.filter { $0.type == type }.count == 9)
    expectError(.unsupported) {
      _ = try ConversionPlan(
        quantize: ModelLoader.load(source), to: .f32, allowsRequantizing: false)
    }
    let file = try quantize(source, to: .f32, as: "f32.gguf")
    for (index, tensor) in file.tensors.enumerated() where !tensor.name.contains("norm") {
      let count = tensor.byteCount / 4 / type.valuesPerBlock
      let expected = (0..<count).flatMap { values[$0 % values.count] }
      let found = try file.bytes(rows: 0..<tensor.shape.rows, ofTensor: index)
      #expect(found == expected, "\(tensor.name)")
    }
  }

  @Test func valuesOfDoublePrecisionAreRounded() throws {
    // 1 + 2^-24 and 1 + 3 * 2^-24 are half way between binary32 numbers: the even ones are taken.
    let halves: [[UInt8]] = [
      [0, 0, 0, 0x10, 0, 0, 0xF0, 0x3F], [0, 0, 0, 0x30, 0, 0, 0xF0, 0x3F],
    ]
    let source = try write(.f64, halves, to: "source.gguf")
    let file = try quantize(source, to: .f32, as: "f32.gguf")
    let found = try file.bytes(rows: 0..<1, ofTensor: 0).prefix(8)
    #expect(found == [0, 0, 0x80, 0x3F, 2, 0, 0x80, 0x3F])
  }

  @Test func integersAreNoWeights() throws {
    let source = try write(.i8, [[1]], to: "source.gguf")
    let error = expectError(.unsupported) { _ = try quantize(source, to: .f16, as: "x.gguf") }
    #expect(error?.problem.contains("I8") == true)
    #expect(try folder.names() == ["source.gguf"])
  }

  /// A damaged scale is named, not written into blocks that cannot hold it.
  @Test(arguments: [TensorType.q4_K, .iq2_S, .tq1_0, .iq1_M])
  func scalesThatAreNoNumbersAreNamed(type: TensorType) throws {
    let block = [UInt8](repeating: 0xFF, count: type.bytesPerBlock)
    let source = try write(type, [block], to: "source.gguf")
    expectError(.malformed) { _ = try quantize(source, to: .q8_0, as: "x.gguf") }
  }
}

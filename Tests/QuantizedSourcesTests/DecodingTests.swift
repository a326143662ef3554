import Testing
import WeightmillQuantizedSources
import WeightmillTensors
import WeightmillTestSupport

/// Quantized matrices are what their definition says, whichever rows are asked for.
struct DecodingTests {
  static func gptq(_ bits: Int, _ group: Int, version: Int = 1, order: Bool = false) -> String {
    #"{"quant_method":"gptq","bits":\#(bits),"group_size":\#(group),"desc_act":\#(order),"#
      + #""checkpoint_format":"gptq\#(version == 2 ? "_v2" : "")"}"#
  }

  static let awq =
    #"{"quant_method":"awq","bits":4,"group_size":16,"version":"gemm","zero_point":true}"#

  static func packed(
    _ bits: Int = 4, strategy: String = "group", symmetric: Bool = true,
    format: String = "pack-quantized",
    type: String = "int"
  ) -> String {
    #"{"quant_method":"compressed-tensors","format":"\#(format)","config_groups":{"group_0":{"targets":["Linear"],"#
      + #""weights":{"num_bits":\#(bits),"type":"\#(type)","strategy":"\#(strategy)","group_size":\#(strategy == "group" ? "16" : "null"),"#
      + #""symmetric":\#(symmetric),"block_structure":[16,32]}}}}"#
  }

  /// Rows in pieces that do not fit panels, words or groups.
  private func pieces(_ source: QuantizedSource) throws -> [UInt8] {
    let rows = source.catalogue.tensors[0].shape.rows
    var (bytes, first) = ([UInt8](), 0)
    for height in [1, 5, 33, 2, rows] where first < rows {
      let end = min(first + height, rows)
      bytes += try source.catalogue.bytes(rows: first..<end, ofTensor: 0)
      first = end
    }
    return bytes
  }

  @Test(arguments: [2, 3, 4, 8], [1, 2]) func gptqIsItsFormula(bits: Int, version: Int) throws {
    for reordered in [false, true] {
      let plain = PlainMatrix(rows: 96, columns: 64, bits: bits, width: 16, reordered: reordered)
      // Panels of 32 rows, and one for all.
      for panelBytes in [1, 1 << 20] {
        let source = try #require(
          try QuantizedSource(
            plain.gptq(version: version),
            Self.gptq(bits, 16, version: version, order: reordered), panelBytes: panelBytes))
        #expect(source.catalogue.tensors.map(\.name) == ["a.weight"])
        #expect(source.catalogue.tensors[0].shape.extents == [96, 64])
        #expect(try source.matrix() == plain.decoded())
        #expect(try pieces(source) == plain.decoded())
      }
    }
  }

  @Test func groupsOfGPTQMayBeUnsaidOrOne() throws {
    let plain = PlainMatrix(rows: 40, columns: 96, bits: 4, width: 36)
    let source = try QuantizedSource(plain.gptq(version: 1, lists: false), Self.gptq(4, 36))
    #expect(try source?.matrix() == plain.decoded())
    let whole = PlainMatrix(rows: 40, columns: 96, bits: 4, width: 96)
    let recipe = Self.gptq(4, -1)
    #expect(try QuantizedSource(whole.gptq(version: 1), recipe)?.matrix() == whole.decoded())
    // A list that was never filled.
    var tensors = plain.gptq(version: 1)
    tensors.put("a.g_idx", .i32, [96], numbers: [Int32](repeating: 0, count: 96))
    #expect(try QuantizedSource(tensors, Self.gptq(4, 36))?.matrix() == plain.decoded())
    expectError(.malformed) { _ = try QuantizedSource(tensors, Self.gptq(4, 36, order: true)) }
  }

  @Test func threadsShareWhatIsRead() throws {
    let plain = PlainMatrix(rows: 256, columns: 64, bits: 4, width: 16)
    let source = try #require(
      try QuantizedSource(plain.gptq(version: 1), Self.gptq(4, 16), panelBytes: 1))
    let expected = plain.decoded()
    try Workers(threads: 4).forEach(64, scratch: {}) { (piece, _) throws(WeightmillError) in
      let bytes = try source.catalogue.bytes(rows: piece * 4..<piece * 4 + 4, ofTensor: 0)
      #expect(bytes == Array(expected[piece * 512..<piece * 512 + 512]))
    }
  }

  @Test func awqIsItsFormula() throws {
    let plain = PlainMatrix(rows: 80, columns: 64, bits: 4, width: 16)
    for panelBytes in [1, 1 << 20] {
      let source = try #require(
        try QuantizedSource(plain.awq(), Self.awq, panelBytes: panelBytes))
      #expect(try source.matrix() == plain.decoded())
      #expect(try pieces(source) == plain.decoded())
    }
  }

  @Test(arguments: [2, 4, 8], [true, false])
  func packedIsItsFormula(bits: Int, symmetric: Bool) throws {
    let plain = PlainMatrix(rows: 37, columns: 48, bits: bits, width: 16)
    let source = try #require(
      try QuantizedSource(
        plain.packed(withZeros: !symmetric), Self.packed(bits, symmetric: symmetric)))
    #expect(try source.matrix() == plain.decoded(withZeros: !symmetric))
    #expect(try pieces(source) == plain.decoded(withZeros: !symmetric))
  }

  @Test func packedGroupsMayBeReordered() throws {
    let plain = PlainMatrix(rows: 8, columns: 48, bits: 4, width: 16, reordered: true)
    var tensors = plain.packed(withZeros: false, lists: true)
    #expect(
      try QuantizedSource(tensors, Self.packed())?.matrix() == plain.decoded(withZeros: false))
    tensors.put("a.weight_g_idx", .i32, [48], numbers: [Int32](repeating: -1, count: 48))
    let ordered = PlainMatrix(rows: 8, columns: 48, bits: 4, width: 16)
    var filled = ordered.packed(withZeros: false)
    filled.put("a.weight_g_idx", .i32, [48], numbers: [Int32](repeating: -1, count: 48))
    #expect(
      try QuantizedSource(filled, Self.packed())?.matrix() == ordered.decoded(withZeros: false))
    tensors.put(
      "a.weight_g_idx", .i32, [48], numbers: (0..<48).map { Int32($0 < 17 ? 0 : $0 < 32 ? 1 : 2) })
    expectError(.malformed) { _ = try QuantizedSource(tensors, Self.packed()) }
  }

  @Test(arguments: ["tensor", "channel", "block"]) func bytesAreScaled(strategy: String) throws {
    let (rows, columns) = (40, 80)
    let grid = ["tensor": [1], "channel": [rows, 1], "block": [3, 3]][strategy] ?? []
    var random = SeededGenerator(seed: 9)
    let codes = (0..<rows * columns).map { _ in UInt8.random(in: 0..<0xFF, using: &random) }
      .map { $0 == 0x7F ? 0 : $0 }
    let scales = (0..<grid.reduce(1, *)).map { _ in BFloat16.bits(random.gaussian()) }
    let zeros = (0..<scales.count).map { _ in Int8.random(in: -9...9, using: &random) }
    func scale(_ row: Int, _ column: Int) -> Int {
      switch strategy {
      case "tensor": 0
      case "channel": row
      default: row / 16 * 3 + column / 32
      }
    }
    func expected(_ value: (UInt8, Int) -> Float) -> [UInt8] {
      var bytes = Bytes()
      for row in 0..<rows {
        for column in 0..<columns {
          let index = scale(row, column)
          bytes.put(
            BFloat16.bits(
              value(codes[row * columns + column], index) * BFloat16.float(scales[index])))
        }
      }
      return bytes.all
    }
    var tensors = StoredTensors()
    tensors.put("a.weight", .f8e4m3, [rows, columns], codes)
    tensors.put("a.weight_scale", .bf16, grid, numbers: scales)
    let floats = Self.packed(8, strategy: strategy, format: "float-quantized", type: "float")
    let source = try #require(try QuantizedSource(tensors, floats))
    #expect(try source.matrix() == expected { code, _ in Float8E4M3.float(code) })
    #expect(try pieces(source) == source.matrix())
    tensors.put("a.weight", .i8, [rows, columns], codes)
    tensors.put("a.weight_zero_point", .i8, grid, zeros.map { UInt8(bitPattern: $0) })
    let integers = Self.packed(8, strategy: strategy, symmetric: false, format: "int-quantized")
    #expect(
      try QuantizedSource(tensors, integers)?.matrix()
        == expected { code, index in Float(Int8(bitPattern: code)) - Float(zeros[index]) })
  }

  @Test(arguments: [TensorType.f16, .bf16, .f32])
  func fineGrainedFP8IsRoundedToTheModelsType(type: TensorType) throws {
    let (rows, columns) = (40, 80)
    var random = SeededGenerator(seed: 10)
    let codes = (0..<rows * columns).map { _ in UInt8.random(in: 0..<0xFF, using: &random) }
      .map { $0 == 0x7F ? 0 : $0 }
    let scales = (0..<9).map { _ in random.gaussian() }
    var tensors = StoredTensors()
    tensors.put("a.weight", .f8e4m3, [rows, columns], codes)
    tensors.put("a.weight_scale_inv", .f32, [3, 3], numbers: scales.map(\.bitPattern))
    tensors.put("b.weight", .bf16, [1, 2], [1, 0, 2, 0])
    let recipe =
      #"{"quant_method":"fp8","weight_block_size":[16,32],"activation_scheme":"dynamic"}"#
    let source = try #require(try QuantizedSource(tensors, recipe, type: type))
    var expected = Bytes()
    for (index, code) in codes.enumerated() {
      let value = Float8E4M3.float(code) * scales[index / columns / 16 * 3 + index % columns / 32]
      switch type {
      case .f16: expected.put(Binary16.bits(value))
      case .bf16: expected.put(BFloat16.bits(value))
      default: expected.put(value.bitPattern)
      }
    }
    #expect(try source.matrix() == expected.all)
    #expect(source.catalogue.tensors.map(\.name) == ["a.weight", "b.weight"])
    #expect(try source.matrix("b.weight") == [1, 0, 2, 0])
    // Powers of two, of eight bits; and one for the whole matrix.
    tensors.put("a.weight_scale_inv", .f8e8m0, [3, 3], [UInt8](repeating: 126, count: 9))
    let halves = codes.map { Float8E4M3.float($0) / 2 }
    let read = try QuantizedSource(tensors, recipe, type: .f32)?.matrix()
    #expect(read.map { ScalarRows.values($0, as: .f32) } == halves)
    tensors.put("a.weight_scale_inv", .f32, [], numbers: [Float(0.5).bitPattern])
    let single = try QuantizedSource(tensors, #"{"quant_method":"fp8"}"#, type: .f32)?.matrix()
    #expect(single.map { ScalarRows.values($0, as: .f32) } == halves)
  }
}

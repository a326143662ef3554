import Testing
import WeightmillQuantizedSources
import WeightmillTensors
import WeightmillTestSupport

/// Quantized sources that are damaged, hostile, or of a kind that is not read.
struct RefusalTests {
  private let gptq = DecodingTests.gptq(4, 16)
  private let packed = DecodingTests.packed()
  private let plain = PlainMatrix(rows: 32, columns: 64, bits: 4, width: 16)

  private func refused(
    _ code: WeightmillError.Code, _ word: String, _ tensors: StoredTensors, _ recipe: String?,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error = expectError(code, sourceLocation: sourceLocation) {
      let source = try QuantizedSource(tensors, recipe)
      _ = try source?.matrix()
    }
    #expect(
      error?.description.contains(word) == true, "\(error?.description ?? "")",
      sourceLocation: sourceLocation)
    #expect(error?.remedy != nil || code == .malformed, sourceLocation: sourceLocation)
  }

  @Test func recipesAreChecked() {
    let tensors = plain.gptq(version: 1)
    for (code, word, recipe) in [
      (WeightmillError.Code.unsupported, "5 bits", DecodingTests.gptq(5, 16)),
      (.malformed, "impossible", DecodingTests.gptq(4, 0)),
      (.malformed, "impossible", DecodingTests.gptq(4, -2)),
      (.malformed, "impossible", DecodingTests.gptq(4, 1 << 40)),
      (.malformed, "group_size", #"{"quant_method":"gptq","bits":4}"#),
      (.malformed, "bits", #"{"quant_method":"gptq","group_size":16}"#),
      (.malformed, "integer", #"{"quant_method":"gptq","bits":4.0,"group_size":16}"#),
      (.malformed, "text", #"{"quant_method":4}"#), (.malformed, "object", "[]"),
      (
        .unsupported, "marlin",
        #"{"quant_method":"gptq","bits":4,"group_size":16,"checkpoint_format":"marlin"}"#
      ),
      (
        .unsupported, "Marlin",
        #"{"quant_method":"gptq","bits":4,"group_size":16,"is_marlin_format":true}"#
      ),
      (
        .unsupported, "dynamic",
        #"{"quant_method":"gptq","bits":4,"group_size":16,"dynamic":{"+:.*":{"bits":8}}}"#
      ),
      (.mismatch, "qweight", DecodingTests.gptq(3, 16)),
      (.mismatch, "scales", DecodingTests.gptq(4, 32)),
      (.mismatch, "scales", DecodingTests.gptq(8, 16)),
    ] { refused(code, word, tensors, recipe) }
    let skipping = #"{"quant_method":"gptq","bits":4,"group_size":16,"dynamic":{"-:lm_head":{}}}"#
    #expect(throws: Never.self) { try QuantizedSource(tensors, skipping)?.matrix() }
  }

  @Test(arguments: ["a.qzeros", "a.scales"]) func aMissingPartIsNamed(name: String) {
    var tensors = plain.gptq(version: 1)
    tensors.remove(name)
    refused(.mismatch, name, tensors, gptq)
  }

  @Test func partsOfGPTQMustFit() {
    var tensors = plain.gptq(version: 1)
    tensors.remove("a.g_idx")
    refused(.mismatch, "g_idx", tensors, DecodingTests.gptq(4, 16, order: true))
    for (code, name, type, extents, bytes): (WeightmillError.Code, String, TensorType, [Int], Int)
      in [
        (.mismatch, "a.qzeros", .i32, [4, 3], 48), (.mismatch, "a.qzeros", .i32, [3, 4], 48),
        (.mismatch, "a.scales", .f16, [4, 31], 248), (.mismatch, "a.scales", .f16, [128], 256),
        (.unsupported, "a.scales", .i16, [4, 32], 256),
        (.unsupported, "a.qweight", .i16, [8, 32], 512),
        (.malformed, "a.qweight", .i32, [256], 1024), (.malformed, "a.qweight", .i32, [0, 32], 0),
        (.malformed, "a.qweight", .i32, [8, 1 << 40], 0),
        (.mismatch, "a.qweight", .i32, [1 << 24, 32], 0),
        (.mismatch, "a.g_idx", .i32, [63], 252), (.unsupported, "a.g_idx", .i64, [64], 512),
      ]
    {
      var tensors = plain.gptq(version: 1)
      tensors.put(name, type, extents, [UInt8](repeating: 1, count: bytes))
      refused(code, name, tensors, gptq)
    }
  }

  @Test(arguments: [4, -1, Int32.max, Int32.min]) func groupsMustExist(group: Int32) {
    var tensors = plain.gptq(version: 1)
    tensors.put("a.g_idx", .i32, [64], numbers: (0..<64).map { $0 == 9 ? group : $0 / 16 })
    refused(.malformed, "column 9", tensors, gptq)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity]) func scalesMustBeNumbers(scale: Float) {
    var bits = plain.scaleBits(transposed: true)
    bits[70] = Binary16.bits(scale)
    var tensors = plain.gptq(version: 1)
    tensors.put("a.scales", .f16, [4, 32], numbers: bits)
    refused(.malformed, "a.scales", tensors, gptq)
    var rows = plain.packed(withZeros: false)
    rows.put("a.weight_scale", .f16, [32, 4], numbers: bits)
    refused(.malformed, "row 17", rows, packed)
  }

  @Test func aMatrixMayNotBeThereTwice() {
    var tensors = plain.gptq(version: 1)
    tensors.put("a.weight", .f16, [1, 1], [0, 0])
    refused(.malformed, "twice", tensors, gptq)
  }

  @Test func awqMustBeGemms() {
    let tensors = plain.awq()
    for (code, word, recipe) in [
      (
        WeightmillError.Code.unsupported, "gemv",
        #"{"quant_method":"awq","bits":4,"group_size":16,"version":"gemv"}"#
      ),
      (
        .unsupported, "3 bits", #"{"quant_method":"awq","bits":3,"group_size":16,"version":"gemm"}"#
      ),
      (
        .unsupported, "zero points",
        #"{"quant_method":"awq","bits":4,"group_size":16,"zero_point":false}"#
      ),
      (.mismatch, "scales", #"{"quant_method":"awq","bits":4,"group_size":32}"#),
    ] { refused(code, word, tensors, recipe) }
    // What is AWQ's is no GPTQ's, and the other way round.
    refused(.mismatch, "scales", tensors, gptq)
    refused(.mismatch, "scales", plain.gptq(version: 1), DecodingTests.awq)
  }

  @Test func packedPartsMustFit() {
    for (code, name, type, extents, bytes):
      (WeightmillError.Code, String, TensorType, [Int], [UInt8]) in [
        (.mismatch, "a.weight_packed", .i32, [32, 7], [UInt8](repeating: 0, count: 896)),
        (.mismatch, "a.weight_scale", .f16, [32, 3], [UInt8](repeating: 0, count: 192)),
        (.mismatch, "a.weight_shape", .i64, [1], [UInt8](repeating: 0, count: 8)),
        (.mismatch, "a.weight_shape", .i32, [2], [UInt8](repeating: 255, count: 8)),
        (
          .mismatch, "a.weight_shape", .i64, [2],
          [32, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 1]
        ),
        (.unsupported, "a.weight_scale", .i16, [32, 4], [UInt8](repeating: 0, count: 256)),
      ]
    {
      var tensors = plain.packed(withZeros: false)
      tensors.put(name, type, extents, bytes)
      refused(code, name == "a.weight_packed" ? "a.weight_shape" : name, tensors, packed)
    }
    let asymmetric = DecodingTests.packed(symmetric: false)
    refused(.mismatch, "weight_zero_point", plain.packed(withZeros: false), asymmetric)
    var tensors = plain.packed(withZeros: true)
    tensors.put("a.weight_zero_point", .i32, [3, 4], [UInt8](repeating: 0, count: 48))
    refused(.mismatch, "weight_zero_point", tensors, asymmetric)
    tensors = plain.packed(withZeros: false)
    tensors.remove("a.weight_scale")
    refused(.mismatch, "a.weight_scale", tensors, packed)
  }

  @Test func otherFormsOfCompressedTensorsAreNamed() {
    let tensors = plain.packed(withZeros: false)
    func groups(_ rest: String) -> String {
      #"{"quant_method":"compressed-tensors","format":"pack-quantized",\#(rest)}"#
    }
    let weights = #"{"weights":{"num_bits":4,"group_size":16}}"#
    for (code, word, recipe) in [
      (
        WeightmillError.Code.unsupported, "nvfp4",
        DecodingTests.packed(format: "nvfp4-pack-quantized", type: "float")
      ),
      (.unsupported, "3 bits", DecodingTests.packed(3)),
      (.unsupported, "marlin-24", DecodingTests.packed(format: "marlin-24")),
      (.unsupported, "tensor_group", DecodingTests.packed(strategy: "tensor_group")),
      (
        .unsupported, "another way",
        groups(#""config_groups":{"a":\#(weights),"b":{"weights":{"num_bits":8}}}"#)
      ),
      (
        .unsupported, "sparse",
        groups(
          #""config_groups":{"a":\#(weights)},"sparsity_config":{"format":"sparse-24-bitmask"}"#)
      ),
      (
        .unsupported, "rotated",
        groups(#""config_groups":{"a":\#(weights)},"transform_config":{"config_groups":{}}"#)
      ),
      (
        .malformed, "config_groups",
        #"{"quant_method":"compressed-tensors","format":"pack-quantized"}"#
      ),
      (.malformed, "no group", groups(#""config_groups":{}"#)),
      (.malformed, "object", groups(#""config_groups":[]"#)),
    ] { refused(code, word, tensors, recipe) }
  }

  @Test func blocksOfFP8MustFit() {
    var tensors = StoredTensors()
    tensors.put("a.weight", .f8e4m3, [40, 80], [UInt8](repeating: 0, count: 3200))
    tensors.put("a.weight_scale_inv", .f32, [3, 3], [UInt8](repeating: 0, count: 36))
    for (code, word, recipe) in [
      (
        WeightmillError.Code.mismatch, "[3, 3]",
        #"{"quant_method":"fp8","weight_block_size":[128,128]}"#
      ),
      (.malformed, "weight_block_size", #"{"quant_method":"fp8","weight_block_size":[0,128]}"#),
      (.malformed, "weight_block_size", #"{"quant_method":"fp8","weight_block_size":[16]}"#),
      (.mismatch, "blocks", #"{"quant_method":"fp8"}"#),
      (.unsupported, "four bits", #"{"quant_method":"fp8","expert_dtype":"fp4"}"#),
    ] { refused(code, word, tensors, recipe) }
    let recipe = #"{"quant_method":"fp8","weight_block_size":[16,32]}"#
    tensors.put("b.weight_scale_inv", .f32, [], [0, 0, 0, 0])
    refused(.mismatch, "b.weight", tensors, recipe)
    tensors.remove("b.weight_scale_inv")
    tensors.put("a.weight_scale", .f32, [], [0, 0, 0, 0])
    refused(.malformed, "two kinds", tensors, recipe)
    tensors.remove("a.weight_scale")
    tensors.put("a.weight", .i8, [40, 80], [UInt8](repeating: 0, count: 3200))
    refused(.unsupported, "a.weight", tensors, recipe)
  }

  @Test(
    arguments: [
      "bitsandbytes", "eetq", "hqq", "quanto", "torchao", "higgs", "vptq", "spqr", "fbgemm_fp8",
      "bitnet", "quark", "modelopt", "fp_quant", "aqlm", "quip", "exl2", "mxfp4", "nvfp4",
      "auto-round", "marlin", "something new",
    ])
  func otherMethodsAreNamed(method: String) {
    var tensors = StoredTensors()
    tensors.put("a.weight", .u8, [4, 1], [1, 2, 3, 4])
    tensors.put("a.weight_scale", .f32, [], [0, 0, 0, 0])
    refused(.unsupported, method, tensors, #"{"quant_method":"\#(method)"}"#)
    refused(.unsupported, "quantized", tensors, #"{"quant_method":"\#(method)"}"#)
  }

  /// Recipes of old, and codes whose names tell nothing.
  @Test func methodsMayBeUnnamed() {
    var tensors = StoredTensors()
    tensors.put("a.weight", .i8, [4, 1], [1, 2, 3, 4])
    refused(.unsupported, "bitsandbytes", tensors, #"{"load_in_8bit":true}"#)
    refused(.unsupported, "quanto", tensors, #"{"quant_method":"QUANTO"}"#)
    refused(
      .unsupported, "nvfp4", tensors,
      #"{"format":"nvfp4-pack-quantized","config_groups":{"a":{"weights":{}}}}"#)
    var packed = plain.gptq(version: 1)
    #expect(throws: Never.self) {
      try QuantizedSource(packed, #"{"bits":4,"group_size":16}"#)?.matrix()
    }
    packed = plain.awq()
    #expect(throws: Never.self) {
      try QuantizedSource(packed, #"{"w_bit":4,"q_group_size":16}"#)?.matrix()
    }
  }

  @Test(arguments: [
    ("a.weight.quant_state.bitsandbytes__nf4", "bitsandbytes"), ("a.weight.absmax", "bitsandbytes"),
    ("a.SCB", "8 bits"), ("a.qweight", "quantize_config.json"), ("a.weight_packed", "config.json"),
    ("a.weight_scale_inv", "config.json"), ("a.qscale_weight", "Mistral"),
  ])
  func whatNoFileSpeaksOfIsNamed(name: String, word: String) {
    var tensors = StoredTensors()
    tensors.put("a.weight", .u8, [4, 1], [1, 2, 3, 4])
    tensors.put(name, .u8, [4], [1, 2, 3, 4])
    refused(.unsupported, word, tensors, nil)
  }

  @Test func codesOfAnotherFormatAreNotLeftOver() {
    var tensors = plain.gptq(version: 1)
    tensors.put("b.weight_packed", .i32, [1, 1], [0, 0, 0, 0])
    refused(.mismatch, "b.weight_packed", tensors, gptq)
  }
}

/// What is said of quantized sources.
struct QuantizedNotesTests {
  @Test func aModelSaysHowItWasStored() throws {
    let plain = PlainMatrix(rows: 32, columns: 64, bits: 4, width: 16)
    var tensors = plain.gptq(version: 1)
    tensors.put("layer.k_scale", .f32, [], [0, 0, 0, 0])
    tensors.put("a.bias", .f16, [32], [UInt8](repeating: 0, count: 64))
    let recipe = DecodingTests.gptq(4, 16)
    let kept = try #require(try QuantizedSource(tensors, recipe))
    #expect(kept.summary == "GPTQ, 4 bits, groups of 16")
    #expect(kept.catalogue.tensors.map(\.name) == ["a.weight", "a.bias"])
    #expect(kept.notes.count == 2 && kept.notes[0].contains("decoded to F16"))
    #expect(kept.notes[1].contains("layer.k_scale"))
    let without = try #require(try QuantizedSource(tensors, recipe) { _ in false })
    #expect(without.catalogue.tensors.map(\.name) == ["a.weight"])
    #expect(without.notes.last?.contains("a.bias") == true)
    // One that is not all zeros is the model's business.
    tensors.put("a.bias", .f16, [32], [UInt8](repeating: 1, count: 64))
    let other = try QuantizedSource(tensors, recipe) { _ in false }
    #expect(other?.catalogue.tensors.map(\.name) == ["a.weight", "a.bias"])
  }

  @Test func aRecipeWithoutCodesIsNoted() throws {
    var tensors = StoredTensors()
    tensors.put("a.weight", .f16, [1, 2], [1, 2, 3, 4])
    let source = try #require(
      try QuantizedSource(tensors, #"{"quant_method":"bitsandbytes","load_in_4bit":true}"#))
    #expect(source.summary == nil && source.notes.count == 1)
    #expect(try source.matrix() == [1, 2, 3, 4])
    let nothing = try QuantizedSource(tensors, nil)
    #expect(nothing == nil)
  }
}

import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport
import WeightmillVerification

/// What is wrong with a file's values is found, and nothing besides.
struct DamagedValueTests {
  private let files: CheckedFiles
  private let down = "blk.2.ffn_down.weight"

  init() throws { files = try CheckedFiles() }

  /// A hole of 4 KiB, as an interrupted download leaves it.
  @Test(arguments: [TypeMix.q8_0, .q4_K_M, .q2_K, .f16, .iq4_NL, .tq2_0])
  func holesInTheFileAreFound(mix: TypeMix) throws {
    let found = try files.findings(mix) { file in
      let count = min(4096, file[down].count / 4)
      file[down].replaceSubrange(1000..<1000 + count, with: [UInt8](repeating: 0, count: count))
    }
    found.only("zeroed-blocks", .warning, containing: "\(down) has blocks that are all zeros")
    #expect(found.contains { $0.tensor == down })
    #expect(found.allSatisfy { $0.tensor == down })
  }

  @Test func aTensorOfZerosIsAnErrorWithOrWithoutReference() throws {
    for hasReference in [true, false] {
      let found = try files.findings(.q4_0, hasReference: hasReference) { file in
        file[down] = [UInt8](repeating: 0, count: file[down].count)
      }
      found.only("zeroed-blocks", .error, containing: "is all zeros")
      #expect(found.count == 1)
    }
  }

  @Test func withoutReferenceManyZeroBlocksAreAWarning() throws {
    let found = try files.findings(.q4_0, hasReference: false) { file in
      let count = file[down].count / 30 / 18 * 18
      file[down].replaceSubrange(0..<count, with: [UInt8](repeating: 0, count: count))
    }
    found.only("zeroed-blocks", .warning, containing: "blocks that are all zeros")
    #expect(found.count == 1)
  }

  /// One of the sixteen scales of each Q6_K block is made zero.
  @Test func partsThatBecameZeroAreFound() throws {
    let found = try files.findings(.q6_K) { file in
      var bytes = file[down]
      for block in stride(from: 0, to: bytes.count, by: 210) { bytes[block + 192 + 3] = 0 }
      file[down] = bytes
    }
    found.only("zeroed-parts", .warning, containing: " parts")
    #expect(found.allSatisfy { $0.severity != .error })
  }

  /// One value of each block, a little more than eight times what the others are.
  @Test(arguments: [TypeMix.q4_0, .q4_1])
  func plantedOutliersAreFound(mix: TypeMix) throws {
    var small = SmallModel(type: .f32)
    small.change = { name, values in
      if name.contains("layers.0.mlp.up_proj") { values.plantOutliers(inEach: 32, ratio: 8.1) }
    }
    let found = try files.findings(ModelLoader.load(small.write(to: files.folder, "small")), mix)
    found.only("outliers", .warning, containing: "blk.0.ffn_up.weight lost values")
  }

  @Test(arguments: [0x7E00, 0x7C00, 0xFC00] as [UInt16])
  func scalesThatAreNoNumbersAreErrors(bits: UInt16) throws {
    for hasReference in [true, false] {
      let found = try files.findings(.q8_0, hasReference: hasReference) { file in
        file[down].replaceSubrange(34..<36, with: [UInt8(bits & 255), UInt8(bits >> 8)])
      }
      found.only("non-finite", .error, containing: "32 of 196,608;")
      #expect(found.count == 1)
    }
  }

  @Test func infinitiesOfF16AreErrors() throws {
    let found = try files.findings(.f16) { file in
      file[down].replaceSubrange(20..<22, with: [0, 0x7C])
    }
    found.only("non-finite", .error, containing: "\(down) holds values that are infinite")
    #expect(found.count == 1)
  }

  @Test func aDamagedReferenceIsNamedToo() throws {
    var small = SmallModel()
    small.change = { name, values in
      if name.contains("down_proj") { values[7] = .infinity }
    }
    let model = try ModelLoader.load(small.write(to: files.folder, "small"))
    let found = try files.findings(model, .f16)
    found.only("non-finite", .error, containing: "1 of 4,096, the reference 1")
  }

  /// Each scale is 30 % too small, so that large values are cut off.
  @Test(arguments: [TypeMix.q8_0, .q5_0, .q4_0])
  func saturatedValuesAreFound(mix: TypeMix) throws {
    let found = try files.findings(mix) { file in
      var bytes = file[down]
      for block in stride(from: 0, to: bytes.count, by: mix.baseType.bytesPerBlock) {
        let bits = UInt16(bytes[block]) | UInt16(bytes[block + 1]) << 8
        let scaled = Binary16.bits(Binary16.float(bits) * 0.7)
        bytes[block] = UInt8(scaled & 255)
        bytes[block + 1] = UInt8(scaled >> 8)
      }
      file[down] = bytes
    }
    found.only("saturated-values", .warning, containing: "cannot reach values of the reference")
    found.only("tensor-error", .error, containing: mix == .q4_0 ? "times 0.695" : "times 0.7")
  }

  @Test func valuesCutOffAtTheEndOfF16AreFound() throws {
    var small = SmallModel(type: .f32)
    small.change = { name, values in
      if name.contains("down_proj") { values[7] = 100_000 }
    }
    let model = try ModelLoader.load(small.write(to: files.folder, "small"))
    // Weightmill writes an infinity; other programs write the largest number.
    let found = try files.findings(model, .f16) { file in
      file["blk.0.ffn_down.weight"].replaceSubrange(14..<16, with: [0xFF, 0x7B])
    }
    found.only("saturated-values", .warning, containing: "1 of 4,096 values")
  }

  /// One value of 7 * 10^4 makes the scale of a Q6_K block infinite in other quantizers: the whole
  /// block is written as zeros.
  @Test func oneLostBlockIsEnough() throws {
    let found = try files.findings(.q6_K) { file in
      file[down].replaceSubrange(420..<630, with: [UInt8](repeating: 0, count: 210))
    }
    found.only("zeroed-blocks", .warning, containing: "1 of ")
  }

  @Test func damagedRowsAreCounted() throws {
    let name = "blk.1.attn_v.weight"
    let found = try files.findings(.q8_0) { file in
      let size = file.rows(name)[0].count
      for row in 40..<43 {
        file[name].replaceSubrange(
          row * size..<(row + 1) * size, with: file.rows(name)[row + 100])
      }
    }
    found.only("tensor-error", .warning, containing: "3 of 256 rows from row 40 on")
    #expect(found.count == 1)
  }
}

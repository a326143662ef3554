import Foundation
import Testing
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport

/// The drawings of blocks are right: who decodes by them gets what `RowDecoder` gives, to the bit.
struct BlockDrawingTests {
  /// The numbers of a block.
  private struct Numbers {
    let all: [String: [Int: Int]]

    func callAsFunction(_ name: String, _ index: Int = 0) throws -> Int {
      try #require(all[name]?[index], "\(name)[\(index)] is not drawn")
    }

    func binary16(_ name: String) throws -> Float {
      Binary16.float(UInt16(truncatingIfNeeded: try self(name)))
    }
  }

  /// What the four-bit indices of IQ4_NL stand for (formats/quantization.md, 2.21).
  private static let uneven: [Float] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
  ]
  /// Twice the E2M1 numbers (2.25).
  private static let doubled: [Float] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12]

  /// The points of a type's codebook, from formats/vectors/grids.txt.
  private static func codebook(_ type: TensorType) throws -> [[Float]] {
    let name = type == .iq1_M ? "IQ1_S" : type.name
    let lines = try String(
      contentsOfFile: "\(Fixtures.package)/formats/vectors/grids.txt", encoding: .utf8
    ).split(separator: "\n")
    let heading = try #require(lines.firstIndex { $0.hasPrefix("# \(name) entries=") })
    let match = try #require(
      lines[heading].firstMatch(of: /width=(\d+) values=\[([^\]]+)\] bits\/level=(\d+)/))
    let (width, bits) = try (#require(Int(match.1)), #require(Int(match.3)))
    let levels = match.2.components(separatedBy: ", ").compactMap { Float($0) }
    return try lines[(heading + 1)...].prefix { !$0.hasPrefix("#") }
      .flatMap { $0.split(separator: " ") }.map { text in
        let point = try #require(Int(text, radix: 16))
        return (0..<width).map { levels[point >> (bits * $0) & (1 << bits - 1)] }
      }
  }

  /// Value `j` of a block, by the formula in the comment of its type.
  private func value(
    _ j: Int, _ type: TensorType, _ n: Numbers, _ codebook: [[Float]]
  ) throws -> Float {
    switch type {
    case .q1_0: try n("q", j) == 1 ? n.binary16("d") : -n.binary16("d")
    case .q2_0, .tq1_0, .tq2_0: try Float(n("q", j) - 1) * n.binary16("d")
    case .q4_0: try Float(n("q", j) - 8) * n.binary16("d")
    case .q5_0: try Float(n("q", j) - 16) * n.binary16("d")
    case .q4_1, .q5_1: try Float(n("q", j)) * n.binary16("d") + n.binary16("m")
    case .q8_0, .q8_1: try Float(n("q", j)) * n.binary16("d")
    case .q8_K: try Float(bitPattern: UInt32(n("d"))) * Float(n("q", j))
    case .q2_K, .q4_K, .q5_K: try affine(j, sub: j / (type == .q2_K ? 16 : 32), n)
    case .q3_K: try n.binary16("d") * Float(n("scale", j / 16) - 32) * Float(n("q", j) - 4)
    case .q6_K: try n.binary16("d") * Float(n("scale", j / 16)) * Float(n("q", j) - 32)
    case .iq4_NL: try n.binary16("d") * Self.uneven[n("index", j)]
    case .iq4_XS:
      try n.binary16("d") * Float(n("scale", j / 32) - 32) * Self.uneven[n("index", j)]
    case .mxfp4:
      try Self.doubled[n("index", j)] * Float(sign: .plus, exponent: n("e") - 128, significand: 1)
    case .nvfp4: try Self.doubled[n("index", j)] * halved(n("scale", j / 16))
    default: try point(j, type, n, codebook)
    }
  }

  private func affine(_ j: Int, sub: Int, _ n: Numbers) throws -> Float {
    let step = try n.binary16("d") * Float(n("scale", sub))
    return try step * Float(n("q", j)) - n.binary16("dmin") * Float(n("min", sub))
  }

  /// Half of NVFP4's scale (2.26).
  private func halved(_ scale: Int) -> Float {
    let (exponent, fraction) = (scale >> 3 & 15, scale & 7)
    guard scale != 0x7F else { return 0 }
    return exponent == 0
      ? Float(fraction) * 0x1p-10
      : Float(8 + fraction) * Float(sign: .plus, exponent: exponent - 11, significand: 1)
  }

  /// A value of a type with a codebook.
  private func point(
    _ j: Int, _ type: TensorType, _ n: Numbers, _ codebook: [[Float]]
  ) throws -> Float {
    let width = codebook[0].count
    let number = codebook[try n("index", j / width)][j % width]
    let perScale = [TensorType.iq2_XS, .iq2_S, .iq1_M].contains(type) ? 16 : 32
    let (d, scale) = try (n.binary16("d"), Float(n("scale", j / perScale)))
    switch type {
    case .iq1_S, .iq1_M:
      let delta: Float = try n("sign", j / (type == .iq1_S ? 32 : 8)) == 1 ? -0.125 : 0.125
      return d * (2 * scale + 1) * (number + delta)
    case .iq2_XXS, .iq2_XS, .iq3_XXS:
      let signs = try n("signs", j / 8)
      let bit = j % 8 == 7 ? signs.nonzeroBitCount % 2 : signs >> (j % 8) & 1
      let value = d * (0.5 + scale) * (type == .iq3_XXS ? 0.5 : 0.25) * number
      return bit == 1 ? -value : value
    case .iq2_S, .iq3_S:
      let step = type == .iq3_S ? d * (1 + 2 * scale) : d * (0.5 + scale) * 0.25
      return try n("sign", j) == 1 ? -(step * number) : step * number
    default:
      Issue.record("\(type.name) has no formula here")
      return .nan
    }
  }

  /// How many values of random blocks are other ones by a drawing than by the decoder.
  private func differences(_ drawing: BlockDrawing, _ type: TensorType) throws -> Int {
    let codebook = type.name.contains(#/^IQ[123]/#) ? try Self.codebook(type) : []
    let decoder = try RowDecoder(type, location: "test")
    var random = SeededGenerator(seed: 12)
    var count = 0
    for _ in 0..<12 {
      let block = (0..<type.bytesPerBlock).map { _ in UInt8.random(in: 0...255, using: &random) }
      var decoded = [Float](repeating: 0, count: type.valuesPerBlock)
      decoder.decode(block, into: &decoded)
      let numbers = Numbers(all: try drawing.numbers(in: block))
      for (j, value) in decoded.enumerated() {
        let drawn = try self.value(j, type, numbers, codebook)
        if drawn.bitPattern != value.bitPattern, !(drawn.isNaN && value.isNaN) { count += 1 }
      }
    }
    return count
  }

  @Test(arguments: RowDecoder.types.filter { !$0.isScalar })
  func blocksLieAsTheyAreDrawn(type: TensorType) throws {
    let drawing = try BlockDrawing(file: "Blocks/\(type.name).swift")
    #expect(drawing.byteCount == type.bytesPerBlock)
    #expect(try differences(drawing, type) == 0)
  }

  @Test func theDrawingThatIsExplainedIsThatOfQ5_0() throws {
    let explained = try BlockDrawing(file: "Formats/BlockFormat.swift")
    #expect(try differences(explained, .q5_0) == 0)
  }

  @Test func aWrongDrawingIsSeen() throws {
    let lines = [
      "18 bytes, j < 16",
      "     15--------------+",
      "0    |       d       |  binary16",
      "     7-------3-------+",
      "2+j  |  q[j] |q[j+16]|",
      "     +---------------+",
    ]
    #expect(try differences(BlockDrawing(lines), .q4_0) > 0)
    var right = lines
    right[4] = "2+j  |q[j+16]|  q[j] |"
    #expect(try differences(BlockDrawing(right), .q4_0) == 0)
  }
}

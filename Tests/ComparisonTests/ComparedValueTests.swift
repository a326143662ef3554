import Synchronization
import Testing
import WeightmillComparison
import WeightmillTensors
import WeightmillTestSupport

/// A number that only grows, from any thread.
final class Counter: Sendable {
  private let number = Mutex(0)

  var value: Int { number.withLock { $0 } }

  func raise(to value: Int) { number.withLock { $0 = max($0, value) } }
}

/// Comparisons of tensors in memory, value by value.
struct ComparedValueTests {
  /// Tensors in memory.
  private struct Memory: Catalogue {
    let location = "memory"
    let tensors: [TensorDescriptor]
    let data: [[UInt8]]

    init(_ tensors: [(name: String, type: TensorType, shape: [Int], data: [UInt8])]) throws {
      self.tensors = try tensors.map {
        TensorDescriptor(name: $0.name, type: $0.type, shape: try #require(TensorShape($0.shape)))
      }
      data = tensors.map(\.data)
    }

    func read(
      rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
    ) throws(WeightmillError) {
      let size = tensors[index].bytesPerRow
      bytes.copy(data[index], from: rows.lowerBound * size, count: rows.count * size, to: offset)
    }
  }

  private func bytes<Number: FixedWidthInteger>(_ numbers: [Number]) -> [UInt8] {
    numbers.flatMap { number in
      (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
  }

  private func compare(_ a: Memory, _ b: Memory) throws -> CheckpointDifference {
    try CheckpointComparison(ComparedCheckpoints(a, b)).run(workers: Workers(threads: 2))
  }

  private func compare(
    _ a: [UInt8], _ first: TensorType, _ b: [UInt8], _ second: TensorType, shape: [Int]
  ) throws -> TensorDifference {
    let (a, b) = (try Memory([("x", first, shape, a)]), try Memory([("x", second, shape, b)]))
    return try #require(compare(a, b).tensors.first)
  }

  private func compare(_ a: [Float], _ b: [Float]) throws -> TensorDifference {
    try compare(
      bytes(a.map(\.bitPattern)), .f32, bytes(b.map(\.bitPattern)), .f32, shape: [1, a.count])
  }

  @Test func figuresAreThoseOfTheDefinition() throws {
    let figures = try #require(try compare([3, 0, -4, 1], [3, 1, -4, 3]).figures)
    #expect(figures.values == 4 && figures.differing == 2)
    #expect(figures.maximum == 2)
    #expect(figures.rms == (5.0 / 4).squareRoot())
    #expect(figures.relativeRMS == (5.0 / 26).squareRoot())
    let cosine = (9.0 + 16 + 3) / (26.0 * 35).squareRoot()
    #expect(abs((figures.cosine ?? 0) - cosine) < 1e-15)
  }

  @Test func zerosHaveNoDirection() throws {
    let same = try compare([0, 0], [0, -0.0])
    #expect(same.verdict == .sameValues)
    #expect(same.figures?.relativeRMS == 0 && same.figures?.cosine == nil)
    let figures = try #require(try compare([0, 0], [1, 0]).figures)
    #expect(figures.relativeRMS == .infinity && figures.cosine == nil)
  }

  /// Which limits values keep that are not finite.
  struct Special: Sendable {
    let a: Float
    let b: Float
    let isSame: Bool
  }

  @Test(arguments: [
    Special(a: .nan, b: .nan, isSame: true), Special(a: .infinity, b: .infinity, isSame: true),
    Special(a: .nan, b: Float(bitPattern: 0x7FC0_0001), isSame: false),
    Special(a: .nan, b: -.nan, isSame: false), Special(a: .nan, b: 1, isSame: false),
    Special(a: 1, b: .nan, isSame: false), Special(a: .infinity, b: -.infinity, isSame: false),
    Special(a: .infinity, b: 3e38, isSame: false), Special(a: .nan, b: .infinity, isSame: false),
  ])
  func whatIsNoNumberKeepsNoLimit(pair: Special) throws {
    let tensor = try compare([1, pair.a, 2], [1, pair.b, 2])
    #expect(tensor.isSame == pair.isSame)
    #expect(tensor.a?.nonFinite == (pair.a.isFinite ? 0 : 1))
    #expect(tensor.b?.nonFinite == (pair.b.isFinite ? 0 : 1))
    let figures = try #require(tensor.figures)
    #expect(figures.unmatched == (pair.isSame ? 0 : 1))
    #expect(figures.differing == figures.unmatched)
    // Figures of size are of the other pairs.
    #expect(figures.maximum == 0 && figures.rms == 0)
    for limits in [
      DifferenceLimits(), DifferenceLimits(maximum: .greatestFiniteMagnitude),
      DifferenceLimits(relativeRMS: .greatestFiniteMagnitude), DifferenceLimits(maximum: .infinity),
    ] {
      #expect(limits.admit(tensor) == pair.isSame)
    }
  }

  @Test func limitsAreKeptUpToTheirValue() throws {
    let tensor = try compare([4, 0], [4.5, 0])
    #expect(!DifferenceLimits().admit(tensor))
    #expect(!DifferenceLimits(maximum: 0).admit(tensor))
    #expect(DifferenceLimits(maximum: 0.5).admit(tensor))
    #expect(!DifferenceLimits(maximum: 0.49).admit(tensor))
    #expect(DifferenceLimits(relativeRMS: 0.125).admit(tensor))
    #expect(!DifferenceLimits(relativeRMS: 0.124).admit(tensor))
    #expect(!DifferenceLimits(maximum: 0.49, relativeRMS: 1).admit(tensor))
    #expect(!DifferenceLimits(maximum: 1, relativeRMS: 0.1).admit(tensor))
  }

  @Test func whatBinary32WouldHideDiffers() throws {
    let (a, b) = (1.0, 1.0 + 1e-12)
    let tensor = try compare(
      bytes([a.bitPattern]), .f64, bytes([b.bitPattern]), .f64, shape: [1])
    #expect(tensor.verdict == .different && tensor.figures?.maximum == b - a)
    let wide = try compare(
      bytes([a.bitPattern]), .f64, bytes([Float(1).bitPattern]), .f32, shape: [1])
    #expect(wide.verdict == .sameValues)
    // A difference that is too large for binary64 is no small one.
    let huge = try compare(
      bytes([1e308.bitPattern]), .f64, bytes([(-1e308).bitPattern]), .f64, shape: [1])
    #expect(huge.figures?.maximum == .infinity)
    #expect(!DifferenceLimits(maximum: .greatestFiniteMagnitude).admit(huge))
    #expect(!DifferenceLimits(relativeRMS: .greatestFiniteMagnitude).admit(huge))
  }

  @Test func typesThatMeanNoWeightsAreComparedByBytes() throws {
    let same = try compare([1, 2, 3], .u8, [1, 2, 3], .u8, shape: [3])
    #expect(same.verdict == .sameBytes && same.figures == nil)
    let other = try compare([1, 2, 3], .u8, [1, 2, 4], .u8, shape: [3])
    #expect(other.verdict == .different && other.figures == nil)
    #expect(!DifferenceLimits(maximum: 100).admit(other))
    let types = try compare([1, 2, 3], .u8, [1, 2, 3], .i8, shape: [3])
    #expect(types.verdict == .otherType)
    #expect(!DifferenceLimits(maximum: 100).admit(types))
  }

  @Test func whatOneSideLacksIsListed() throws {
    let a = try Memory([
      ("x", .u8, [1], [1]), ("é", .u8, [1], [1]), ("shape", .u8, [1, 2], [1, 1]),
    ])
    let b = try Memory([
      ("y", .u8, [1], [1]), ("x", .u8, [1], [1]), ("e\u{301}", .u8, [1], [1]),
      ("shape", .u8, [2], [1, 1]),
    ])
    let difference = try compare(a, b)
    #expect(
      difference.tensors.map(\.verdict)
        == [.sameBytes, .onlyInA, .otherShape, .onlyInB, .onlyInB])
    #expect(Array(difference.tensors[4].name.utf8) == Array("e\u{301}".utf8))
    #expect(difference.beyond(DifferenceLimits(maximum: 1)).count == 4)
  }

  @Test(arguments: [[0], [0, 5], [5, 0], [1 << 40, 0], [0, 1 << 40], []])
  func shapesWithoutValues(shape: [Int]) throws {
    let data: [UInt8] = shape.isEmpty ? [0, 0, 0, 0] : []
    let tensor = try compare(data, .f32, data, .f32, shape: shape)
    #expect(tensor.verdict == .sameBytes)
  }

  /// A tensor of many tiles: the worst value is found wherever it is, the first of equal ones.
  @Test(arguments: [0, 1, 262_143, 262_144, 399_999])
  func theWorstValueIsFound(index: Int) throws {
    let a = [Float](repeating: 1, count: 400_000)
    var b = a
    b[index] = 3
    b[max(index, 350_000)] = 3
    let tensor = try compare(
      bytes(a.map(\.bitPattern)), .f32, bytes(b.map(\.bitPattern)), .f32, shape: [1000, 400])
    #expect(tensor.worst?.row == index / 400 && tensor.worst?.column == index % 400)
    #expect(tensor.worst?.a == 1 && tensor.worst?.b == 3)
    #expect(tensor.figures?.differing == (index >= 350_000 ? 1 : 2))
    #expect(tensor.figures?.values == 400_000)
  }

  @Test func twoTensorsOfOneNameAreRefused() throws {
    let twice = try Memory([("x", .u8, [1], [1]), ("x", .u8, [1], [1])])
    let once = try Memory([("x", .u8, [1], [1])])
    expectError(.malformed) { _ = try compare(twice, once) }
    expectError(.malformed) { _ = try compare(once, twice) }
  }
}

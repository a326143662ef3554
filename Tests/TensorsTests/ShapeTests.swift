import Testing
import WeightmillTensors

/// Shapes from files are checked before anything is computed from them.
struct ShapeTests {
  @Test(arguments: [
    [-1], [Int.max], [1 << 31, 1 << 31], [4_194_305, 4_194_305, 211_106_198_978_564],
  ])
  func impossibleExtentsAreRefused(extents: [Int]) {
    #expect(TensorShape(extents) == nil)
  }

  @Test(arguments: [
    ([Int](), 1, 1), ([7], 1, 7), ([3, 4], 3, 4), ([2, 3, 4], 6, 4), ([0, 4], 0, 4),
    ([4, 0], 4, 0),
  ])
  func aRowIsTheLastExtent(extents: [Int], rows: Int, columns: Int) throws {
    let shape = try #require(TensorShape(extents))
    #expect(shape.rows == rows)
    #expect(shape.columns == columns)
  }

  @Test(arguments: [([0, 4], true), ([4, 0], true), ([0], true), ([2, 0, 3], true), ([], false)])
  func aTensorWithoutValuesIsEmpty(extents: [Int], isEmpty: Bool) throws {
    #expect(try #require(TensorShape(extents)).isEmpty == isEmpty)
  }

  @Test func namesThatDifferInNormalizationAreTwoNames() {
    #expect(TensorName("\u{E9}") != TensorName("e\u{301}"))
    #expect(Set([TensorName("\u{E9}"), TensorName("e\u{301}")]).count == 2)
  }

  @Test func messagesEscapeWhatDrivesATerminal() {
    let error = WeightmillError(
      .malformed, "a\u{1B}[31m", "holds \(quoted("x\ny\u{202E}"))", at: "byte 3", remedy: "look")
    #expect(error.description == "a\\u{1b}[31m: holds \"x\\u{a}y\\u{202e}\" (byte 3); look")
  }

  @Test func longNamesAreShortened() {
    #expect(quoted(String(repeating: "x", count: 500)).count == 83)
  }
}

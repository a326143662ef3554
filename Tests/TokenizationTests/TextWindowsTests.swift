import Testing
import WeightmillTokenization

/// Texts are cut into windows, and windows grouped into passes, without losing a token.
struct TextWindowsTests {
  @Test func windowsBeginWithBOSAndLoseNothingElse() {
    let windows = TextWindows([1, 10, 11, 12, 13, 14, 15], context: 3, bos: 1).windows
    #expect(windows == [[1, 10, 11], [1, 13, 14]])
    #expect(
      TextWindows([1, 10, 11, 12, 13], context: 3, bos: nil).windows == [[1, 10, 11], [12, 13]])
    #expect(TextWindows([1], context: 3, bos: 1).windows.isEmpty)
  }

  @Test func passesHoldAllWindowsInOrder() {
    let windows = TextWindows(Array(0..<23), context: 4, bos: nil)
    #expect(windows.windows.map(\.count) == [4, 4, 4, 4, 4, 3])
    for limit in [1, 4, 7, 8, 11, 12, 100] {
      let passes = windows.passes(ofAtMost: limit)
      #expect(passes.flatMap(\.tokens) == Array(0..<23))
      #expect(passes.allSatisfy { $0.tokens.count <= max(limit, 4) })
      let cut = passes.flatMap { pass in pass.ranges.map { Array(pass.tokens[$0]) } }
      #expect(cut == windows.windows)
      #expect(passes.count == [1: 6, 4: 6, 7: 5, 8: 3, 11: 3, 12: 2, 100: 1][limit])
    }
    #expect(TextWindows(windows: []).passes(ofAtMost: 8).isEmpty)
  }
}

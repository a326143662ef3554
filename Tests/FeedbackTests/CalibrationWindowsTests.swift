import Testing
import WeightmillFeedback
import WeightmillTokenization

/// Windows that are learnt from, and those that are judged by.
struct CalibrationWindowsTests {
  private static let counts = [0, 1, 2, 4, 5, 8, 9, 16, 31, 64, 129, 143, 256, 1000]

  /// Windows that know their number, the last one shorter.
  private func windows(_ count: Int, length: Int) -> TextWindows {
    TextWindows(
      windows: (0..<count).map { number in
        [Int](repeating: number, count: number == count - 1 ? max(2, length / 3) : length)
      })
  }

  private func numbers(_ windows: TextWindows) -> [Int] { windows.windows.compactMap(\.first) }

  @Test(arguments: counts, [(2, 4096), (256, 4096), (256, 600), (512, 100), (512, 0)])
  func everyWindowIsInOnePart(count: Int, form: (length: Int, most: Int)) {
    let all = windows(count, length: form.length)
    let parts = CalibrationWindows(all, judgedByAtMost: form.most)
    let (learnt, judged) = (numbers(parts.learnt), numbers(parts.judged))
    #expect((learnt + judged).sorted() == Array(0..<count))
    #expect(learnt == learnt.sorted() && judged == judged.sorted())
    for window in parts.learnt.windows + parts.judged.windows {
      #expect(window == all.windows[window[0]])
    }
  }

  /// One window is judged by even if it has more tokens than that.
  @Test(arguments: counts, [(2, 4096), (256, 4096), (256, 600), (512, 100), (512, 0)])
  func noMoreTokensAreJudgedByThanThat(count: Int, form: (length: Int, most: Int)) {
    let judged = CalibrationWindows(
      windows(count, length: form.length), judgedByAtMost: form.most
    ).judged
    #expect(judged.tokenCount <= form.most || judged.windows.count == 1)
    #expect(judged.windows.count <= (count + 7) / 8)
  }

  @Test(arguments: counts.filter { $0 > 1 }, [4096, 100])
  func ofTwoWindowsOneIsJudgedBy(count: Int, most: Int) {
    let parts = CalibrationWindows(windows(count, length: 256), judgedByAtMost: most)
    #expect(!parts.judged.windows.isEmpty && !parts.learnt.windows.isEmpty)
  }

  @Test(arguments: counts.filter { $0 >= 16 }, [64, 256])
  func judgedWindowsAreSpread(count: Int, length: Int) {
    let judged = numbers(
      CalibrationWindows(windows(count, length: length), judgedByAtMost: 4096).judged)
    let gaps = Set(zip(judged.dropFirst(), judged).map { $0 - $1 })
    #expect(gaps.count <= 1)
    let gap = gaps.first ?? count
    #expect(gap >= 8)
    #expect((judged.first ?? count) < gap)
    #expect(Double(judged.last ?? 0) > 0.8 * Double(count) - Double(gap))
    #expect(judged.count >= min(count / 8, 4096 / length) * 8 / 10)
  }
}

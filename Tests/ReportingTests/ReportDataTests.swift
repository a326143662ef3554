import Foundation
import Testing
import WeightmillReporting
import WeightmillVerification

/// What charts are drawn from holds every position once.
struct ReportDataTests {
  @Test func binsOfAHistogramFollowEachOther() {
    let bins = VerificationReport.histogram(of: [])
    #expect(bins.count == 38)
    #expect(bins[0].from == 0 && bins[0].to == 1e-8)
    #expect(bins[37].from == 10 && bins[37].to == .infinity)
    for (bin, next) in zip(bins, bins.dropFirst()) { #expect(bin.to == next.from) }
    for (index, bin) in bins.enumerated().dropFirst() {
      #expect(abs(log10(bin.from) - (-8 + Double(index - 1) / 4)) < 1e-12)
    }
  }

  @Test func everyDivergenceIsInTheBinThatSpansIt() {
    let values = (0..<3000).map { pow(10, -10 + Double($0) * 0.0041) } + [0, 1e-8, 0.01, 1, 10]
    let bins = VerificationReport.histogram(of: values)
    for bin in bins {
      #expect(bin.count == values.count { $0 >= bin.from && $0 < bin.to })
    }
    #expect(bins.reduce(0) { $0 + $1.count } == values.count)
    let odd = VerificationReport.histogram(of: [.nan, .infinity, -1])
    #expect(odd[37].count == 2 && odd[0].count == 1)
  }

  @Test(arguments: [1, 7, 400]) func aProfileHoldsEveryPositionOnce(bins: Int) throws {
    let texts: [(text: String, divergences: [Double])] = [
      ("a", (0..<1001).map(Double.init)), ("empty", []), ("b", [5]), ("a", [1, 3]),
    ]
    let profile = VerificationReport.profile(of: texts, bins: bins)
    #expect(profile.count <= bins + texts.count)
    #expect(profile.reduce(0) { $0 + $1.count } == 1004)
    let first = profile.prefix { $0.text == "a" }
    #expect(first.reduce(0) { $0 + $1.mean * Double($1.count) } == 500_500)
    for (bin, next) in zip(first, first.dropFirst()) {
      #expect(next.first == bin.first + bin.count)
      #expect(bin.maximum == Double(next.first - 1))
    }
    let last = try #require(profile.last)
    #expect(last == .init(text: "a", first: 0, count: 2, mean: 2, maximum: 3) || last.count == 1)
  }

  @Test func aTextOfOnePositionIsOneBin() {
    #expect(
      VerificationReport.profile(of: [("a", [0.5])]) == [
        .init(text: "a", first: 0, count: 1, mean: 0.5, maximum: 0.5)
      ])
    #expect(VerificationReport.profile(of: []).isEmpty)
  }
}

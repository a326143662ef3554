import Testing
import WeightmillTensors
import WeightmillTestSupport
import WeightmillVerification

/// Limits are kept or not, and a report says which.
struct GateTests {
  private let models: ComparedModels

  init() throws { models = try ComparedModels() }

  private func report(seed: UInt64 = 2, tokens: Int = 40) throws -> VerificationReport {
    try models.report(
      models.model("b\(seed)", seed: seed), models.model("a", seed: 1),
      [models.text(tokens, context: 40)])
  }

  @Test func withoutLimitsEveryReportPasses() throws {
    var report = try report()
    let gate = LogitGate()
    #expect(gate.isOpen)
    try gate.judge(&report)
    #expect(report.limits.isEmpty)
    #expect(report.passed)
  }

  @Test func limitsAreKeptToTheLastBit() throws {
    var report = try report()
    let total = report.total
    var gate = LogitGate()
    gate.maximumDivergence = total.divergence.mean
    gate.maximumDivergenceP99 = total.divergence.p99.nextDown
    gate.minimumSameTop = total.sameTop
    gate.maximumPerplexityRatio = total.perplexity.ratio.nextDown
    gate.maximumSquareError = total.normalizedSquareError
    #expect(!gate.isOpen)
    try gate.judge(&report)
    #expect(
      report.limits.map(\.limit)
        == ["max-kld", "max-kld-p99", "max-ppl-ratio", "max-nmse", "min-top1"])
    #expect(report.limits.map(\.passed) == [true, false, false, true, true])
    #expect(!report.passed)
  }

  @Test func aBreachSaysWhereItComesFrom() throws {
    var report = try report()
    var gate = LogitGate()
    gate.maximumDivergence = 0
    try gate.judge(&report)
    #expect(report.limits[0].origin?.hasPrefix("largest error: ") == true)
    report.attribution = [.init(name: "blk.1.ffn_down", types: "Q3_K", divergence: 1, share: 0.31)]
    try gate.judge(&report)
    #expect(report.limits[0].origin == "blk.1.ffn_down (Q3_K): 31 % of the divergence")
  }

  @Test func tokenizersMustAgreeWhenAsked() throws {
    var report = try report()
    var gate = LogitGate()
    gate.requiresSameTokens = true
    expectError(.mismatch) { () throws(WeightmillError) in try gate.judge(&report) }
    report.tokenizers = .init(agree: true, difference: nil)
    try gate.judge(&report)
    #expect(report.passed)
    report.tokenizers = .init(agree: false, difference: "token 3")
    try gate.judge(&report)
    #expect(!report.passed)
    #expect(report.limits[0].origin == "token 3")
  }

  @Test func anErrorInTheFileFailsWithoutAnyLimit() throws {
    var report = try report()
    report.findings = [.init(severity: .warning, check: "x", message: "odd")]
    try LogitGate().judge(&report)
    #expect(report.passed)
    report.findings.append(.init(severity: .error, check: "y", message: "no numbers"))
    try LogitGate().judge(&report)
    #expect(!report.passed)
    #expect(report.limits.map(\.limit) == [LimitOutcome.fileErrors])
    #expect(report.limits[0].origin == "no numbers")
  }

  @Test func aReportIsNoRegressionOfItself() throws {
    var report = try report()
    var gate = LogitGate()
    gate.baseline = (report, 0)
    try gate.judge(&report)
    #expect(report.limits.count == 4)
    #expect(report.passed)
  }

  @Test func worseFiguresAreARegression() throws {
    let (near, far) = (try report(seed: 2), try report(seed: 3))
    var (better, worse) = (near, far)
    if better.total.divergence.mean > worse.total.divergence.mean { swap(&better, &worse) }
    let share = worse.total.divergence.mean / better.total.divergence.mean - 1
    var gate = LogitGate()
    gate.baseline = (better, share * 0.99)
    try gate.judge(&worse)
    #expect(worse.limits[0].limit == "max-regression:kld")
    #expect(!worse.limits[0].passed)
    gate.baseline = (better, share * 1.01)
    try gate.judge(&worse)
    #expect(worse.limits[0].passed)
  }

  @Test func otherTextsAreNoBaseline() throws {
    var report = try report()
    var gate = LogitGate()
    gate.baseline = (try self.report(tokens: 50), 1)
    expectError(.mismatch) { () throws(WeightmillError) in try gate.judge(&report) }
    var partial = report
    partial.isPartial = true
    gate.baseline = (partial, 1)
    expectError(.mismatch) { () throws(WeightmillError) in try gate.judge(&report) }
  }
}

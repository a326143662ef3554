import Weightmill

/// The example of the article "Verify a model".
func verifyAModel() async throws(WeightmillError) {
  var request = VerificationRequest(
    candidate: ModelRequest("build/mini-ziya-mix.gguf"),
    reference: ModelRequest(
      "fixtures/mini-ziya/base-meta", delta: "fixtures/mini-ziya/delta"),
    evaluation: EvaluationInput(
      [.textFile("fixtures/llama-perplexity/short-zh.txt")], context: 64))
  request.gate.maximumDivergence = 0.05
  request.gate.minimumSameTop = 0.8

  let run = try VerificationRun(request)
  let workers = Workers(threads: 2)
  let report = try await run.report(workers: workers) { stage, share in
    print(stage, share)
  }
  let total = report.total
  print(total.divergence.mean, total.sameTop, total.perplexity.ratio)
  if !report.passed {
    for limit in report.limits where !limit.passed {
      print(limit.limit, limit.measured, "allowed:", limit.allowed)
    }
  }
  for finding in report.findings { print(finding.severity, finding.message) }
}

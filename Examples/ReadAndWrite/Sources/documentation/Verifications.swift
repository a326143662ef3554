import Weightmill

/// The example on the page of `VerificationRun`.
func verify() async throws {
  var request = VerificationRequest(
    candidate: ModelRequest("build/mini-ziya-mixed.gguf"),
    reference: ModelRequest("fixtures/mini-ziya/base-meta", delta: "fixtures/mini-ziya/delta"),
    evaluation: EvaluationInput([.text("深度学习是机器学习的一个分支。", name: "a sentence")]))
  request.gate.maximumDivergence = 0.1
  request.attribution = .init(grouping: .kind, tokens: 64)
  let run = try VerificationRun(request)
  for note in run.notes { print("note:", note) }

  let report = try await run.report(workers: Workers(threads: 2))
  print(report.total.divergence.mean, report.total.sameTop, report.total.perplexity.ratio)
  for limit in report.limits { print(limit.limit, limit.measured, limit.allowed, limit.passed) }
  for part in report.attribution.prefix(3) { print(part.name, part.divergence) }
  for finding in report.findings { print(finding.severity, finding.message) }
  print(report.html.utf8.count, report.markdown.utf8.count, try report.json().utf8.count)
}

/// The second example on the page of `VerificationRun`.
func compareCheckpoints() throws(WeightmillError) {
  let pair = try ComparedCheckpoints(
    ModelRequest("fixtures/mini-ziya/base-meta", delta: "fixtures/mini-ziya/delta"),
    ModelRequest("build/mini-ziya-mixed.gguf"))
  let difference = try CheckpointComparison(pair).run(workers: Workers(threads: 2))
  for tensor in difference.worst(3) { print(tensor.name, tensor.figures?.relativeRMS ?? 0) }
  print(
    difference.count(.sameValues), "of", difference.tensors.count, "tensors have the same values")

  // Of catalogues by themselves: here matrices alone.
  let matrices = Matrices(of: pair.a)
  let same = try CheckpointComparison(ComparedCheckpoints(matrices, matrices))
    .run(workers: Workers(threads: 2))
  print(same.tensors.allSatisfy(\.isSame))
}

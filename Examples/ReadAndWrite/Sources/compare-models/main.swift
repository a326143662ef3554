import Weightmill

// Any checkpoint is a catalogue of named tensors.
let checkpoint = try Checkpoint(path: "fixtures/mini-ziya/base-meta")
for tensor in checkpoint.catalogue.tensors { print(tensor.name, tensor.shape, tensor.type.name) }

let workers = Workers(threads: 4)

// Base + delta is a catalogue of tensors like any other: rows are added when they are read.
let ziya = try ModelLoader.load("fixtures/mini-ziya/base-meta", delta: "fixtures/mini-ziya/delta")
let plan = try ConversionPlan(convert: ziya, to: .q4_0, name: "mini-ziya")
let report = try ConversionRun(plan, workers: workers)
  .write(to: "build/mini-ziya-q4_0.gguf", overwrite: true)
print(report.byteCount)

// The file against what it was made from, on the same tokens.
var request = VerificationRequest(
  candidate: ModelRequest("build/mini-ziya-q4_0.gguf"),
  reference: ModelRequest("fixtures/mini-ziya/base-meta", delta: "fixtures/mini-ziya/delta"),
  evaluation: EvaluationInput([.text("深度学习是机器学习的一个分支。", name: "a sentence")]))
request.gate.maximumDivergence = 0.05
let judged = try VerificationRun(request).report(workers: workers)
print(judged.total.divergence.mean, judged.passed)

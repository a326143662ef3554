import Conversion
import Models
import Tensors
import Tokenization
import Verification

let workers = Workers(threads: 4)

// Any checkpoint is a catalogue of named tensors.
let checkpoint = try Checkpoint(path: "fixtures/mini-ziya/base-meta")
for tensor in checkpoint.catalogue.tensors { print(tensor.name, tensor.shape, tensor.type.name) }

// A checked model. Base + delta is a catalogue, too: rows are added when they are read.
let ziya = try ModelLoader.load("fixtures/mini-ziya/base-meta", delta: "fixtures/mini-ziya/delta")
let plan = try ConversionPlan(convert: ziya, to: .q4_0, name: "mini-ziya")
let report = try ConversionRun(plan, workers: workers)
  .write(to: "build/mini-ziya-q4_0.gguf", overwrite: true)
print(report.byteCount)

let candidate = try ModelLoader.load("build/mini-ziya-q4_0.gguf")
if let tokenizer = ziya.tokenizer {
  let tokens = try tokenizer.encode("深度学习是机器学习的一个分支。")
  let text = EvaluationText(
    name: "a sentence", tokens: tokens,
    cut: .init(context: 512, bos: tokenizer.vocabulary.special.addedBOS))
  let comparison = try ModelComparison(
    candidate: candidate.llama, reference: .model(ziya.llama), workers: workers)
  let statistics = try comparison.run([text]).total
  print(statistics?.divergence.mean ?? .nan)
}

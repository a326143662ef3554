import Weightmill

/// The example of the article "Quantize a tensor".
func quantizeATensor() throws(WeightmillError) {
  // Two rows of numbers.
  let columns = 256
  let values = (0..<2 * columns).map { Float($0 % 17 - 8) / 8 }

  let type = TensorType.q4_K
  let encoder = try RowEncoder(
    type, columns: columns, location: "an example")
  let blocks = values.count / type.valuesPerBlock
  var bytes = [UInt8](repeating: 0, count: blocks * type.bytesPerBlock)
  let faults = encoder.encode(values, into: &bytes)
  print(faults.overflowed, "values too large,", faults.lost, "lost")

  var decoded = [Float](repeating: 0, count: values.count)
  try RowDecoder(type, location: "an example").decode(bytes, into: &decoded)
  let errors = zip(values, decoded).map { $0 - $1 }
  let squares = errors.reduce(0) { $0 + $1 * $1 }
  print("mean square error", squares / Float(values.count))

  // An error in the first 32 columns costs ten times as much.
  let importance = (0..<columns).map { Float($0 < 32 ? 10 : 1) }
  let guided = try RowEncoder(
    type, guide: .importance(importance), columns: columns,
    location: "an example")
  _ = guided.encode(values, into: &bytes)
}

/// The examples of the article "Quantize a model".
func quantizeAModel() async throws(WeightmillError) {
  let workers = Workers(threads: 2)
  let model = try ModelLoader.load(
    "fixtures/mini-ziya/base-meta", delta: "fixtures/mini-ziya/delta")
  var run = RunOptions()
  run.overwrites = true

  // What text sends into each matrix.
  var text = CalibrationText(context: 64)
  if let tokenizer = model.tokenizer {
    let sentence = "深度学习是机器学习的一个分支。"
    try text.add(
      String(repeating: sentence, count: 80), from: "sample.txt",
      tokenizer: tokenizer)
  }
  let collector = ImportanceCollector(model.llama, workers: workers)
  let importance = try await collector.run(text) { share in
    print("learning:", share)
  }

  // A mix of types, whose scales are chosen by importance.
  var options = QuantizationOptions(.q4_K_M)
  options.importance = ImportanceSelection(
    importance, path: "sample.txt")
  let plan = try ConversionPlan(
    convert: model, with: options, name: "mini-ziya")
  let report = try await plan.write(
    to: "build/mini-ziya-mix.gguf", run, workers: workers
  ) { progress in
    print(progress.done, "of", progress.total)
  }
  print(report.byteCount)

  // What types cost: measured once, for every size.
  let costs = try await SensitivityRun(
    model, importance: importance, text: text,
    types: [.q2_K, .q4_K, .q6_K], workers: workers
  ).run()
  let path = "build/mini-ziya-chosen.gguf"
  let chosen = try AllocatedPlan(
    convert: model, to: .mix(.q4_K_S), by: costs, with: options,
    name: "mini-ziya", path: path)
  print(chosen.bytes, chosen.divergence)
  _ = try await chosen.plan.write(to: path, run, workers: workers)

  // What a column loses is made up for in those behind it.
  var calibrated = QuantizationOptions(.q4_K_M)
  calibrated.isCalibrated = true
  let whole = try ConversionPlan(
    convert: model, with: calibrated, name: "mini-ziya")
  let feedback = try await whole.write(
    to: "build/mini-ziya-feedback.gguf", run, learningFrom: text,
    of: model, workers: workers)
  print(feedback.error ?? 1)
}

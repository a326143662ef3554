import Weightmill

/// The example on the page of `ConversionPlan`.
func planAndWrite() async throws {
  let model = try ModelLoader.load(
    "fixtures/mini-ziya/base-meta", delta: "fixtures/mini-ziya/delta")
  var options = QuantizationOptions(.q4_K_M)
  options.tensorTypes = [try TensorTypeRule("ffn_down=q6_k")]
  let plan = try ConversionPlan(convert: model, with: options, name: "mini-ziya")

  // What will be written, before anything is.
  for item in plan.items { print(item.tensor.name, item.tensor.type.name, item.tensor.byteCount) }
  for note in plan.notes { print("note:", note) }
  print(try plan.layout(path: "build/mini-ziya-mixed.gguf").byteCount, "bytes")

  // The file appears when it is complete. A task that is cancelled leaves nothing behind.
  var run = RunOptions()
  run.overwrites = true
  let report = try await plan.write(
    to: "build/mini-ziya-mixed.gguf", run, workers: Workers(threads: 2)
  ) { progress in
    print(progress.done, "of", progress.total)
  }
  for fault in report.faults { print(fault.tensor.name, fault.problems) }
}

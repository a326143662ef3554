import Weightmill

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Reads a checkpoint, writes it as a GGUF file, reads that, and says what was lost.
@main
struct ReadAndWrite {
  static func main() {
    let arguments = CommandLine.arguments.dropFirst()
    guard (2...3).contains(arguments.count) else {
      print("usage: read-and-write MODEL OUTPUT.gguf [DELTA]")
      exit(64)
    }
    // Every function of the library that throws throws this error. Its text has file and remedy.
    do throws(WeightmillError) {
      try run(
        model: arguments[1], output: arguments[2],
        delta: arguments.count == 3 ? arguments[3] : nil)
    } catch {
      print("read-and-write: \(error)")
      exit(error.code.exitCode)
    }
  }

  static func run(model path: String, output: String, delta: String?) throws(WeightmillError) {
    // 1. Any file or folder is a catalogue of named tensors. Nothing is read but headers.
    let checkpoint = try Checkpoint(path: path)
    let catalogue = checkpoint.catalogue
    print("\(path): \(checkpoint.layout.rawValue), \(catalogue.tensors.count) tensors")
    for tensor in catalogue.tensors.prefix(3) {
      print("  \(tensor.name) \(tensor.shape) \(tensor.type.name)")
    }

    // 2. A model is a catalogue whose names and shapes were checked. With a delta, its rows are
    //    added when they are read.
    let model = try ModelLoader.load(path, delta: delta)
    for note in model.notes { print("note: \(note)") }

    // 3. A plan is a value: what will be written, to the byte.
    let plan = try ConversionPlan(convert: model, to: .q4_K_M, name: "example")
    let size = try plan.layout(path: output).byteCount
    print("\(output): \(plan.items.count) tensors, \(size) bytes")

    // 4. A run writes it. The file appears when it is complete, or not at all.
    let report = try ConversionRun(plan, workers: Workers(threads: 2))
      .write(to: output, overwrite: true)
    for fault in report.faults { print("\(fault.tensor.name): \(fault.problems)") }

    // 5. What was written is a catalogue, too. `plan.source` has the model's weights under the
    //    file's names, so that the two can be compared row by row.
    let file = try GGUFFile(path: output)
    let names = try TensorIndex(file)
    for item in plan.items {
      guard let index = names[item.tensor.name] else { continue }
      let error = try RelativeError(
        of: file, tensor: index, from: plan.source, tensor: item.index)
      print("  \(item.tensor.name) \(item.tensor.type.name): \(error)")
    }
  }
}

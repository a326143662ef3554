import ArgumentParser
import WeightmillConversion

/// The options of commands that can write a GGUF file in several files.
struct SplitOptions: ParsableArguments {
  @Option(
    help:
      "Split the output: at most so many bytes of tensors in a file, such as 4G (K, M, G: decimal)."
  )
  private var splitMaxSize: ByteSize?

  @Option(help: "Split the output: at most so many tensors in a file.")
  private var splitMaxTensors: Int?

  @Option(help: "Split the output into so many files of about the same size.")
  private var splitFiles: Int?

  func validate() throws {
    let given = [splitMaxSize != nil, splitMaxTensors != nil, splitFiles != nil].filter { $0 }
    guard given.count <= 1 else {
      throw ValidationError(
        "--split-max-size, --split-max-tensors and --split-files exclude each other")
    }
    if let splitFiles, splitFiles < 1 {
      throw ValidationError("--split-files must be at least 1")
    }
    if let splitMaxTensors, splitMaxTensors < 1 {
      throw ValidationError("--split-max-tensors must be at least 1")
    }
  }

  /// How the output is split, if it is.
  var split: ShardSplit? {
    splitMaxSize.map { .maximumSize($0.bytes) } ?? splitMaxTensors.map { .maximumTensors($0) }
      ?? splitFiles.map { .count($0) }
  }
}

import ArgumentParser
import WeightmillConversion
import WeightmillTensors

/// The options of commands that write weights.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print what would be written, and write nothing.")
  var dryRun = false

  @Flag(help: "Replace the output if it exists; other files of a folder are left alone.")
  var force = false

  @Flag(help: "Fail if a value is infinite or no number, becomes so, or is lost to an outlier.")
  var strict = false

  @Flag(
    help: "Continue what an interrupted run left, and leave what this one has done if it is, too.")
  var resume = false

  @Option(
    help: """
      How many bytes of buffers may be used, such as 64MiB (default: 256MiB; with --calibrate, half of \
      the memory there is); the output is the same.
      """)
  private var memory: ByteSize?

  /// The memory that was asked for.
  var givenMemory: Int? { memory?.bytes }

  @Flag(help: "Write no dates and nothing of this machine into the output; it is always so.")
  var reproducible = false

  func validate() throws {
    guard memory?.bytes ?? 1 << 20 >= 1 << 20 else {
      throw ValidationError("--memory must be 1MiB or more")
    }
    guard !(dryRun && resume) else {
      throw ValidationError("--dry-run writes nothing, so --resume would have no effect")
    }
  }

  /// How a plan is executed.
  var run: RunOptions {
    var options = RunOptions()
    options.overwrites = force
    options.isStrict = strict
    options.resumes = resume
    if let memory { options.memory = memory.bytes }
    return options
  }
}

/// The options of commands that write a Hugging Face folder.
struct FolderOptions: ParsableArguments {
  @Option(
    name: .customLong("max-shard-size"),
    help: "The most bytes of tensors in a file of the folder, such as 500MB (default: 5GB).")
  private var size: ByteSize?

  /// Whether the user gave one.
  var isGiven: Bool { size != nil }

  /// How many bytes of tensors a file may hold.
  var maximumShardSize: Int { size?.bytes ?? HuggingFaceFolder.defaultShardSize }
}

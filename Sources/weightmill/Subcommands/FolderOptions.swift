import ArgumentParser
import WeightmillConversion
import WeightmillTensors

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

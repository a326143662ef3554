import ArgumentParser
import Conversion
import Tensors

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

/// A number of bytes as Hugging Face writes it: `5GB`, `500MB`, `1GiB`, or digits alone.
private struct ByteSize: ExpressibleByArgument {
  let bytes: Int

  init?(argument: String) {
    let digits = argument.prefix { $0.isASCII && $0.isNumber }
    let unit = argument.dropFirst(digits.count).uppercased()
    let units = [
      "": 1, "B": 1, "KB": 1000, "MB": 1_000_000, "GB": 1_000_000_000, "TB": 1_000_000_000_000,
      "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40,
    ]
    guard let count = Int(digits), count > 0, let factor = units[unit] else { return nil }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: factor)
    guard !overflow else { return nil }
    self.bytes = bytes
  }
}

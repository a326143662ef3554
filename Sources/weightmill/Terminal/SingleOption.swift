/// Options that take one file, folder or text, of which somebody who gives two expects that both count.
///
/// The argument parser keeps the last without a word. For settings and limits that is the custom, so
/// that a script's own can be overridden; an input or an output that is passed over is a wrong result.
enum SingleOption {
  /// The names; those of one option are together.
  private static let names: [[String]] = [
    ["--delta", "--delta-path"], ["--base", "--base-model-path"],
    ["--target", "--target-model-path"], ["--output", "-o"], ["--prompt", "-p"], ["--reference"],
    ["--imatrix"], ["--tensor-type-file"], ["--prune-layers"], ["--key"], ["--part"],
    ["--save-logits"], ["--html"], ["--markdown"], ["--baseline"], ["--check"], ["--expect-sum"],
  ]

  /// The first of these options that is given twice.
  ///
  /// - Parameter arguments: The command line; what follows `--` are no options.
  /// - Returns: Its name.
  static func repeated(in arguments: some Sequence<String>) -> String? {
    let given = arguments.prefix { $0 != "--" }.map { $0.prefix { $0 != "=" } }
    return names.first { names in
      given.count { argument in names.contains { $0 == argument } } > 1
    }?.first
  }
}

import ArgumentParser

/// The options of commands that write weights.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print what would be written, and write nothing.")
  var dryRun = false

  @Flag(help: "Replace the output if it exists; other files of a folder are left alone.")
  var force = false

  @Flag(help: "Fail if a value is infinite or no number, becomes so, or is lost to an outlier.")
  var strict = false
}

import ArgumentParser

/// The options of commands that write a file.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print what would be written, and write nothing.")
  var dryRun = false

  @Flag(help: "Replace the output if it exists.")
  var force = false
}

import ArgumentParser
import WeightmillTensors

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The options every command has.
struct CommonOptions: ParsableArguments {
  @Flag(name: .long, help: "Print JSON for machines.")
  var json = false

  @Option(name: .long, help: "How many threads to use (default: all cores).")
  var threads: Int?

  @Flag(name: .long, help: "Show no progress.")
  var quiet = false

  func validate() throws {
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads must be from 1 to 1024")
    }
  }

  /// The threads to work with.
  var workers: Workers {
    Workers(threads: threads ?? ProcessInfo.processInfo.activeProcessorCount)
  }

  /// The bytes of memory that this machine has.
  static var physicalMemory: Int { Int(clamping: ProcessInfo.processInfo.physicalMemory) }

  /// Prints what the user should know, on standard error.
  func printNotes(_ notes: [String]) {
    for note in notes { Terminal.error("weightmill: note: \(printable(note))\n") }
  }
}

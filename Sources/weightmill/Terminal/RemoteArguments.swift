import WeightmillTensors

#if Remote
  import WeightmillRemote
#endif

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The addresses on a command line.
struct RemoteArguments {
  /// The arguments, in which no address has a query any more: it may hold a signature, and addresses are
  /// shown and written down.
  private(set) var arguments: [String] = []
  /// What follows the `?` of addresses, by the address before it.
  private(set) var queries: [String: String] = [:]
  /// Whether there is an address at all.
  private(set) var areGiven = false

  /// Options whose values are texts, in which an address is none.
  private static let texts: Set<String> = ["--prompt", "-p", "--system"]
  /// Options of `tokenize` that have a value: what else has no hyphen is its model, and then its text.
  private static let valued: Set<String> = ["--lines", "--pre", "--threads"]

  init(_ given: some Sequence<String>) {
    var previous = ""
    // The command, and what of it stands for itself.
    var words: [String] = []
    for argument in given {
      let isOption = argument.hasPrefix("--")
      let cut = isOption ? argument.firstIndex(of: "=") : nil
      let name = cut.map { String(argument[..<$0]) } ?? previous
      let value = cut.map { argument[argument.index(after: $0)...] } ?? argument[...]
      if !argument.hasPrefix("-"), !Self.valued.contains(previous) { words.append(argument) }
      previous = argument
      let isText = words.first == "tokenize" && words.count > 2 && words.last == argument
      guard InputPath.isRemote(String(value)), !Self.texts.contains(name), !isText else {
        arguments.append(argument)
        continue
      }
      areGiven = true
      let parts = value.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
      let address = String(parts[0])
      if parts.count > 1 { queries[address] = String(parts[1]) }
      arguments.append((cut.map { argument[...$0] } ?? "") + address)
    }
  }

  /// Runs a command that may read what its addresses lead to.
  ///
  /// - Parameter command: The command.
  /// - Throws: What the command throws; `usage` for settings of the environment that make no sense.
  func perform(_ command: () throws -> Void) throws {
    #if Remote
      guard areGiven else { return try command() }
      let settings = RemoteSettings(environment: ProcessInfo.processInfo.environment)
      try RemoteReading(settings, queries: queries).perform(command)
    #else
      try command()
    #endif
  }
}

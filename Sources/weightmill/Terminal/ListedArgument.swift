import ArgumentParser

/// An argument that is one of a list of names: the shell offers them, as the help lists them.
protocol ListedArgument: ExpressibleByArgument {}

extension ListedArgument {
  static var defaultCompletionKind: CompletionKind { .list(allValueStrings) }
}

import ArgumentParser

/// One of several parts: `2/5`.
struct PartOption: ExpressibleByArgument {
  /// The number, from 1.
  let number: Int
  /// The number of parts.
  let count: Int

  init?(argument: String) {
    let numbers = argument.split(separator: "/", omittingEmptySubsequences: false)
    guard numbers.count == 2, let number = Int(numbers[0]), let count = Int(numbers[1]),
      count >= 1, (1...count).contains(number)
    else { return nil }
    self.number = number
    self.count = count
  }
}

/// The name of one of the files of a split GGUF file: `NAME-00001-of-00003.gguf`.
package struct ShardName: Equatable {
  /// The path up to the numbers.
  package let stem: String
  /// The number, from 1.
  package let number: Int
  /// The number of files.
  package let count: Int

  /// Describes a name.
  package init(stem: String, number: Int, count: Int) {
    self.stem = stem
    self.number = number
    self.count = count
  }

  /// Takes a path apart; `nil` when it does not end like the name of such a file.
  package init?(_ path: String) {
    guard path.hasSuffix(".gguf") else { return nil }
    var rest = path.dropLast(5)
    guard let count = Self.removeNumber(&rest, after: "-of-"),
      let number = Self.removeNumber(&rest, after: "-")
    else { return nil }
    self.init(stem: String(rest), number: number, count: count)
  }

  private static func removeNumber(_ text: inout Substring, after mark: String) -> Int? {
    let digits = text.reversed().prefix { $0.isASCII && $0.isNumber }
    let before = text.dropLast(digits.count)
    guard digits.count >= 5, before.hasSuffix(mark), let number = Int(String(digits.reversed()))
    else { return nil }
    text = before.dropLast(mark.count)
    return number
  }

  /// The path.
  package var path: String { "\(stem)-\(Self.digits(number))-of-\(Self.digits(count)).gguf" }

  private static func digits(_ number: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, 5 - text.count)) + text
  }
}

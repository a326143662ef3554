import WeightmillPresentation
import WeightmillTensors

/// Names, tokens and figures as both report pages show them: on one line, nothing hidden in them.
enum Shown {
  /// A name from a file, shortened in its middle.
  static func name(_ text: String, limit: Int = 120) -> String {
    let scalars = Array(text.unicodeScalars.prefix(limit + 1))
    guard scalars.count > limit else { return printable(text) }
    let half = limit / 2
    return printable(string(scalars.prefix(half))) + "…"
      + printable(string(Array(text.unicodeScalars.suffix(half))))
  }

  /// A message, shortened at its end.
  static func message(_ text: String, limit: Int = 600) -> String {
    let scalars = Array(text.unicodeScalars.prefix(limit + 1))
    guard scalars.count > limit else { return printable(text) }
    return printable(string(scalars.prefix(limit))) + "…"
  }

  /// A token's text; line ends and tabs are shown as signs, and nothing as `∅`.
  static func token(_ text: String) -> String {
    text.isEmpty ? "∅" : withSigns(Array(text.unicodeScalars.prefix(60)))
  }

  /// The end of a text, at most so many characters.
  static func end(of text: String, limit: Int = 240) -> String {
    let scalars = Array(text.unicodeScalars.suffix(limit + 1))
    guard scalars.count > limit else { return withSigns(scalars) }
    return "…" + withSigns(Array(scalars.suffix(limit)))
  }

  /// A number with about four digits that count.
  static func number(_ value: Double) -> String {
    if value.isNaN { return "not a number" }
    guard value.isFinite else { return value > 0 ? "∞" : "−∞" }
    return Text.significant(value).replacing("-", with: "−")
  }

  /// A number without zeros at the end of its decimals.
  static func short(_ value: Double) -> String {
    let text = number(value)
    guard value.isFinite, text.contains("."), !text.contains("e") else { return text }
    let digits = text.reversed().drop { $0 == "0" }
    return String((digits.first == "." ? digits.dropFirst() : digits).reversed())
  }

  /// A share as a percentage.
  static func percent(_ share: Double) -> String {
    guard share.isFinite else { return number(share) }
    return Text.percent(share).replacing("-", with: "−")
  }

  /// Two numbers, with as many digits as it takes to tell them apart.
  static func distinct(_ first: Double, _ second: Double) -> (String, String) {
    let shown = (number(first), short(second))
    return number(first) == number(second) && first != second ? ("\(first)", "\(second)") : shown
  }

  /// How many there are of something.
  static func count(_ count: Int, _ noun: String) -> String {
    "\(Text.grouped(count)) \(noun)\(count == 1 ? "" : "s")"
  }

  private static func withSigns(_ scalars: [Unicode.Scalar]) -> String {
    scalars.reduce(into: "") { result, scalar in
      switch scalar {
      case "\n": result += "↵"
      case "\t": result += "⇥"
      default: result += printable(String(Character(scalar)))
      }
    }
  }

  private static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    scalars.reduce(into: "") { $0.unicodeScalars.append($1) }
  }
}

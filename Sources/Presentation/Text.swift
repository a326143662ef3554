import WeightmillTensors

/// Numbers and tables as people read them.
package enum Text {
  package enum Alignment {
    case left
    case right
  }

  /// A number with a fixed number of decimals.
  package static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let scaled = (value * scale).rounded()
    guard abs(scaled) < 1e15 else { return "\(value)" }
    let digits = String(Int(abs(scaled)))
    let filled = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
    let sign = scaled < 0 ? "-" : ""
    guard decimals > 0 else { return sign + filled }
    return "\(sign)\(filled.dropLast(decimals)).\(filled.suffix(decimals))"
  }

  /// A number with about four digits that count.
  package static func significant(_ value: Double) -> String {
    let magnitude = abs(value)
    guard magnitude.isFinite, magnitude > 0 else { return "\(value)" == "0.0" ? "0" : "\(value)" }
    if magnitude < 1e-7 || magnitude >= 1e7 { return scientific(value) }
    var decimals = 3
    var bound = 1.0
    while magnitude < bound, decimals < 10 {
      bound /= 10
      decimals += 1
    }
    return fixed(
      value, magnitude >= 1000 ? 0 : magnitude >= 100 ? 1 : magnitude >= 10 ? 2 : decimals)
  }

  /// A very small or very large number: `5.186e-13`.
  private static func scientific(_ value: Double) -> String {
    var exponent = 0
    var mantissa = value
    while abs(mantissa) >= 9.9995 {
      mantissa /= 10
      exponent += 1
    }
    while abs(mantissa) < 0.99995 {
      mantissa *= 10
      exponent -= 1
    }
    return "\(fixed(mantissa, 3))e\(exponent)"
  }

  /// Text from a model with everything but line ends and tabs made safe for a terminal.
  package static func safeLines(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.split(separator: "\t", omittingEmptySubsequences: false)
        .map { printable(String($0)) }.joined(separator: "\t")
    }.joined(separator: "\n")
  }

  /// A share as a percentage.
  package static func percent(_ share: Double) -> String { "\(fixed(share * 100, 2)) %" }

  /// A number of bytes: `26.2 GB`.
  package static func bytes(_ count: Int) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"]
    var value = Double(count)
    var unit = 0
    while value >= 999.95, unit < units.count - 1 {
      value /= 1000
      unit += 1
    }
    return unit == 0 ? "\(count) B" : "\(fixed(value, 1)) \(units[unit])"
  }

  /// A whole number with its digits in groups: `9,966,592`.
  package static func grouped(_ count: Int) -> String {
    var result = ""
    for (position, digit) in String(count).reversed().enumerated() {
      if position > 0, position % 3 == 0, digit != "-" { result.append(",") }
      result.append(digit)
    }
    return String(result.reversed())
  }

  /// A number of seconds: `1:05`.
  package static func duration(_ seconds: Double) -> String {
    let whole = Int(min(max(seconds, 0), 1e9).rounded())
    let (minutes, rest) = (whole / 60, whole % 60)
    let tail = "\(rest < 10 ? "0" : "")\(rest)"
    guard minutes >= 60 else { return "\(minutes):\(tail)" }
    return "\(minutes / 60):\(minutes % 60 < 10 ? "0" : "")\(minutes % 60):\(tail)"
  }

  /// Text with spaces up to a width.
  package static func padded(_ text: String, to width: Int, alignment: Alignment) -> String {
    let spaces = String(repeating: " ", count: max(0, width - text.count))
    return alignment == .left ? text + spaces : spaces + text
  }

  /// Rows whose columns line up, two spaces between them.
  package static func table(_ rows: [[String]], alignments: [Alignment]) -> String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      let line = row.enumerated().map { column, text in
        let alignment = column < alignments.count ? alignments[column] : .left
        let isLast = column == row.count - 1 && alignment == .left
        return isLast ? text : padded(text, to: widths[column], alignment: alignment)
      }
      return line.joined(separator: "  ")
    }.joined(separator: "\n")
  }
}

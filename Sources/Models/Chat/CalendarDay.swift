#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A day, which some chat templates write into the system message.
package struct CalendarDay: Equatable, Sendable {
  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
  ]

  private let year: Int
  private let month: Int
  private let day: Int

  /// Makes a day.
  ///
  /// - Parameters:
  ///   - year: The year.
  ///   - month: The month, 1 to 12; others are taken for the nearest.
  ///   - day: The day of the month.
  package init(year: Int, month: Int, day: Int) {
    self.year = year
    self.month = min(max(month, 1), 12)
    self.day = day
  }

  /// Today, by this machine's clock.
  package static var today: CalendarDay {
    let parts = Calendar(identifier: .gregorian).dateComponents(
      [.year, .month, .day], from: Date())
    return CalendarDay(year: parts.year ?? 1970, month: parts.month ?? 1, day: parts.day ?? 1)
  }

  /// The day in a format of C's `strftime`, with English names of months.
  ///
  /// - Parameter format: A text with `%Y`, `%m`, `%d`, `%B` and `%b`.
  /// - Returns: The text; `nil` when the format has another `%`.
  package func text(_ format: String) -> String? {
    var result = ""
    var rest = format.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      guard scalar == "%" else {
        result.unicodeScalars.append(scalar)
        continue
      }
      switch rest.popFirst() {
      case "Y"?: result += digits(year, 4)
      case "m"?: result += digits(month, 2)
      case "d"?: result += digits(day, 2)
      case "B"?: result += Self.months[month - 1]
      case "b"?: result += Self.months[month - 1].prefix(3)
      default: return nil
      }
    }
    return result
  }

  private func digits(_ value: Int, _ count: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, count - text.count)) + text
  }
}

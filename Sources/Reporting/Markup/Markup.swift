/// A piece of HTML or SVG that is well-formed XML, too.
///
/// Text gets in by `init(_:)` alone, which escapes it; names of elements and attributes are literals
/// of this program. So nothing that a file holds can become an element, an attribute or a script.
struct Markup: Sendable {
  /// Empty markup.
  static let empty = Markup(source: "")

  /// The markup as text.
  private(set) var source: String

  /// Text that is shown as it stands.
  init(_ text: String) { source = Self.escaped(text) }

  fileprivate init(source: String) { self.source = source }

  /// Pieces one after the other.
  static func joined(_ pieces: [Markup]) -> Markup {
    Markup(source: pieces.map(\.source).joined())
  }

  /// This piece and another one after it.
  func then(_ other: Markup) -> Markup { Markup(source: source + other.source) }

  /// The five characters that markup is made of become references; what XML forbids (section 2.2)
  /// becomes the replacement character.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\t", "\n": result.unicodeScalars.append(scalar)
      case "\u{0}"..<" ", "\u{7F}"..<"\u{A0}", "\u{FFFE}"..."\u{FFFF}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The start of an element, without its last bracket. Attributes that are `nil` are left out.
  fileprivate static func start(
    _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?>
  ) -> String {
    attributes.reduce(into: "<\(name)") { result, attribute in
      guard let value = attribute.value else { return }
      result += " \(attribute.key)=\"\(escaped(value))\""
    }
  }
}

/// An element with content; its end is written out even if there is none, as HTML wants it.
func tag(
  _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?> = [:],
  @MarkupBuilder content: () -> Markup = { .empty }
) -> Markup {
  Markup(source: "\(Markup.start(name, attributes))>\(content().source)</\(name)>")
}

/// An element that never has content: one of HTML's void elements, or a shape.
func leaf(
  _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?> = [:]
) -> Markup {
  Markup(source: Markup.start(name, attributes) + "/>")
}

/// A style sheet; it must hold none of the characters that HTML and XML read differently.
func styleSheet(_ rules: StaticString) -> Markup {
  Markup(source: "<style>\(rules)</style>")
}

/// The line that tells a browser which rules the page follows.
func documentType() -> Markup { Markup(source: "<!DOCTYPE html>\n") }

/// Lets an element's content be written as a list; text in it is escaped.
@resultBuilder
enum MarkupBuilder {
  static func buildExpression(_ text: String) -> Markup { Markup(text) }
  static func buildExpression(_ markup: Markup) -> Markup { markup }
  static func buildExpression(_ markup: Markup?) -> Markup { markup ?? .empty }
  static func buildExpression(_ pieces: [Markup]) -> Markup { .joined(pieces) }
  static func buildBlock(_ pieces: Markup...) -> Markup { .joined(pieces) }
  static func buildArray(_ pieces: [Markup]) -> Markup { .joined(pieces) }
  static func buildOptional(_ markup: Markup?) -> Markup { markup ?? .empty }
  static func buildEither(first markup: Markup) -> Markup { markup }
  static func buildEither(second markup: Markup) -> Markup { markup }
}

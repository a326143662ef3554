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

import WeightmillPresentation
import WeightmillVerification

/// The positions where the models differ most, with both models' five most likely tokens.
struct WorstSection {
  private static let limit = 20

  let report: VerificationReport

  var markup: Markup {
    guard !report.worst.isEmpty else { return .empty }
    return tag("section", ["aria-labelledby": "worst"]) {
      tag("h2", ["id": "worst"]) { "Where the models differ most" }
      tag("p") {
        "The text up to the position, and what each model thinks comes next. The token that the "
          + "text has next is framed."
      }
      tag("ol", ["class": "worst"]) {
        for position in report.worst.prefix(Self.limit) { item(position) }
      }
    }
  }

  private func item(_ position: VerificationReport.WorstPosition) -> Markup {
    tag("li") {
      tag("p", ["class": "where"]) {
        tag("b") { "\(Shown.number(position.divergence)) nats" }
        tag("span") {
          isolated(Shown.name(position.text, limit: 60))
          ", token \(Text.grouped(position.position))"
        }
      }
      tag("p", ["class": "context", "translate": "no"]) {
        isolated(Shown.end(of: position.before))
        position.next.map { token in tag("mark") { Shown.token(token) } }
      }
      tag("div", ["class": "pair"]) {
        predictions("Reference", position.reference, next: position.next, "theirs")
        predictions("Candidate", position.candidate, next: position.next, "ours")
      }
    }
  }

  private func predictions(
    _ title: String, _ tokens: [VerificationReport.Prediction], next: String?, _ name: String
  ) -> Markup {
    tag("table", ["class": "top", "translate": "no"]) {
      tag("caption") { title }
      for token in tokens.prefix(10) {
        tag("tr") {
          tag("th", ["scope": "row", "title": "id \(token.id)"]) {
            if token.token == next {
              tag("mark") { Shown.token(token.token) }
            } else {
              tag("code") { Shown.token(token.token) }
            }
          }
          tag("td", ["class": "n"]) { Self.percent(token.probability) }
          tag("td") { bar(token.probability, name) }
        }
      }
    }
  }

  private static func percent(_ probability: Double) -> String {
    "\(Text.fixed(probability * 100, 1)) %"
  }
}

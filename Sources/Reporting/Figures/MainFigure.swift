import Presentation
import Verification

/// A figure at the head of a report page, with what belongs to it.
struct MainFigure {
  let name: String
  let value: String
  let detail: String

  /// The figures that say most, the most important first.
  static func all(of report: VerificationReport) -> [MainFigure] {
    let total = report.total
    let (divergence, perplexity) = (total.divergence, total.perplexity)
    let figures = [
      MainFigure(
        name: "KL divergence", value: Shown.short(divergence.mean),
        detail: "± \(Shown.short(divergence.standardError)) nats, median "
          + "\(Shown.number(divergence.median)), 99 % \(Shown.number(divergence.p99))"),
      MainFigure(
        name: "Same top token", value: Shown.percent(total.sameTop),
        detail: "top five overlap \(Shown.percent(total.topFiveOverlap))"),
      MainFigure(
        name: "Perplexity ratio", value: Text.fixed(perplexity.ratio, 4),
        detail: "± \(Shown.short(perplexity.ratioError)), from "
          + "\(Shown.number(perplexity.reference)) to \(Shown.number(perplexity.candidate))"),
      MainFigure(
        name: "Probability change", value: Shown.percent(total.probabilityChange.rms),
        detail: "root mean square, of the text's next tokens"),
      MainFigure(
        name: "Logit error", value: Shown.short(total.normalizedSquareError),
        detail: "normalized mean square"),
    ]
    return figures + [size(report)].compactMap { $0 }
  }

  private static func size(_ report: VerificationReport) -> MainFigure? {
    guard let bytes = report.candidate.bytes else { return nil }
    var details: [String] = []
    if let bits = report.candidate.bitsPerWeight {
      details.append("\(Text.fixed(bits, 2)) bits for each weight")
    }
    if let whole = report.reference.bytes, whole > 0 {
      details.append("\(Shown.percent(Double(bytes) / Double(whole))) of the reference")
    }
    return MainFigure(
      name: "Size", value: Text.bytes(bytes), detail: details.joined(separator: ", "))
  }
}

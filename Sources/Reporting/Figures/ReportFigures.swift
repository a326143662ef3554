import WeightmillPresentation
import WeightmillTensors
import WeightmillVerification

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
    return figures + [vocabulary(report), size(report)].compactMap { $0 }
  }

  /// The tokens that only one side predicts, where there are such.
  private static func vocabulary(_ report: VerificationReport) -> MainFigure? {
    guard let vocabulary = report.vocabulary else { return nil }
    return MainFigure(
      name: "Padded rows", value: Shown.percent(vocabulary.meanRest),
      detail:
        "probability that the \(vocabulary.taller) gives to rows the other does not have, at most "
        + "\(Shown.percent(vocabulary.maximumRest)); \(Text.grouped(vocabulary.candidate)) rows, the "
        + "reference \(Text.grouped(vocabulary.reference))")
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

/// Every figure of a comparison with its name.
enum AllFigures {
  static func rows(_ statistics: LogitStatistics) -> [(name: String, value: String)] {
    let (divergence, change) = (statistics.divergence, statistics.probabilityChange)
    let perplexity = statistics.perplexity
    return [
      ("positions", Text.grouped(statistics.positions)),
      ("KL divergence, mean (nats)", Shown.number(divergence.mean)),
      ("standard error of the mean", Shown.number(divergence.standardError)),
      ("median", Shown.number(divergence.median)),
      ("90 % are below", Shown.number(divergence.p90)),
      ("95 % are below", Shown.number(divergence.p95)),
      ("99 % are below", Shown.number(divergence.p99)),
      ("99.9 % are below", Shown.number(divergence.p999)),
      ("largest", Shown.number(divergence.maximum)),
      ("same top token", Shown.percent(statistics.sameTop)),
      ("top five overlap", Shown.percent(statistics.topFiveOverlap)),
      ("perplexity of the reference", Shown.number(perplexity.reference)),
      ("perplexity of the candidate", Shown.number(perplexity.candidate)),
      ("ratio of perplexities", Shown.number(perplexity.ratio)),
      ("standard error of the ratio", Shown.number(perplexity.ratioError)),
      ("probability change of the next token, root mean square", Shown.percent(change.rms)),
      ("mean", Shown.percent(change.mean)),
      ("smallest", Shown.percent(change.minimum)),
      ("1 % are below", Shown.percent(change.p1)),
      ("5 % are below", Shown.percent(change.p5)),
      ("half are below", Shown.percent(change.median)),
      ("95 % are below", Shown.percent(change.p95)),
      ("99 % are below", Shown.percent(change.p99)),
      ("largest", Shown.percent(change.maximum)),
      (
        "normalized mean square error of the logits",
        Shown.number(statistics.normalizedSquareError)
      ),
    ]
  }
}

/// The settings of a comparison, in words.
enum ReportSettings {
  static func sentence(_ report: VerificationReport) -> String {
    let settings = report.settings
    let positions =
      settings.isSecondHalf ? "the second half of each whole window" : "all positions"
    return "Windows of at most \(Shown.count(settings.context, "token")); \(positions); arithmetic "
      + "in \(Shown.name(settings.precision, limit: 20)) precision. "
      + "Weightmill \(Shown.name(report.version, limit: 40)), report schema \(report.schema)."
  }

  /// The number of tensors of each type, the most frequent first.
  static func types(_ subject: VerificationReport.Subject) -> String {
    let sorted = subject.types.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    let shown = sorted.prefix(12).map {
      "\(Text.grouped($0.value)) × \(Shown.name($0.key, limit: 16))"
    }
    return (shown + (sorted.count > 12 ? ["…"] : [])).joined(separator: ", ")
  }
}

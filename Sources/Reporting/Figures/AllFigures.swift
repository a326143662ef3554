import Presentation
import Verification

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

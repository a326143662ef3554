import WeightmillAllocation
import WeightmillPresentation

/// The mixes, each beside the best choice in its size.
struct MixSection {
  let report: SizesReport

  var markup: Markup {
    guard !report.front.mixes.isEmpty else { return .empty }
    return tag("section", ["aria-labelledby": "mixes"]) {
      tag("h2", ["id": "mixes"]) { "Mixes, and the best in their size" }
      dataTable(
        "Mixes, and the best choice in the size of each",
        columns: [
          .text("mix"), .number("size"), .number("expected divergence"),
          .number("size of the best"),
          .number("its divergence"), .number("difference"),
        ], rows: report.front.mixes.map(row))
      tag("p", ["class": "more"]) {
        "Such a file is written by "
        tag("code") { "weightmill quantize … --like q4_k_m --sensitivity FILE" }
        ", one of any other size by "
        tag("code") { "--target-size" }
        ". What is expected follows from what was measured here; "
        tag("code") { "weightmill verify-logits" }
        " measures a file."
      }
    }
  }

  private func row(_ mix: SizeFront.Point) -> [String] {
    let start = [
      Shown.name(mix.name, limit: 24), Text.bytes(mix.bytes), Shown.number(mix.divergence),
    ]
    guard let best = report.best(for: mix) else { return start + ["none so small", "", ""] }
    return start + [
      Text.bytes(best.bytes), Shown.number(best.divergence),
      report.change(for: mix).map(Shown.change) ?? "",
    ]
  }
}

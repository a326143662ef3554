import Presentation
import Tensors
import Verification

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

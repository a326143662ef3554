import Foundation
import Testing
import WeightmillTestSupport

/// docs/security.md: what others have published of hostile files, and what becomes of each.
struct SecurityPageTests {
  private static let page = "\(Fixtures.package)/docs/security.md"

  private static let published = CorpusCase.all.filter {
    $0.path.hasPrefix("handcrafted/") || $0.path.hasPrefix("advisories/")
  }

  @Test func everyKindAndReportIsThere() {
    #expect(Self.published.count { $0.path.hasPrefix("handcrafted/") } == 34)
    #expect(Self.published.count { $0.path.hasPrefix("advisories/") } >= 20)
  }

  /// Prints the tables, and wants them in the page as they are.
  @Test func theTablesSayWhatTheProgramDoes() throws {
    let text = try String(contentsOfFile: Self.page, encoding: .utf8)
    let lines = text.components(separatedBy: "\n").filter { $0.hasPrefix("| `") }
    let rows = try Self.published.map { sample in
      let code = try MeasuredProcess.run(sample.commandLine, limit: 10).code
      let name = sample.name.drop { $0 != "/" }.dropFirst()
      return "| `\(name)` | \(sample.what) | \(code.map(String.init) ?? "a signal") |"
    }
    print(rows.joined(separator: "\n"))
    #expect(lines == rows)
  }
}

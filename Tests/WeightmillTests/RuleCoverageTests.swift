import Foundation
import Testing
import WeightmillTestSupport

/// Every rule on untrusted files is held by a test of its name: a case
/// of the corpus, or a Swift test whose display name begins with the rule.
struct RuleCoverageTests {
  /// The number of rules in each family.
  private static let families = [
    ("ZIP", 15), ("PK", 12), ("TEN", 8), ("LEG", 7), ("ST", 9), ("GG", 14), ("SP", 6), ("TJ", 5),
    ("BP", 3), ("TK", 4), ("VM", 3), ("IX", 5), ("CF", 4), ("CT", 3), ("DET", 2), ("RES", 1),
    ("OUT", 3), ("ERR", 1),
  ]

  private static let rules: [String] =
    families.flatMap { family, count in
      (1...count).map { "\(family)-\($0 < 10 ? "0" : "")\($0)" }
    } + ["ZIP-OK", "ST-OK"]

  /// Display names of the Swift tests, all of them in one text.
  private static let names: String = {
    let tests = "\(Fixtures.package)/Tests"
    let files = FileManager.default.enumerator(atPath: tests)?.compactMap { $0 as? String } ?? []
    return files.filter { $0.hasSuffix("Tests.swift") }.flatMap { file in
      let text = (try? String(contentsOfFile: "\(tests)/\(file)", encoding: .utf8)) ?? ""
      return text.components(separatedBy: "@Test(").dropFirst().map { test in
        test.drop(while: \.isWhitespace).prefix(while: { $0 != ":" && $0 != "\n" })
      }
    }.joined(separator: "\n")
  }()

  @Test(arguments: rules)
  func aTestIsNamedAfterEachRule(rule: String) {
    let isInCorpus = CorpusCase.all.contains { $0.rules.contains(rule) }
    #expect(isInCorpus || Self.names.contains(rule))
  }

  @Test func theCorpusNamesNoOtherRules() {
    let named = Set(CorpusCase.all.flatMap(\.rules))
    #expect(named.isSubset(of: Self.rules), "\(named.subtracting(Self.rules).sorted())")
  }
}

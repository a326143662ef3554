import Foundation
import Testing
import WeightmillTestSupport

/// What documents say of where things are.
struct DocumentedPathTests {
  /// What stands between backticks in a document.
  private static func quotations(_ path: String) throws -> [Substring] {
    try String(contentsOfFile: "\(Fixtures.package)/\(path)", encoding: .utf8)
      .matches(of: /`([^`\n]+)`/).map(\.output.1)
  }

  private static func isThere(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(Fixtures.package)/\(path)")
  }

  /// A path from the tree's root, with a folder that no other project has there.
  @Test func filesThatDocumentsNameAreThere() throws {
    let path = /(?:Sources|Tests|Scripts|Benchmarks|Interop|Fuzz|formats|fixtures)\/[\w+.\/-]+/
    var count = 0
    for document in try Document.paths(".md") where !document.hasPrefix("fixtures/") {
      for quotation in try Self.quotations(document) where quotation.wholeMatch(of: path) != nil {
        count += 1
        #expect(Self.isThere(String(quotation)), "\(document) names \(quotation)")
      }
    }
    #expect(count >= 50)
  }

  /// The map leaves out `Sources/`, and the folder where a row has named it before.
  @Test func filesThatTheMapNamesAreThere() throws {
    let sources = Set(
      try Document.paths(".swift", below: "Sources") + Document.paths(".h", below: "Sources")
        + Document.paths(".c", below: "Sources"))
    let names = Set(sources.map { $0.split(separator: "/").last ?? "" } + ["Package.swift"])
    var count = 0
    for quotation in try Self.quotations("ARCHITECTURE.md") {
      if quotation.wholeMatch(of: /[\w+]+\.(?:swift|c|h)/) != nil {
        count += 1
        #expect(names.contains(quotation), "ARCHITECTURE.md names \(quotation)")
      } else if quotation.wholeMatch(of: /[A-Z]\w+\/[\w+.\/-]+/) != nil {
        count += 1
        #expect(
          Self.isThere("Sources/\(quotation)") || Self.isThere(String(quotation)),
          "ARCHITECTURE.md names \(quotation)")
      }
    }
    #expect(count >= 40)
  }
}

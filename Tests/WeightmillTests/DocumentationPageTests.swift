import Foundation
import Testing
import WeightmillTestSupport

/// The pages of the modules' documentation are about what is there. (Their code: `DocumentTests`.)
struct DocumentationPageTests {
  /// A page below `Sources/FOLDER/*.docc/`.
  private struct Page {
    let path: String
    let folder: String
    let text: String

    /// Folders have short names, modules long ones (ARCHITECTURE.md, "Rooms").
    var module: String { folder == "Library" ? "Weightmill" : "Weightmill" + folder }

    /// Whether it is an article: its title is words, and it may be about every module.
    var isArticle: Bool { !text.hasPrefix("# ``") }

    /// What stands in double backquotes, the title first.
    var symbols: [String] { text.matches(of: /``([^`\n]+)``/).map { String($0.1) } }

    /// The symbols with the folder of their module: `/MODULE/…` is of another one.
    var places: [(folder: String, symbol: String)] {
      symbols.map { symbol in
        guard symbol.hasPrefix("/Weightmill") else { return (folder, symbol) }
        let parts = symbol.dropFirst("/Weightmill".count).split(separator: "/", maxSplits: 1)
        return (String(parts.first ?? ""), parts.count > 1 ? String(parts[1]) : "")
      }
    }
  }

  private static func text(_ path: String) throws -> String {
    try String(contentsOfFile: "\(Fixtures.package)/\(path)", encoding: .utf8)
  }

  private static func pages() throws -> [Page] {
    try Document.paths(".md", below: "Sources").compactMap { path in
      guard let match = path.wholeMatch(of: /Sources\/(\w+)\/\w+\.docc\/\w+\.md/) else {
        return nil
      }
      return Page(path: path, folder: String(match.1), text: try text(path))
    }
  }

  /// The names of what a folder of `Sources` makes public, without parameters: types and members, and
  /// what protocols require.
  private static func publicNames(_ folder: String) throws -> Set<String> {
    var names: Set<String> = []
    for path in try Document.paths(".swift", below: "Sources/\(folder)") {
      var isProtocol = false
      for line in try text(path).split(separator: "\n") {
        if line == "}" { isProtocol = false }
        let code = line.drop { $0 == " " }
        guard code.hasPrefix("public ") || isProtocol && !code.hasPrefix("//") else { continue }
        let declaration = /(?:^|\s)(?:(init)\b|(?:struct|class|enum|protocol|var|let|func) (\w+))/
        if let match = code.firstMatch(of: declaration) {
          names.insert(String(match.1 ?? match.2 ?? ""))
        }
        if code.hasPrefix("public protocol") { isProtocol = true }
      }
    }
    return names
  }

  @Test func pagesNamePublicSymbolsOfTheirModule() throws {
    let pages = try Self.pages()
    #expect(pages.count { !$0.isArticle } >= 20)
    #expect(pages.count { $0.isArticle } >= 4)
    var publicNames: [String: Set<String>] = [:]
    for folder in Set(pages.flatMap { $0.places.map(\.folder) }) {
      publicNames[folder] = try Self.publicNames(folder)
    }
    for page in pages {
      if !page.isArticle {
        #expect(page.text.hasPrefix("# ``\(page.module)"), "\(page.path) is not titled so")
      }
      for (folder, symbol) in page.places {
        let names = try #require(publicNames[folder])
        for part in symbol.split(separator: "/") where part != page.module {
          let name = String(part.prefix { $0 != "(" })
          #expect(names.contains(name), "\(page.path): \(folder) has no public \(name)")
        }
      }
    }
  }

  /// What `.spi.yml` has documented exists, and has a page of its own; `make docs` makes the same.
  @Test func documentedTargetsHaveAPage() throws {
    let package = try Self.text("Package.swift")
    let titles = try Self.pages().compactMap(\.symbols.first)
    let targets = try Self.text(".spi.yml").matches(of: /\n {8}- (\w+)/).map { String($0.1) }
    let library = try Self.text("Sources/Library/Weightmill.swift")
      .matches(of: /public import (\w+)/).map { String($0.1) }
    #expect(Set(targets) == Set(library + ["Weightmill"]))
    for target in targets {
      #expect(package.contains("name: \"\(target)\""), "Package.swift has no \(target)")
      #expect(titles.contains(target), "\(target) has no page")
    }
  }

  /// The three examples that readers look for first stand on their pages.
  @Test func examplesStandOnTheirPages() throws {
    for path in [
      "Tensors/Tensors.docc/Catalogue.md", "Conversion/Conversion.docc/ConversionPlan.md",
      "Verification/Verification.docc/VerificationRun.md",
    ] {
      let blocks = try Document("Sources/\(path)").blocks
      #expect(blocks.contains { $0.language == "swift" && $0.lines.count > 5 }, "\(path)")
    }
  }
}

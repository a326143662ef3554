import Foundation
import Testing
import WeightmillReporting
import WeightmillVerification

/// The page is sound whatever the report holds, and shows what the report says.
struct HTMLReportTests {
  private func page(_ name: String) throws -> PageReader {
    let page = PageReader(try SampleReport.report(name).html)
    try #require(page.problem == nil)
    return page
  }

  @Test(arguments: SampleReport.cases) func thePageIsWellFormed(name: String) throws {
    let page = PageReader(try SampleReport.report(name).html)
    #expect(page.problem == nil)
    #expect(page.all("html").count == 1)
    #expect(page.all("h1").count == 1)
  }

  @Test(arguments: SampleReport.cases) func nothingIsLoadedAndNothingRuns(name: String) throws {
    let source = try SampleReport.report(name).html
    let page = PageReader(source)
    #expect(page.all("script").isEmpty)
    let loading: Set = ["src", "href", "xlink:href", "srcset", "action", "data", "poster"]
    for element in page.elements {
      for attribute in element.attributes.keys {
        #expect(!loading.contains(attribute), "\(element.name) \(attribute)")
        #expect(!attribute.lowercased().hasPrefix("on"), "\(element.name) \(attribute)")
      }
      for style in [element.attributes["style"], element.name == "style" ? element.text : nil] {
        #expect(style?.contains("url(") != true && style?.contains("@import") != true)
      }
    }
    let policy = page.all("meta").first { $0.attributes["http-equiv"] != nil }
    #expect(policy?.attributes["content"]?.hasPrefix("default-src 'none';") == true)
    // Read as HTML, not as XML: a browser knows elements that begin within text.
    #expect(!source.contains("<script") && !source.contains("<img") && !source.contains("<!--"))
  }

  @Test(arguments: SampleReport.cases) func everyCoordinateIsANumber(name: String) throws {
    let wrong = /(?i)nan|inf|∞|number|\de|undefined/
    for element in try page(name).elements {
      for attribute in ["d", "x", "y", "width", "height", "viewBox", "style"] {
        guard let value = element.attributes[attribute] else { continue }
        #expect(value.firstMatch(of: wrong) == nil, "\(element.name) \(attribute): \(value)")
      }
      guard let shape = element.attributes["d"] else { continue }
      #expect(shape.wholeMatch(of: /[MLHVZhv0-9. -]*/) != nil, "\(shape)")
    }
  }

  @Test(arguments: SampleReport.cases) func everyDrawingSaysWhatItShows(name: String) throws {
    for drawing in try page(name).all("svg") {
      #expect(drawing.attributes["role"] == "img")
      #expect((drawing.attributes["aria-label"] ?? "").count > 20)
    }
  }

  @Test func aHostileReportHasNoElementThatAnHonestOneHasNot() throws {
    let honest = Set(try page("whole").elements.map(\.name))
    let hostile = Set(try page("hostile").elements.map(\.name))
    #expect(hostile.isSubset(of: honest))
  }

  @Test func hostileTextIsShownAsText() throws {
    let page = try page("hostile")
    let title = page.all("title").first?.text
    #expect(title == "Failed: script>")
    #expect(page.text.contains("<script>alert(1)</script>"))
    #expect(page.text.contains("\"><img src=x onerror=alert(1)>"))
    #expect(page.text.contains("\\u{0}\\u{1b}[31m\\u{7f}\\u{85}\\u{202e}\\u{200b}\\u{feff}"))
    for scalar in page.text.unicodeScalars {
      #expect(scalar.value >= 0x20 || scalar == "\n")
      #expect(!(0x202A...0x202E).contains(scalar.value) && scalar.value != 0xFEFF)
    }
    let size = try SampleReport.report("hostile").html.utf8.count
    #expect(size < 400_000)
  }

  @Test func theVerdictComesFirst() throws {
    let verdicts = try page("whole").all(ofClass: "verdict")
    #expect(verdicts.map { $0.attributes["class"] } == ["verdict failed"])
    let unjudged = try page("saved logits")
    #expect(unjudged.all(ofClass: "measured").count == 1)
    var report = try SampleReport.report("whole")
    report.limits.removeAll { !$0.passed }
    report.passed = true
    let page = PageReader(report.html)
    #expect(page.all(ofClass: "passed").count == 1)
    #expect(page.text.contains("all 3 limits are kept"))
    let interrupted = try self.page("interrupted")
    #expect(interrupted.all(ofClass: "partial").count == 1)
    #expect(interrupted.all(ofClass: "interrupted").count == 1)
  }

  @Test func theHeatMapHasAFieldForEachTensorOfALayer() throws {
    let page = try page("80 layers")
    let fields = page.all("rect").filter { $0.attributes["width"] == "1" }
    #expect(fields.count == 80 * 9)
    #expect(Set(fields.map { $0.attributes["x"] }).count == 80)
    #expect(Set(fields.map { $0.attributes["y"] }).count == 9)
    #expect(page.all("title").contains { $0.text.hasPrefix("blk.79.ffn_down.weight (Q6_K): 0.") })
    // Gains that are the same have a colour of their own.
    #expect(fields.count { $0.attributes["class"] == "hz" } == 160)
    #expect(fields.count { $0.attributes["class"] == "h9" } >= 1)
  }

  @Test func theDistributionHasABarForEachBinWithPositions() throws {
    let report = try SampleReport.report("whole")
    let bars = PageReader(report.html).all(ofClass: "bars").first?.attributes["d"] ?? ""
    #expect(bars.count { $0 == "Z" } == report.histogram.count { $0.count > 0 })
  }

  @Test func theMapOfAReportIsSmall() throws {
    var sample = SampleReport(layers: 40, positions: [30_000, 30_000])
    let size = try sample.report().html.utf8.count
    #expect(size < 300_000)
  }

  @Test func whatIsMissingIsLeftOut() throws {
    let page = try page("nothing to draw")
    #expect(page.all("svg").isEmpty)
    #expect(page.text.contains("They were not compared"))
    #expect(
      page.all("h2").map(\.text) == [
        "How far the predictions are apart", "The candidate's file", "Tokenizers",
        "Models and settings", "All figures",
      ])
  }
}

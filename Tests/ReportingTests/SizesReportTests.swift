import Foundation
import Testing
import WeightmillAllocation
import WeightmillReporting
import WeightmillTensors
import WeightmillTestSupport

/// The page of sizes is sound whatever was measured, and shows it.
struct SizesReportTests {
  private static let mixes = ["Q2_K", "Q3_K_M", "Q4_K_S", "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q8_0"]
  private static let types: [TensorType] = [.q2_K, .iq3_XXS, .q4_K, .q6_K, .q8_0]
  private static let cases = [
    "whole", "one layer", "80 layers", "huge", "zero", "hostile", "nothing to choose", "one size",
  ]
  private static let hostile = "</td><script>alert(1)</script>'\"&lt;\u{202e}\u{0}"

  /// What was measured, by way of its file.
  private static func sensitivities(
    _ matrices: [String], divergence: Double, texts: [String]
  ) throws -> Sensitivities {
    let found: [String: Any] = [
      "sensitivities": 1, "model": "0", "importance": "2", "types": types.map(\.name),
      "text": ["names": texts, "digest": "1", "tokens": 1536, "sample": 512] as [String: Any],
      "uniform": [["type": "Q4_K", "divergence": divergence] as [String: Any]],
      "matrices": matrices.enumerated().map { number, name -> [String: Any] in
        [
          "name": name, "rows": 256, "columns": 512, "probe": "Q3_K",
          "divergence": divergence * Double(number % 5), "errors": ["Q3_K": 0.01, "Q4_K": 0.002],
        ]
      },
    ]
    let folder = try TemporaryFolder()
    let data = try JSONSerialization.data(withJSONObject: found)
    return try SensitivityFile.read(try folder.write(data, to: "x.sensitivity"))
  }

  /// A model whose matrices all have one type in each size.
  private static func report(
    layers: Int = 4, divergence: Double = 0.5, mixes: [String] = mixes, texts: [String] = ["a.txt"],
    strange: [String] = [], model: String = "models/tiny"
  ) throws -> SizesReport {
    var names = ["token_embd.weight", "output.weight"] + strange
    for layer in 0..<layers {
      for kind in ["attn_q", "attn_k", "ffn_down"] { names.append("blk.\(layer).\(kind).weight") }
    }
    func points(_ factor: Double) -> [SizeFront.Point] {
      mixes.enumerated().map { number, name in
        let type = types[number % types.count]
        return SizeFront.Point(
          name: name, bytes: 80_000_000 + number * number * 2_500_000,
          divergence: factor * divergence / Double(1 + number * number * number),
          types: names.map { ($0, type) })
      }
    }
    var chosen = points(0.75)
    if !mixes.isEmpty {
      chosen.append(
        SizeFront.Point(name: "", bytes: 84_000_000, divergence: divergence * 0.4, types: []))
    }
    return SizesReport(
      model: model, version: "0.1.0",
      sensitivities: try sensitivities(names, divergence: divergence, texts: texts),
      front: SizeFront(mixes: points(1), chosen: chosen.sorted { $0.bytes < $1.bytes }))
  }

  private static func report(_ name: String) throws -> SizesReport {
    switch name {
    case "one layer": try report(layers: 1)
    case "80 layers": try report(layers: 80)
    case "huge": try report(divergence: 4e307)
    case "zero": try report(divergence: 0)
    case "nothing to choose": try report(layers: 0, mixes: [], texts: [])
    case "one size": try report(mixes: ["Q4_K_M"])
    case "hostile":
      try report(
        mixes: mixes + [hostile], texts: [hostile],
        strange: [
          hostile, "blk.1.\(hostile).weight", "", ".", "blk", "blk.", "blk.-1.x",
          "blk.99999999999999999999.x.weight", "blk.0.", "weight",
        ], model: "models/\(hostile)")
    default: try report()
    }
  }

  private func page(_ name: String) throws -> PageReader {
    let page = PageReader(try Self.report(name).html)
    try #require(page.problem == nil)
    return page
  }

  @Test(arguments: cases) func thePageIsWellFormedAndLoadsNothing(name: String) throws {
    let source = try Self.report(name).html
    let page = try page(name)
    #expect(page.all("html").count == 1 && page.all("h1").count == 1)
    #expect(page.all("script").isEmpty && !source.contains("<script"))
    for element in page.elements {
      for attribute in element.attributes.keys {
        #expect(!["src", "href", "action"].contains(attribute) && !attribute.hasPrefix("on"))
      }
      if element.name == "style" { #expect(!element.text.contains("url(")) }
    }
    let policy = page.all("meta").first { $0.attributes["http-equiv"] != nil }
    #expect(policy?.attributes["content"]?.hasPrefix("default-src 'none';") == true)
    let ids = page.elements.compactMap { $0.attributes["id"] }
    #expect(Set(ids).count == ids.count)
  }

  @Test(arguments: cases) func everyCoordinateIsANumber(name: String) throws {
    let wrong = /(?i)nan|inf|∞|number|\de|undefined/
    for element in try page(name).elements {
      for attribute in ["d", "x", "y", "width", "height", "viewBox", "style"] {
        guard let value = element.attributes[attribute] else { continue }
        #expect(value.firstMatch(of: wrong) == nil, "\(element.name) \(attribute): \(value)")
      }
    }
    for drawing in try page(name).all("svg") {
      #expect((drawing.attributes["aria-label"] ?? "").count > 20)
    }
  }

  @Test func everyMixIsNamedWithItsSizeAndWhatTheBestGains() throws {
    let page = try page("whole")
    let marks = Set(page.all("b").map(\.text))
    for (number, mix) in Self.mixes.enumerated() {
      #expect(marks.contains(mix), "\(mix)")
      #expect(page.all("label").contains { $0.text == mix })
      let size = 80_000_000 + number * number * 2_500_000
      let words = "\(size / 1_000_000).\(size / 100_000 % 10) MB"
      #expect(page.all("bdi").contains { $0.text == words }, "\(words)")
    }
    #expect(page.all("bdi").count { $0.text == "−25.0 %" } == Self.mixes.count)
    #expect(page.text.contains("1,536; 512 for each matrix alone"))
    #expect(page.all("input").count { $0.attributes["checked"] != nil } == 1)
  }

  @Test func theMapHasAFieldForEachMatrixOfALayer() throws {
    let page = try page("80 layers")
    let maps = page.all("table").filter {
      $0.attributes["class"]?.hasPrefix("types") == true
    }
    #expect(maps.count == Self.mixes.count)
    #expect(maps.allSatisfy { $0.attributes["class"] == "types upright" })
    let fields = page.all("td").filter { $0.attributes["class"]?.hasPrefix("h") == true }
    #expect(fields.count == Self.mixes.count * 80 * 3)
    // The fewer bits, the lower the step of the colour.
    let steps = Set(fields.map { "\($0.text) \($0.attributes["class"] ?? "")" })
    #expect(steps.contains("q2_k h0") && steps.contains("q8_0 h9") && steps.count == 5)
    #expect(try self.page("one layer").all(ofClass: "types").count == Self.mixes.count)
  }

  @Test func hostileNamesAreShownAsText() throws {
    let page = try page("hostile")
    let honest = Set(try self.page("whole").elements.map(\.name))
    #expect(Set(page.elements.map(\.name)).isSubset(of: honest))
    #expect(page.text.contains("<script>alert(1)</script>"))
    #expect(page.text.contains("\\u{202e}\\u{0}"))
    for scalar in page.text.unicodeScalars {
      #expect(scalar.value >= 0x20 || scalar == "\n")
      #expect(!(0x202A...0x202E).contains(scalar.value))
    }
  }

  @Test func coloursAreThereForLightAndDark() throws {
    let style = try page("whole").all("style").map(\.text).joined()
    #expect(style.contains("--on-many:#fff}"))
    #expect(style.contains("(prefers-color-scheme:dark){:root{--on-few:#fff"))
  }

  @Test(arguments: [510.0, 640, 900, 1600]) func noNameOfAMixCoversAnother(width: Double) throws {
    let few = try page("whole").all(ofClass: "mark")
    #expect(few.count == Self.mixes.count)
    // Many mixes in one place: some names are left out, and none is on another.
    let crowd = (0..<60).map { "MIX_\($0)" }
    let many = PageReader(try Self.report(mixes: crowd).html).all(ofClass: "mark")
    #expect(many.count < crowd.count && many.count > 5)
    for marks in [few, many] {
      let names = try marks.map { try Self.place($0, width: width) }
      for (index, name) in names.enumerated() {
        for other in names[..<index] {
          #expect(!(name.x.overlaps(other.x) && name.y.overlaps(other.y)), "\(name) \(other)")
        }
      }
    }
  }

  /// Where a name stands in a drawing of some width, in pixels.
  private static func place(
    _ mark: PageReader.Element, width: Double
  ) throws -> (x: ClosedRange<Double>, y: ClosedRange<Double>) {
    let style = try #require(
      mark.attributes["style"]?.wholeMatch(
        of: /(left|right):([0-9.]+)%;bottom:([0-9.]+)%;height:([0-9.]+)rem/))
    let numbers = try [style.2, style.3, style.4].map { try #require(Double($0)) }
    let (side, top) = (numbers[0] / 100 * width, numbers[1] / 100 * 352 + numbers[2] * 16)
    let x = style.1 == "left" ? side...side + 50 : width - side - 50...width - side
    return (x, top - 19...top)
  }

  @Test func aLargeModelsPageIsSmall() throws {
    #expect(try Self.report(layers: 80).html.utf8.count < 200_000)
  }
}

import Foundation
import Testing
import WeightmillReporting
import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTestSupport
import WeightmillVerification

/// A report is read back as it was written; what is damaged is refused with its position.
struct ReportJSONTests {
  private func read(_ json: String) throws -> VerificationReport {
    try VerificationReport(json: Array(json.utf8), location: "baseline.json")
  }

  @Test(arguments: SampleReport.cases.filter { $0 != "not a number" })
  func aReportIsReadBack(name: String) throws {
    let report = try SampleReport.report(name)
    let again = try read(report.json())
    #expect(again == report)
  }

  @Test func numbersThatJSONLacksAreWords() throws {
    let json = try SampleReport.report("infinite").json()
    #expect(json.contains("\"relativeError\" : \"Infinity\""))
    let report = try read(SampleReport.report("not a number").json())
    #expect(report.layers.allSatisfy { $0.relativeError.isNaN })
  }

  @Test func fieldsHaveTheNamesThatThePageOfTheFormatGives() throws {
    let value = try JSONParser.parse(
      Array(SampleReport.report("whole").json().utf8), file: "report.json")
    let object = try #require(value.object)
    #expect(
      object.members.map(\.name) == [
        "attribution", "attributionTokens", "candidate", "findings", "histogram", "isPartial",
        "layers", "limits", "passed", "profile", "reference", "schema", "settings", "tensors",
        "texts", "tokenizers", "total", "version", "worst",
      ])
    #expect(object["schema"] == .number("1"))
    #expect(object["histogram"]?.array?.last?.object?["to"] == .string("Infinity"))
  }

  @Test func theExampleOfTheFormatsPageIsRead() throws {
    let page = try String(
      contentsOfFile: "\(Fixtures.package)/formats/verification-report.md", encoding: .utf8)
    let example = try #require(
      page.split(separator: "```json\n").last?.split(separator: "```").first)
    let report = try read(String(example))
    #expect(report.attribution[0].share == 0.31)
    #expect(report.total.divergence.p999 == 0.2)
    #expect(report.texts[0].statistics == nil)
  }

  @Test func unknownFieldsAreIgnored() throws {
    let report = try SampleReport.report("whole")
    let json = try report.json().replacing(
      "\"isPartial\" : false", with: "\"isPartial\" : false, \"new\" : [1]")
    let again = try read(json)
    #expect(again == report)
  }

  @Test func anotherSchemaIsNotSupported() throws {
    let json = try SampleReport.report("whole").json()
    let error = expectError(.unsupported) {
      _ = try read(json.replacing("\"schema\" : 1", with: "\"schema\" : 2"))
    }
    #expect(error?.position == "schema 2, this version reads 1")
    for other in ["[]", "{}", "{\"schema\":\"1\"}", "{\"schema\":1.5}", "null"] {
      expectError(.malformed) { _ = try read(other) }
    }
  }

  private static let wrongFields: [(String, String, String?)] = [
    ("\"mean\" : ", "\"meen\" : ", "\"total.divergence.mean\""),
    ("\"positions\" : 1240", "\"positions\" : -1240", "total.positions"),
    ("\"positions\" : 1240", "\"positions\" : 1e300", nil),
    ("\"positions\" : 1240", "\"positions\" : \"many\"", "\"total.positions\""),
    ("\"severity\" : \"note\"", "\"severity\" : \"joke\"", "\"findings.[1].severity\""),
    ("\"layer\" : 3", "\"layer\" : [3]", "\"layers.[4].layer\""),
    ("\"context\" : 512", "\"context\" : 9007199254740993", "settings.context"),
  ]

  @Test(arguments: wrongFields)
  func aWrongFieldIsNamed(old: String, new: String, position: String?) throws {
    var report = try SampleReport.report("whole")
    report.texts = []
    report.profile = []
    report.tensors = []
    let json = try report.json()
    try #require(json.contains(old))
    let error = expectError(.malformed) { _ = try read(json.replacing(old, with: new)) }
    #expect(error?.position == position)
    #expect(error?.file == "baseline.json")
    #expect(error?.remedy != nil)
  }

  @Test func textThatIsNotStrictJSONIsRefused() throws {
    let json = try SampleReport.report("whole").json()
    for damaged in [
      "", "\u{FEFF}" + json, json + "x", String(json.dropLast(3)),
      json.replacing(
        "\"passed\" : false,\n  \"profile\"", with: "\"passed\":1,\"passed\":2,\"profile\""),
      json.replacing("\"isPartial\" : false", with: "\"isPartial\" : false, \"isPartial\" : true"),
      json.replacing("\"isPartial\" : false", with: "\"isPartial\" : tru"),
    ] {
      expectError(.malformed) { _ = try read(damaged) }
    }
  }

  @Test func aFileThatIsTooLargeIsNotRead() throws {
    let bytes = [UInt8](repeating: 0x20, count: VerificationReport.maximumBytes + 1)
    expectError(.malformed) { _ = try VerificationReport(json: bytes, location: "x") }
    expectError(.noInput) { _ = try VerificationReport(path: "/nowhere/report.json") }
  }

  @Test func noDamageCrashes() throws {
    var sample = SampleReport(layers: 1, positions: [9])
    let bytes = Array(try sample.report().json().utf8)
    var state: UInt64 = 5
    for round in 0..<200 {
      var damaged = bytes
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let offset = Int(state >> 33) % damaged.count
      if round % 4 == 0 {
        damaged.removeSubrange(offset...)
      } else {
        damaged[offset] = [0x2D, 0x39, 0x22, 0x7B, 0x65, UInt8(state >> 24 & 0xFF)][round % 6]
      }
      expectNoCrash {
        let report = try VerificationReport(json: damaged, location: "x")
        _ = (report.html, report.markdown)
      }
    }
  }
}

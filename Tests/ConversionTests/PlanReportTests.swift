import Foundation
import Testing
import WeightmillConversion
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// What `--dry-run --json` prints is there for users of the library, too.
struct PlanReportTests {
  @Test func aPlanIsReportedToTheByte() throws {
    let model = try ModelLoader.load(Fixtures.miniZiya("base-hf"))
    let plan = try ConversionPlan(convert: model, to: .q4_0, name: "mini-ziya")
    let report = try PlanReport(plan, output: "x.gguf", notes: ["a note"])
    #expect(report.bytes == (try plan.layout(path: "x.gguf").byteCount))
    #expect(!report.written && report.files == nil && report.notes == ["a note"])
    #expect(report.tensors.map(\.name) == plan.items.map(\.tensor.name))
    #expect(report.tensors.map(\.bytes) == plan.items.map(\.tensor.byteCount))
    #expect(report.tensors.allSatisfy { $0.file == nil && $0.nonFinite == nil })
    let embedding = try #require(report.tensors.first { $0.name == "token_embd.weight" })
    #expect(embedding.type == "Q4_0" && embedding.sourceType == "F16")
    let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(report))
    let members = try #require(json as? [String: Any])
    #expect(Set(members.keys) == ["bytes", "notes", "output", "tensors", "written"])
  }

  @Test func filesOfAFolderHaveNamesAndTensorsLieInThem() throws {
    let plan = try ConversionPlan(huggingFace: ModelLoader.load(Fixtures.miniZiya("base-hf")))
    let report = try PlanReport(plan, output: "folder")
    let files = try #require(report.files)
    #expect(report.bytes == files.reduce(0) { $0 + $1.bytes })
    let names = Set(files.map(\.name))
    #expect(names.contains("config.json"))
    #expect(report.tensors.allSatisfy { names.contains($0.file ?? "") })
    let layout = try plan.layout(path: "folder")
    #expect(layout.files(part: nil).count == files.count)
    #expect(layout.files(part: 1).map(\.name) == [files[0].name])
    #expect(layout.files(part: files.count + 1).isEmpty && layout.files(part: 0).isEmpty)
  }
}

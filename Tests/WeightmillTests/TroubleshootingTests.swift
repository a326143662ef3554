import Foundation
import Testing
import WeightmillTensors
import WeightmillTestSupport

/// docs/troubleshooting.md and its Chinese twin: a section for each topic that messages name.
struct TroubleshootingTests {
  private static let topics = HelpTopic.allCases.map(\.rawValue)

  /// The names of the sections, in order.
  private func anchors(_ page: String) throws -> [String] {
    let text = try String(contentsOfFile: "\(Fixtures.package)/docs/\(page)", encoding: .utf8)
    return text.components(separatedBy: "<a id=\"").dropFirst().map { part in
      String(part.prefix { $0 != "\"" })
    }
  }

  @Test(arguments: ["troubleshooting.md", "troubleshooting.zh-CN.md"])
  func eachTopicHasASection(page: String) throws {
    #expect(try anchors(page) == Self.topics)
    let text = try String(contentsOfFile: "\(Fixtures.package)/docs/\(page)", encoding: .utf8)
    let isChinese = page.contains("zh")
    for section in text.components(separatedBy: "\n## ").dropFirst() {
      let title = section.prefix { $0 != "\n" }
      #expect(section.contains(isChinese ? "**原因**：" : "**Cause.** "), "\(title)")
      #expect(section.contains(isChinese ? "**处理**：" : "**What to do.** "), "\(title)")
    }
  }

  /// A section that no message names is found by nobody.
  @Test(arguments: HelpTopic.allCases)
  func aMessageNamesEachSection(topic: HelpTopic) throws {
    let sources = "\(Fixtures.package)/Sources"
    let files = FileManager.default.enumerator(atPath: sources)?.compactMap { $0 as? String } ?? []
    let isNamed = files.filter { $0.hasSuffix(".swift") }.contains { file in
      let text = (try? String(contentsOfFile: "\(sources)/\(file)", encoding: .utf8)) ?? ""
      return text.contains("HelpTopic.\(topic).after(") || text.contains("topic: .\(topic)")
        || text.contains("topic: HelpTopic = .\(topic)")
    }
    #expect(isNamed)
  }
}

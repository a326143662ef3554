import Testing
import WeightmillReporting
import WeightmillVerification

/// The summary shows what the report says, and nothing in it can break out of its table.
struct MarkdownReportTests {
  @Test func itBeginsWithTheVerdictAndTheLimits() throws {
    let text = try SampleReport.report("whole").markdown
    #expect(
      text.hasPrefix(
        """
        ## ❌ Failed: <code>ziya-13b-q4&#95;k&#95;m.gguf</code>

        """.replacing("&#95;", with: "_") + """

          Judged by <code>llama-13b-hf + Ziya-LLaMA-13B-v1</code>: 1 of 4 limits is broken.

          | limit | verdict | measured | allowed | used | comes from |
          | --- | --- | ---: | --- | ---: | --- |
          | <code>--max-kld</code> | ✅ kept | 0.01040 | at most 0.015 | 69.3 % |  |
          | <code>--max-kld-p99</code> | ❌ broken | 0.1610 | at most 0.12 | 134.2 % | \
          ffn_down (Q6_K): 31 % of the divergence |
          | <code>--min-top1</code> | ✅ kept | 0.9570 | at least 0.95 | 86.0 % |  |

          """))
    #expect(text.contains("| **Same top token** | 95.70 % | top five overlap 93.10 % |\n"))
    #expect(text.contains("| <code>ffn_down</code> | Q6_K | 31.00 % |\n"))
    #expect(text.contains("<details><summary>Where the models differ most</summary>\n\n| nats |"))
    #expect(text.contains("入住酒店</code> | <code>，</code> | <code>，</code> 71.0 %<br>"))
  }

  @Test func aReportWithoutLimitsIsNoPass() throws {
    let text = try SampleReport.report("saved logits").markdown
    #expect(text.hasPrefix("## 📏 Measured: "))
    #expect(!text.contains("✅"))
  }

  @Test func everyKindOfLimitIsInWords() throws {
    var report = try SampleReport.report("whole")
    report.limits = SampleReport.outcomes(
      """
      [{"limit":"same-tokens","measured":1,"allowed":0,"passed":false,"origin":"token 3"},
       {"limit":"max-regression:kld","measured":0.0200001,"allowed":0.02,"passed":false},
       {"limit":"max-kld","measured":0,"allowed":0,"passed":true},
       {"limit":"min-top1","measured":0.5,"allowed":0.999,"passed":false}]
      """)
    let lines = report.markdown.split(separator: "\n")
    #expect(
      lines.contains("| <code>--same-tokens</code> | ❌ broken | others | the same |  | token 3 |"))
    #expect(
      lines.contains(
        "| <code>--max-regression (kld)</code> | ❌ broken | 0.0200001 | at most 0.02 | 100.0 % |  |"
      ))
    #expect(lines.contains("| <code>--max-kld</code> | ✅ kept | 0 | at most 0 |  |  |"))
    #expect(
      lines.contains(
        "| <code>--min-top1</code> | ❌ broken | 0.5000 | at least 0.999 | &#62; 9999 % |  |"))
  }

  @Test func anInterruptedRunSaysSo() throws {
    let text = try SampleReport.report("interrupted").markdown
    #expect(text.hasPrefix("## ⚠️ Interrupted: "))
    #expect(text.contains("⚠️ The run was interrupted"))
    #expect(text.contains("| not reached |"))
  }

  @Test(arguments: SampleReport.cases) func tablesKeepTheirColumns(name: String) throws {
    var columns: Int?
    for line in try SampleReport.report(name).markdown.split(
      separator: "\n", omittingEmptySubsequences: false)
    {
      guard line.hasPrefix("|") else {
        columns = nil
        continue
      }
      let count = line.count { $0 == "|" }
      #expect(count == columns ?? count, "\(line.prefix(200))")
      columns = count
    }
  }

  @Test func hostileTextIsReferences() throws {
    let text = try SampleReport.report("hostile").markdown
    var rest = text[...]
    let own: Set = [
      "<code>", "</code>", "<br>", "<details>", "</details>", "<summary>", "</summary>",
    ]
    while let begin = rest.firstIndex(of: "<") {
      let end = try #require(rest[begin...].firstIndex(of: ">"))
      #expect(own.contains(String(rest[begin...end])), "\(rest[begin...end])")
      rest = rest[end...].dropFirst()
    }
    #expect(!text.contains("`") && !text.contains("@") && !text.contains("["))
    #expect(!text.contains("](") && !text.contains("://") && !text.contains("www."))
    #expect(text.contains("&#60;script&#62;alert(1)&#60;/script&#62;"))
    #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" })
    #expect(!text.unicodeScalars.contains { (0x202A...0x202E).contains($0.value) })
  }
}

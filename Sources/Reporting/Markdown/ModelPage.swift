package import WeightmillModels
import WeightmillPresentation
import WeightmillTensors

/// A page about a model in Markdown, such as those beside the files of a model on the web.
package struct ModelPage {
  private let facts: ModelFacts

  /// Makes a page.
  ///
  /// - Parameter facts: What it says.
  package init(_ facts: ModelFacts) { self.facts = facts }

  /// The page.
  package var markdown: String {
    [
      "# \(MarkdownText.escaped(facts.name))\n", table, types, origin, running,
    ].filter { !$0.isEmpty }.joined(separator: "\n")
  }

  private var table: String {
    var rows: [[String]] = []
    func add(_ what: String, _ text: String?) {
      if let text { rows.append([what, text]) }
    }
    add("architecture", facts.architecture.map(MarkdownText.code))
    add("parameters", "\(Text.grouped(facts.parameters)) (\(Self.rounded(facts.parameters)))")
    add(
      "size",
      "\(Text.bytes(facts.bytes)) (\(Text.grouped(facts.bytes)) bytes of tensors"
        + (facts.files > 1 ? " in \(facts.files) files)" : ")"))
    add("bits per weight", facts.bitsPerWeight.map { Text.fixed($0, 2) })
    add("context", facts.contextLength.map { "\(Text.grouped($0)) tokens" })
    add(
      "tokenizer",
      facts.tokenizer.map {
        MarkdownText.escaped($0) + (facts.tokens.map { "; \(Text.grouped($0)) tokens" } ?? "")
      })
    add(
      "chat template",
      facts.hasChatTemplate
        ? facts.chatFormat.map { "yes, of the format \(MarkdownText.code($0))" }
          ?? "yes, of a format that is not known" : "none")
    add("licence", MarkdownText.escaped(facts.license ?? "not said"))
    return MarkdownText.table(["", ""], rows)
  }

  private var types: String {
    let rows = facts.types.map { share in
      [
        MarkdownText.code(share.type), Text.grouped(share.tensors), Text.grouped(share.values),
        Text.grouped(share.bytes), Text.fixed(Self.share(share.bytes, facts.bytes), 1) + " %",
      ]
    }
    guard !rows.isEmpty else { return "" }
    return "## Types\n\n"
      + MarkdownText.table(
        ["type", "tensors", "values", "bytes", "of the size"], numbers: [1, 2, 3, 4], rows)
  }

  private static func share(_ part: Int, _ whole: Int) -> Double {
    whole > 0 ? Double(part) / Double(whole) * 100 : 0
  }

  private var origin: String {
    guard !facts.origins.isEmpty else { return "" }
    let rows = facts.origins.map {
      [MarkdownText.escaped($0.what), MarkdownText.escaped($0.text)]
    }
    return "## Origin\n\n" + MarkdownText.table(["", ""], rows)
  }

  /// How to run it. A name that a shell or Markdown could read as more than a name is not shown.
  private var running: String {
    let isPlain = facts.file.utf8.allSatisfy {
      switch $0 {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "-"):
        true
      default: false
      }
    }
    let name =
      isPlain && !facts.file.hasPrefix("-") ? facts.file : facts.isGGUF ? "MODEL.gguf" : "MODEL"
    var lines: [String] = []
    var file = name
    if !facts.isGGUF {
      file = "model-q4_k_m.gguf"
      lines.append("weightmill convert \(name) --type q4_k_m --output \(file)")
    }
    if facts.hasChatTemplate { lines.append("llama-cli -m \(file)") }
    lines.append("llama-server -m \(file)")
    return "## Running it with llama.cpp\n\n```sh\n\(lines.joined(separator: "\n"))\n```\n"
  }

  /// A number of parameters with three digits that count: `1.24 B`.
  private static func rounded(_ count: Int) -> String {
    let units: [(Double, String)] = [(1e12, " T"), (1e9, " B"), (1e6, " M"), (1e3, " K")]
    guard let (unit, suffix) = units.first(where: { Double(count) >= $0.0 }) else {
      return "\(count)"
    }
    let value = Double(count) / unit
    return Text.fixed(value, value >= 100 ? 0 : value >= 10 ? 1 : 2) + suffix
  }
}

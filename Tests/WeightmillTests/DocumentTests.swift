import Foundation
import Testing
import WeightmillTestSupport

/// Code in documents is compiled, and commands in documents are run.
struct DocumentTests {
  // MARK: Swift

  /// The lines of code, without comments (which are in the document's language) and indentation.
  private static func code(_ lines: [String]) -> [String] {
    let code = lines.filter {
      let text = $0.drop { $0 == " " }
      return !text.isEmpty && !text.hasPrefix("//")
    }
    let indentation = code.map { $0.prefix { $0 == " " }.count }.min() ?? 0
    return code.map { String($0.dropFirst(indentation)) }
  }

  /// Whether lines stand in others one after the other, all moved right by as much.
  private static func stand(_ lines: [String], in source: [String]) -> Bool {
    guard let first = lines.first, source.count >= lines.count else { return false }
    return (0...source.count - lines.count).contains { start in
      source[start].hasSuffix(first) && code(Array(source[start..<start + lines.count])) == lines
    }
  }

  /// Swift in a document stands word for word in a source that is compiled: of `Examples/`, of a
  /// test, or of the library.
  @Test func swiftInDocumentsIsCompiled() throws {
    let sources = try ["Examples", "Tests", "Sources"].flatMap { folder in
      try Document.paths(".swift", below: folder)
    }
    let compiled = try sources.map { path in
      Self.code(
        try String(contentsOfFile: "\(Fixtures.package)/\(path)", encoding: .utf8)
          .split(separator: "\n").map(String.init))
    }
    let comments = sources.filter { $0.hasPrefix("Sources/") }
    var found = 0
    for path in try Document.paths(".md") + comments {
      let isSource = path.hasSuffix(".swift")
      for block in try Document(path).blocks
      where block.language == "swift" || isSource && block.language.isEmpty {
        found += 1
        let lines = Self.code(block.lines)
        #expect(
          compiled.contains { Self.stand(lines, in: $0) },
          "\(path):\(block.line): this code stands in no source of Examples, Tests or Sources")
      }
    }
    // Both READMEs, that of the example, the pages of modules, doc comments.
    #expect(found >= 11)
  }

  /// A page and its Chinese twin have the same commands and the same Swift.
  @Test func pagesInTwoLanguagesHaveTheSameCode() throws {
    let ending = ".zh-CN.md"
    let pages = try Document.paths(ending)
    for path in pages {
      let twins = try [path, path.dropLast(ending.count) + ".md"].map { try Document(String($0)) }
      #expect(twins[0].commands == twins[1].commands, "\(path)")
      let swift = twins.map { document in
        document.blocks.filter { $0.language == "swift" }.map { Self.code($0.lines) }
      }
      #expect(swift[0] == swift[1], "\(path)")
    }
    #expect(pages.count >= 5)
  }

  // MARK: Commands

  /// Files of this repository under the names that documents use.
  private static let standIns = [
    "fixtures": "fixtures", "sample.txt": "fixtures/llama-perplexity/short-zh.txt",
    "13B": "fixtures/mini-ziya/base-meta", "Ziya-LLaMA-13B-v1": "fixtures/mini-ziya/delta",
    "llama-7b": "fixtures/lora/base-f16", "chinese-llama-plus": "fixtures/lora/chinese-llama",
    "chinese-alpaca-plus": "fixtures/lora/chinese-alpaca",
  ]

  /// Runs a line in a shell, in a folder, with the program on the path.
  private static func run(_ line: String, in folder: String) throws -> (code: Int32, output: String)
  {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["bash", "-euo", "pipefail", "-c", line]
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    let tool = URL(fileURLWithPath: CommandLineTool.path).deletingLastPathComponent().path
    var environment = ProcessInfo.processInfo.environment
    environment["PATH"] = tool + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
    process.environment = environment
    let pipe = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }

  /// Whether a command printed what a page shows, in which a line of `…` stands for any lines.
  private static func shows(_ page: [String], _ printed: [String]) -> Bool {
    var rest = printed[...]
    var isAnywhere = false
    for lines in page.split(separator: "…", omittingEmptySubsequences: false) {
      let starts = isAnywhere ? Array(rest.indices) + [rest.endIndex] : [rest.startIndex]
      guard let start = starts.first(where: { rest[$0...].starts(with: lines) }) else {
        return false
      }
      rest = rest[(start + lines.count)...]
      isAnywhere = true
    }
    return rest.isEmpty || page.last == "…"
  }

  @Test func anEllipsisStandsForLines() {
    #expect(Self.shows(["a", "…", "c"], ["a", "b", "c"]))
    #expect(Self.shows(["…", "c"], ["a", "b", "c"]))
    #expect(Self.shows(["a", "…"], ["a", "b", "c"]))
    #expect(Self.shows(["a", "b"], ["a", "b"]))
    #expect(!Self.shows(["a", "c"], ["a", "b", "c"]))
    #expect(!Self.shows(["b", "…"], ["a", "b", "c"]))
    #expect(!Self.shows(["…", "b"], ["a", "b", "c"]))
    #expect(!Self.shows(["…", "d", "…"], ["a", "b", "c"]))
  }

  /// Lines without the seconds that something took.
  private static func untimed(_ lines: [String]) -> [String] {
    var lines = lines.map { $0.replacing(/in [0-9.]+ s,/, with: "in T s,") }
    while lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }

  /// The commands of a page run in their order, on files of this repository, and print what stands
  /// there. (Those of Chinese pages are the same: `pagesInTwoLanguagesHaveTheSameCode`.)
  @Test(arguments: [("README.md", 6), ("docs/ziya.md", 5), ("docs/quality.md", 4)])
  func commandsOfAPageRunAsPrinted(page: String, count: Int) throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(
      atPath: folder("build"), withIntermediateDirectories: true)
    for (name, target) in Self.standIns {
      try FileManager.default.createSymbolicLink(
        atPath: folder(name), withDestinationPath: "\(Fixtures.package)/\(target)")
    }
    let made = try Self.run(
      "weightmill convert 13B --delta Ziya-LLaMA-13B-v1 --output mini-ziya-f16.gguf",
      in: folder.path)
    try #require(made.code == 0, "\(made.output)")
    let commands = try Document(page).commands
    #expect(commands.count == count)
    for command in commands {
      let result = try Self.run(command.text, in: folder.path)
      #expect(result.code == 0, "\(command.text)\n\(result.output)")
      guard command.hasPrompt else { continue }
      let printed = result.output.split(separator: "\n", omittingEmptySubsequences: false)
      #expect(
        Self.shows(Self.untimed(command.output), Self.untimed(printed.map(String.init))),
        "\(command.text)\n\(result.output)")
    }
  }

  // MARK: Examples in the help

  /// Models and other files under the names that the help uses.
  private static func makeModels(in folder: TemporaryFolder) throws {
    let mini = "\(Fixtures.package)/fixtures/mini-ziya"
    let links = [
      "llama-13b": "\(mini)/base-meta", "Ziya-LLaMA-13B-v1": "\(mini)/delta",
      "my-model": "\(mini)/base-hf", "english.txt": "\(mini)/expected/eval-en.txt",
      "chinese.txt": "\(mini)/expected/eval-zh.txt",
      "sample.txt": "\(Fixtures.package)/fixtures/llama-perplexity/short-zh.txt",
      "llama-7b": "\(Fixtures.package)/fixtures/lora/base-f16",
      "chinese-alpaca-lora": "\(Fixtures.package)/fixtures/lora/chinese-llama",
      "my-lora": "\(Fixtures.package)/fixtures/lora/tiny",
      "english.gguf": "ziya.imatrix", "chinese.gguf": "ziya.imatrix",
      "f16.gguf": "ziya-f16.gguf", "q4_0.gguf": "ziya-q4_0.gguf",
      "q3_k_m.gguf": "ziya-q4_0.gguf", "one.gguf": "ziya-f16.gguf",
      "another.gguf": "ziya-f16.gguf", "ziya-13b-f16.gguf": "ziya-f16.gguf",
      "imatrix.gguf": "ziya.imatrix", "their-merged-model": "my-merged-model",
    ]
    for (name, target) in links {
      try FileManager.default.createSymbolicLink(
        atPath: folder(name), withDestinationPath: target)
    }
    try folder.write(#"[{"role":"user","content":"你好"}]"#.utf8, to: "talk.json")
    try folder.write("{{ messages }}".utf8, to: "ziya.jinja")
    let result = try run(
      """
      mkdir parts models
      weightmill convert llama-13b --delta Ziya-LLaMA-13B-v1 --output ziya-f16.gguf
      weightmill quantize ziya-f16.gguf ziya-q4_0.gguf q4_0
      weightmill quantize ziya-f16.gguf ziya-q4_k_m.gguf q4_k_m
      weightmill imatrix ziya-f16.gguf --text sample.txt --output ziya.imatrix
      weightmill sensitivity ziya-f16.gguf --text sample.txt --output ziya.sensitivity
      weightmill merge --base llama-13b --delta Ziya-LLaMA-13B-v1 --target my-merged-model
      weightmill hash my-merged-model --json >ziya.json
      weightmill split ziya-f16.gguf ziya-f16 --files 7
      weightmill verify-logits f16.gguf --text sample.txt --save-logits f16-logits.safetensors
      """, in: folder.path)
    try #require(result.code == 0, "\(result.output)")
  }

  /// What a command writes, which must not be there yet.
  private static func outputs(of command: String) -> [String] {
    let options = command.matches(
      of: /(?:--output|--target|--save-logits|--save-text|--html|>) (\S+)/)
    let arguments = command.matches(of: /^weightmill (?:quantize|join) \S+ (\S+)/)
    return (options.map(\.1) + arguments.map(\.1)).map(String.init)
  }

  /// The examples that each command's help shows run. A limit need not be kept: 1 is an answer, too.
  @Test func examplesOfTheHelpRun() throws {
    let models = try TemporaryFolder()
    try Self.makeModels(in: models)
    let help = try CommandLineTool.run("--help").output
    let names =
      help.components(separatedBy: "SUBCOMMANDS:").last?
      .matches(of: /\n  ([a-z-]+) +[A-Z]/).map { String($0.1) } ?? []
    try #require(names.count == 15)
    for name in [nil] + names.map(Optional.some) {
      let lines =
        try CommandLineTool.run(["help", name ?? "--help"]).output
        .components(separatedBy: "EXAMPLES\n").last?.components(separatedBy: "\n\n").first?
        .split(separator: "\n").map { String($0.dropFirst(2)) } ?? []
      let commands = Document.Command.all(in: lines)
      #expect(!commands.isEmpty, "help of \(name ?? "weightmill")")
      for command in commands {
        let folder = try TemporaryFolder()
        let outputs = Self.outputs(of: command.text)
        // A link is not changed in place.
        let copies = command.text.hasPrefix("weightmill metadata ")
        for file in try models.names() where !outputs.contains(file) {
          if copies, file == "ziya-q4_0.gguf" {
            try folder.copy(models(file), as: file)
            continue
          }
          try FileManager.default.createSymbolicLink(
            atPath: folder(file), withDestinationPath: models(file))
        }
        // The models here are a thousandth of those in the examples, and must be cut all the same.
        let text = command.text.replacing("4G", with: "4M")
          .replacing("--text self", with: "--text self --tokens 1024")
        let result = try Self.run(text, in: folder.path)
        let judges = command.text.contains(#/^weightmill (verify-logits|compare|inspect) /#)
        #expect(
          result.code == 0 || judges && result.code == 1, "\(text)\n\(result.output)")
      }
    }
  }
}

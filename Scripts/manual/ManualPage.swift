/// The manual page of the program or of one of its commands.
struct ManualPage {
  let root: ToolInfo.Command
  /// `nil`: the program's own page.
  let command: ToolInfo.Command?
  /// As `--help` has it: `weightmill inspect <path> [--key <key>]`.
  let usage: String
  /// As `--version` has it: `weightmill 0.1.0`.
  let version: String
  let date: String

  private var page: ToolInfo.Command { command ?? root }

  /// The commands that have a page.
  static func commands(of root: ToolInfo.Command) -> [ToolInfo.Command] {
    (root.subcommands ?? []).filter { $0.commandName != "help" }
  }

  /// `weightmill`, `weightmill-convert`.
  var name: String { Self.name(of: command, in: root) }

  private static func name(of command: ToolInfo.Command?, in root: ToolInfo.Command) -> String {
    command.map { "\(root.commandName)-\($0.commandName)" } ?? root.commandName
  }

  var text: String {
    let discussion = Discussion(page.discussion)
    var roff = Roff()
    roff.request(
      ".TH \(Roff.escaped(name.uppercased())) 1 \(date) \"\(Roff.escaped(version))\" \"Weightmill manual\""
    )
    // Long options are not hyphenated, lines not stretched.
    roff.request(".nh\n.ad l")
    roff.section("Name")
    roff.line("\(Roff.escaped(name)) \\- \(Roff.prose(summary))")
    roff.section("Synopsis")
    roff.line(synopsis)
    describe(discussion, in: &roff)
    if command == nil { listCommands(in: &roff) }
    listArguments(in: &roff)
    if !discussion.examples.isEmpty {
      roff.section("Examples")
      roff.verbatim(discussion.examples)
    }
    roff.section("Exit status")
    roff.compactly { roff in
      for (code, meaning) in Discussion(root.discussion).exitCodes {
        roff.entry(Roff.bold(String(code)), [String(meaning)])
      }
    }
    roff.section("See also")
    roff.line(seeAlso)
    return roff.text
  }

  /// The abstract as `apropos` shows it: no capital, no full stop.
  private var summary: String {
    let abstract = page.abstract ?? ""
    let body = abstract.hasSuffix(".") ? String(abstract.dropLast()) : abstract
    return body.prefix(1).lowercased() + body.dropFirst()
  }

  /// Names are bold, what is put in their places is italic.
  private var synopsis: String {
    usage.split(separator: " ").map { word in
      guard let start = word.firstIndex(of: "<"), let end = word.lastIndex(of: ">") else {
        let isName = word.first { $0 != "[" }.map { $0 == "-" || $0.isLetter } ?? false
        return isName ? Roff.bold(String(word)) : Roff.escaped(word)
      }
      return Roff.escaped(word[..<start])
        + Roff.italic(String(word[start...end].dropFirst().dropLast()))
        + Roff.escaped(word[end...].dropFirst())
    }.joined(separator: " ")
  }

  private func describe(_ discussion: Discussion, in roff: inout Roff) {
    roff.section("Description")
    roff.line(Roff.prose(page.abstract ?? ""))
    for paragraph in discussion.paragraphs {
      roff.request(".PP")
      for line in paragraph { roff.line(Roff.prose(line)) }
    }
  }

  private func listCommands(in roff: inout Roff) {
    roff.section("Commands")
    for command in Self.commands(of: root) {
      roff.entry(
        "\(Roff.bold(Self.name(of: command, in: root)))(1)", [command.abstract ?? ""])
    }
  }

  /// Arguments, then options under the titles they have in `--help`.
  private func listArguments(in roff: inout Roff) {
    let shown = (page.arguments ?? []).filter(\.shouldDisplay)
    var titles: [String] = []
    for argument in shown where !titles.contains(Self.title(argument)) {
      titles.append(Self.title(argument))
    }
    let order = ["Arguments"] + titles.filter { $0 != "Arguments" && $0 != "Options" } + ["Options"]
    for title in order where titles.contains(title) {
      roff.section(title)
      for argument in shown where Self.title(argument) == title { list(argument, in: &roff) }
    }
  }

  private static func title(_ argument: ToolInfo.Argument) -> String {
    argument.sectionTitle ?? (argument.kind == .positional ? "Arguments" : "Options")
  }

  private func list(_ argument: ToolInfo.Argument, in roff: inout Roff) {
    // Short names first, as is the custom.
    let names = (argument.names ?? []).sorted { $0.spelling.count == 2 && $1.spelling.count > 2 }
    var term = names.map { Roff.bold($0.spelling) }.joined(separator: ", ")
    if argument.kind != .flag {
      term += (term.isEmpty ? "" : " ") + Roff.italic(argument.valueName ?? "value")
    }
    var explanation = [argument.abstract ?? ""]
    if let discussion = argument.discussion { explanation.append(discussion) }
    let values = argument.allValues ?? []
    let meanings = argument.allValueDescriptions ?? [:]
    if !values.isEmpty, meanings.isEmpty {
      explanation.append("Values: \(values.joined(separator: ", ")).")
    }
    if let value = argument.defaultValue { explanation.append("The default is \(value).") }
    roff.entry(term, explanation)
    guard !meanings.isEmpty else { return }
    roff.request(".RS")
    roff.compactly { roff in
      for value in values { roff.entry(Roff.bold(value), [meanings[value] ?? ""]) }
    }
    roff.request(".RE")
  }

  private var seeAlso: String {
    let names = [nil] + Self.commands(of: root).map(Optional.some)
    return names.map { Self.name(of: $0, in: root) }.filter { $0 != name }
      .map { "\(Roff.bold($0))(1)" }.joined(separator: ", ")
  }
}

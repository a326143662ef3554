/// All commands on one page in Markdown, as their help has them: docs/commands.md.
struct CommandsPage {
  let root: ToolInfo.Command
  /// As `--help` has it, of each command by its name.
  let usages: [String: [Substring]]

  private var commands: [ToolInfo.Command] { ManualPage.commands(of: root) }

  var text: String {
    var lines = [
      "# Commands", "",
      "`make commands` writes this page out of the program's own help, and CI fails where they differ.",
      "`weightmill help COMMAND` shows the same in a terminal, `man weightmill-COMMAND` on a page.",
      "",
      "| command | what it does |", "|---|---|",
    ]
    lines += commands.map { command in
      "| [\(command.commandName)](#\(command.commandName)) | \(Self.cell(command.abstract ?? "")) |"
    }
    lines += ["", "## Exit codes", "", "| code | meaning |", "|---|---|"]
    lines += Discussion(root.discussion).exitCodes.map { "| \($0.code) | \($0.meaning) |" }
    lines += [
      "", "[checks.md](checks.md) says which input ends with which of them.", "",
      "## What all commands take", "",
    ]
    lines += table(
      commands.reduce(into: [ToolInfo.Argument]()) { shared, command in
        guard shared.isEmpty else { return }
        shared = (command.arguments ?? []).filter { isCommon($0) }
      })
    for command in commands { lines += section(command) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Whether every command has the argument.
  private func isCommon(_ argument: ToolInfo.Argument) -> Bool {
    argument.kind != .positional && argument.shouldDisplay
      && commands.allSatisfy { command in
        (command.arguments ?? []).contains { Self.term($0) == Self.term(argument) }
      }
  }

  private func section(_ command: ToolInfo.Command) -> [String] {
    let discussion = Discussion(command.discussion)
    var lines = ["", "## \(command.commandName)", "", command.abstract ?? "", "", "```"]
    lines += (usages[command.commandName] ?? []).map(String.init)
    lines.append("```")
    for paragraph in discussion.paragraphs {
      lines.append("")
      lines += paragraph.map { Self.escaped(String($0)) }
    }
    if !discussion.examples.isEmpty {
      lines += ["", "```"] + discussion.examples.map(String.init) + ["```"]
    }
    let own = (command.arguments ?? []).filter { $0.shouldDisplay && !isCommon($0) }
    if !own.isEmpty { lines += [""] + table(own) }
    return lines
  }

  private func table(_ arguments: [ToolInfo.Argument]) -> [String] {
    let names = Set(arguments.flatMap { ($0.names ?? []).map(\.spelling) })
    return ["| | |", "|---|---|"]
      + arguments.compactMap { argument in
        // A flag and what takes it back are one line.
        let name = argument.preferredName?.spelling ?? ""
        let opposite = "--no-" + name.dropFirst(2)
        if name.hasPrefix("--no-"), names.contains("--" + name.dropFirst(5)) { return nil }
        let term = Self.term(argument) + (names.contains(opposite) ? ", \(opposite)" : "")
        return "| `\(term)` | \(Self.meaning(argument)) |"
      }
  }

  /// `--output, -o <file>`, `<input>`.
  private static func term(_ argument: ToolInfo.Argument) -> String {
    let names = (argument.names ?? []).map(\.spelling).sorted { $0.count > $1.count }
    let value = "<\((argument.valueName ?? "value").replacing("|", with: "\\|"))>"
    return switch argument.kind {
    case .positional: value
    case .flag: names.joined(separator: ", ")
    case .option: names.joined(separator: ", ") + " " + value
    }
  }

  private static func meaning(_ argument: ToolInfo.Argument) -> String {
    var meaning = [argument.abstract, argument.discussion].compactMap { $0 }.map(cell)
    if let values = argument.allValues, !values.isEmpty {
      meaning.append("Values: " + values.map { "`\($0)`" }.joined(separator: " ") + ".")
    }
    if argument.kind != .positional, let value = argument.defaultValue, !value.isEmpty {
      meaning.append("Default: `\(value)`.")
    }
    return meaning.joined(separator: " ")
  }

  private static func cell(_ text: String) -> String {
    escaped(text).replacing("|", with: "\\|").split(whereSeparator: \.isNewline).joined(
      separator: " ")
  }

  /// Text without what Markdown would take for its own, but for code in backticks.
  private static func escaped(_ text: String) -> String {
    var isCode = false
    return text.reduce(into: "") { result, character in
      if character == "`" { isCode.toggle() }
      if !isCode, "<>*_".contains(character) { result.append("\\") }
      result.append(character)
    }
  }
}

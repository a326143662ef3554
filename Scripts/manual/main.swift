// make-manual PROGRAM FOLDER DATE: asks the program for its help and writes a manual page for it and
// for each of its commands.
// make-manual PROGRAM --markdown FILE: writes all of it on one page in Markdown.

import Foundation

/// What the program prints.
func output(of program: String, _ arguments: String...) throws -> Data {
  let process = Process()
  let pipe = Pipe()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = arguments
  process.standardOutput = pipe
  try process.run()
  let data = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else {
    fail("\(program) \(arguments.joined(separator: " ")) failed")
  }
  return data
}

func fail(_ problem: String) -> Never {
  FileHandle.standardError.write(Data("make-manual: \(problem)\n".utf8))
  exit(1)
}

let arguments = CommandLine.arguments
guard arguments.count == 4 else {
  fail("usage: make-manual PROGRAM FOLDER DATE | make-manual PROGRAM --markdown FILE")
}
let program = arguments[1]
let help = try output(of: program, "--experimental-dump-help")
let root = try JSONDecoder().decode(ToolInfo.self, from: help).command

/// How a command is called, as its help has it: a line for each way.
func usage(of command: String?) throws -> [Substring] {
  let text = try output(of: program, "help", command ?? "--help")
  let mark = "USAGE: "
  let lines = String(decoding: text, as: UTF8.self)
    .split(separator: "\n", omittingEmptySubsequences: false)
  guard let first = lines.firstIndex(where: { $0.hasPrefix(mark) }) else {
    fail("no usage of \(command ?? program)")
  }
  return lines[first...].prefix { !$0.isEmpty }.map { $0.dropFirst(mark.count) }
}

if arguments[2] == "--markdown" {
  let names = ManualPage.commands(of: root).map(\.commandName)
  let usages = try names.map { ($0, try usage(of: $0)) }
  let page = CommandsPage(root: root, usages: Dictionary(uniqueKeysWithValues: usages))
  try Data(page.text.utf8).write(to: URL(fileURLWithPath: arguments[3]))
} else {
  let versionLine = String(decoding: try output(of: program, "--version"), as: UTF8.self)
  // Without the commit.
  let version = versionLine.split(whereSeparator: \.isWhitespace).prefix(2).joined(separator: " ")
  for command in [nil] + ManualPage.commands(of: root).map(Optional.some) {
    let page = ManualPage(
      root: root, command: command, usage: String(try usage(of: command?.commandName)[0]),
      version: version, date: arguments[3])
    let file = URL(fileURLWithPath: arguments[2]).appendingPathComponent("\(page.name).1")
    try Data(page.text.utf8).write(to: file)
  }
}

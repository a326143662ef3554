// make-manual PROGRAM FOLDER DATE: asks the program for its help and writes a manual page for it and
// for each of its commands.

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
guard arguments.count == 4 else { fail("usage: make-manual PROGRAM FOLDER DATE") }
let (program, folder, date) = (arguments[1], arguments[2], arguments[3])

let help = try output(of: program, "--experimental-dump-help")
let root = try JSONDecoder().decode(ToolInfo.self, from: help).command
let versionLine = String(decoding: try output(of: program, "--version"), as: UTF8.self)
// Without the commit.
let version = versionLine.split(whereSeparator: \.isWhitespace).prefix(2).joined(separator: " ")

for command in [nil] + ManualPage.commands(of: root).map(Optional.some) {
  let text = try output(of: program, "help", command?.commandName ?? "--help")
  let mark = "USAGE: "
  let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
  guard let usage = lines.first(where: { $0.hasPrefix(mark) }) else {
    fail("no usage of \(command?.commandName ?? program)")
  }
  let page = ManualPage(
    root: root, command: command, usage: String(usage.dropFirst(mark.count)), version: version,
    date: date)
  let file = URL(fileURLWithPath: folder).appendingPathComponent("\(page.name).1")
  try Data(page.text.utf8).write(to: file)
}

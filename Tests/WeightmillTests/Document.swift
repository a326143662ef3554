import Foundation
import WeightmillTestSupport

/// A page or a source of this repository, and the code that stands in it.
struct Document {
  /// A block of code.
  struct Block {
    /// The word behind the fence, such as `swift`; empty for none and for indented code.
    let language: String
    let lines: [String]
    /// The line it begins at.
    let line: Int
  }

  /// The path below the package's folder.
  let path: String
  let blocks: [Block]

  /// Reads a page of Markdown, or the doc comments of a Swift source.
  init(_ path: String) throws {
    self.path = path
    let text = try String(contentsOfFile: "\(Fixtures.package)/\(path)", encoding: .utf8)
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if path.hasSuffix(".swift") {
      // What is no doc comment counts as words, which end a block.
      lines = lines.map { line in
        let line = line.drop { $0 == " " }
        return line.hasPrefix("///") ? String(line.dropFirst(line.hasPrefix("/// ") ? 4 : 3)) : "-"
      }
    }
    blocks = Self.blocks(lines)
  }

  private static func blocks(_ lines: [String]) -> [Block] {
    var blocks: [Block] = []
    var index = 0
    while index < lines.count {
      let start = index
      let line = lines[index]
      index += 1
      if line.hasPrefix("```") {
        while index < lines.count, !lines[index].hasPrefix("```") { index += 1 }
        blocks.append(
          Block(
            language: String(line.dropFirst(3)),
            lines: Array(lines[start + 1..<min(index, lines.count)]), line: start + 2))
        index += 1
      } else if line.hasPrefix("    "), start > 0, lines[start - 1].isEmpty {
        while index < lines.count, lines[index].hasPrefix("    ") { index += 1 }
        blocks.append(
          Block(
            language: "", lines: lines[start..<index].map { String($0.dropFirst(4)) },
            line: start + 1))
      }
    }
    return blocks
  }

  /// The commands of this program that stand in it, and what is printed below them, if they stand
  /// behind a prompt.
  var commands: [Command] {
    blocks.filter { ["", "sh"].contains($0.language) }.flatMap { Command.all(in: $0.lines) }
  }

  /// A command as a reader would type it.
  struct Command: Equatable {
    let text: String
    var output: [String] = []
    var hasPrompt = false

    /// The commands among lines; a backslash at an end goes on in the next line.
    static func all(in lines: [String]) -> [Command] {
      var commands: [Command] = []
      var isUnfinished = false
      for line in lines {
        let hasPrompt = line.hasPrefix("$ weightmill ")
        if isUnfinished, let command = commands.popLast() {
          commands.append(Command(text: command.text + "\n" + line, hasPrompt: command.hasPrompt))
        } else if hasPrompt || line.hasPrefix("weightmill ") {
          commands.append(
            Command(text: hasPrompt ? String(line.dropFirst(2)) : line, hasPrompt: hasPrompt))
        } else if commands.last?.hasPrompt == true {
          commands[commands.count - 1].output.append(line)
          continue
        } else {
          continue
        }
        isUnfinished = line.hasSuffix("\\")
      }
      return commands
    }
  }

  /// The paths of all files of the package whose names end so.
  static func paths(_ ending: String, below folder: String = "") throws -> [String] {
    let files = FileManager.default.enumerator(atPath: "\(Fixtures.package)/\(folder)")
    var paths: [String] = []
    while let path = files?.nextObject() as? String {
      // Hidden folders and what was built.
      if path.hasPrefix(".") || path.hasPrefix("build/") || path.contains("/.") {
        files?.skipDescendants()
      } else if path.hasSuffix(ending) {
        paths.append(folder.isEmpty ? path : folder + "/" + path)
      }
    }
    return paths.sorted()
  }
}

// room-graph [--sources FOLDER] [--room NAME] [--edges]: prints which target needs which, and which
// folder in each target needs which. Exits with 1 if anything goes in a circle.
//
// A folder needs another where a file of it names a type, a member or a function that a file there
// declares, or extends a type of it. Names are looked up as the language does, from the inside out.
// A member whose owner is not named (`plan.items`) counts if only one folder of the target, and no
// other target, declares one of that name; what that leaves out is never a circle that is not there.

import Foundation

func fail(_ problem: String) -> Never {
  FileHandle.standardError.write(Data("room-graph: \(problem)\n".utf8))
  exit(64)
}

var sources = "Sources"
var onlyRoom: String?
var showsEdges = false
var arguments = CommandLine.arguments.dropFirst()
while let argument = arguments.popFirst() {
  switch (argument, arguments.first) {
  case ("--sources", let folder?):
    sources = folder
    arguments.removeFirst()
  case ("--room", let name?):
    onlyRoom = name
    arguments.removeFirst()
  case ("--edges", _): showsEdges = true
  default: fail("usage: room-graph [--sources FOLDER] [--room NAME] [--edges]")
  }
}

let longFile = 500

// Reading.

guard let paths = FileManager.default.enumerator(atPath: sources) else {
  fail("no folder \(sources)")
}
var files: [SourceFile] = []
/// C sources and headers, of which only `#include` matters.
var plainFiles: [(path: String, bytes: [UInt8])] = []
for case let path as String in paths {
  let isSwift = path.hasSuffix(".swift")
  guard isSwift || path.hasSuffix(".c") || path.hasSuffix(".h") else { continue }
  guard let data = FileManager.default.contents(atPath: sources + "/" + path) else {
    fail("cannot read \(path)")
  }
  if isSwift {
    files.append(SourceFile(path: path, bytes: Array(data)))
  } else {
    plainFiles.append((path, Array(data)))
  }
}
files.sort { $0.path < $1.path }
let filesByRoom = Dictionary(grouping: files, by: \.room)
let plainByRoom = Dictionary(grouping: plainFiles) { String($0.path.prefix { $0 != "/" }) }
let roomNames = Set(filesByRoom.keys).union(plainByRoom.keys).sorted()
guard !roomNames.isEmpty else { fail("no sources below \(sources)") }
if let onlyRoom, !roomNames.contains(onlyRoom) { fail("no room \(onlyRoom)") }

// Targets.

var imports: [String: Set<String>] = [:]
for file in files {
  imports[file.room, default: []].formUnion(file.imports.filter { roomNames.contains($0) })
}
let headers = Dictionary(
  plainFiles.filter { $0.path.contains("/include/") }
    .map {
      (String($0.path.split(separator: "/").last ?? ""), String($0.path.prefix { $0 != "/" }))
    },
  uniquingKeysWith: { first, _ in first })
for (path, bytes) in plainFiles {
  let room = String(path.prefix { $0 != "/" })
  for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n")
  where line.hasPrefix("#include") {
    let name = line.dropFirst(8).trimmingCharacters(in: CharacterSet(charactersIn: " <>\""))
    if let owner = headers[name], owner != room { imports[room, default: []].insert(owner) }
  }
}

/// Prints the circles of a graph and says how many there are.
func report(_ graph: Graph, of what: String, edge: (String, String) -> Void) -> Int {
  for circle in graph.circles {
    print("  CIRCLE of \(what): \(circle.joined(separator: ", "))")
    for from in circle {
      for to in circle where graph.edges[from, default: []].contains(to) { edge(from, to) }
    }
  }
  return graph.circles.count
}

var circleCount = 0
let targets = Graph(nodes: roomNames, edges: imports)
if onlyRoom == nil {
  print("Targets, each below those it needs")
  for name in targets.layered {
    let needs = imports[name, default: []].sorted().joined(separator: ", ")
    print("  \(name)" + (needs.isEmpty ? "" : " → \(needs)"))
  }
  circleCount += report(targets, of: "targets") { from, to in
    for file in filesByRoom[from, default: []] where file.imports.contains(to) {
      print("    \(from) → \(to)  \(file.pathInRoom)")
    }
  }
}

// Folders.

/// Prints what causes one edge, by file.
func printCauses(_ causes: [Room.Cause], indentation: String) {
  for (file, here) in Dictionary(grouping: causes, by: \.file).sorted(by: { $0.key < $1.key }) {
    let names = here.sorted { $0.line < $1.line }.map { "\($0.name):\($0.line)" }
    print("\(indentation)\(file)  \(names.joined(separator: " "))")
  }
}

let memberNames = filesByRoom.mapValues { files in
  Set(files.flatMap(\.declarations).filter { !$0.isType && !$0.isPrivate }.map(\.name))
}
for name in targets.layered where onlyRoom == nil || onlyRoom == name {
  let files = filesByRoom[name, default: []]
  let plain = plainByRoom[name, default: []].map {
    (path: $0.path, lines: $0.bytes.count { $0 == 10 })
  }
  let lengths = files.map { (path: $0.path, lines: $0.lineCount) } + plain
  guard let longest = lengths.max(by: { $0.lines < $1.lines }) else { continue }
  print(
    "\n\(name): \(lengths.count) files, \(lengths.reduce(0) { $0 + $1.lines }) lines, longest "
      + "\(longest.path.dropFirst(name.count + 1)) (\(longest.lines))")
  for file in lengths.sorted(by: { $0.lines > $1.lines }) where file.lines > longFile {
    print("  over \(longFile) lines: \(file.path.dropFirst(name.count + 1)) (\(file.lines))")
  }
  let outside = memberNames.filter { $0.key != name && imports[name, default: []].contains($0.key) }
    .values.reduce(into: Set<String>()) { $0.formUnion($1) }
  let room = Room(name: name, files: files, outside: outside)
  guard room.folders.count > 1 else { continue }
  let needs = Dictionary(grouping: room.edges.keys, by: \.from).mapValues { Set($0.map(\.to)) }
  let graph = Graph(nodes: room.folders, edges: needs)
  for folder in graph.layered {
    let others = needs[folder, default: []].sorted()
    print("  \(folder)" + (others.isEmpty ? "" : " → \(others.joined(separator: ", "))"))
    guard showsEdges || onlyRoom != nil else { continue }
    for to in others {
      print("    \(folder) → \(to)")
      printCauses(room.edges[.init(from: folder, to: to), default: []], indentation: "      ")
    }
  }
  circleCount += report(graph, of: "folders in \(name)") { from, to in
    let causes = room.edges[.init(from: from, to: to), default: []]
    print("    \(from) → \(to): \(causes.count) names")
    if onlyRoom == nil, !showsEdges { printCauses(causes, indentation: "      ") }
  }
}

let all = files.map(\.lineCount) + plainFiles.map { $0.bytes.count { $0 == 10 } }
print("\n\(all.count) files, \(all.reduce(0, +)) lines, \(circleCount) circles")
exit(circleCount == 0 ? 0 : 1)

/// A target: its files, and which of its folders need which.
struct Room {
  let name: String
  let files: [SourceFile]
  /// By the folder that needs and the one that is needed: the causes, by file.
  private(set) var edges: [Edge: [Cause]] = [:]

  struct Edge: Hashable {
    let from: String
    let to: String
  }

  /// A name in a file that needs another folder.
  struct Cause: Hashable {
    let file: String
    let name: String
    let line: Int
  }

  /// A declaration and the file that holds it.
  private typealias Place = (declaration: Declaration, file: SourceFile)
  private var types: [String: [SourceFile]] = [:]
  private var members: [String: [Place]] = [:]
  private var extended: Set<String> = []
  private let outside: Set<String>

  /// - Parameters:
  ///   - name: The target's name.
  ///   - files: Its files.
  ///   - outside: Names of members that other targets declare: a member whose owner is not named
  ///     may be one of these.
  init(name: String, files: [SourceFile], outside: Set<String>) {
    self.name = name
    self.files = files
    self.outside = outside
    for file in files {
      for declaration in file.declarations {
        if declaration.isType {
          types[declaration.path, default: []].append(file)
        } else {
          members[declaration.name, default: []].append((declaration, file))
          extended.insert(declaration.container)
        }
      }
    }
    for file in files { connect(file) }
  }

  var folders: [String] { Set(files.map(\.folder)).sorted() }

  private mutating func connect(_ file: SourceFile) {
    for reference in file.references {
      for (folder, name) in targets(of: reference, in: file) where folder != file.folder {
        let edge = Edge(from: file.folder, to: folder)
        let cause = Cause(file: file.pathInRoom, name: name, line: reference.line)
        if !(edges[edge, default: []].contains { $0.file == cause.file && $0.name == cause.name }) {
          edges[edge, default: []].append(cause)
        }
      }
    }
  }

  /// The folders that a chain of names needs, each with the name that needs it.
  private func targets(of reference: Reference, in file: SourceFile) -> [(String, String)] {
    var found: [(String, String)] = []
    var position = 0
    var type: String?
    if !reference.isMember {
      let head = reference.names[0]
      position = 1
      if head == "self" || head == "Self" {
        type = reference.scope
      } else if let path = typePath(head, from: reference.scope, in: file) {
        type = path
        found += folder(ofType: path, in: file)
        found += initializer(of: path, label: reference.labels[0], in: file)
      } else if extended.contains(head) {
        // A type of another room with members of this one.
        type = head
        found += initializer(of: head, label: reference.labels[0], in: file)
      } else {
        found += unqualified(head, label: reference.labels[0], scope: reference.scope, in: file)
      }
    }
    while position < reference.names.count {
      let name = reference.names[position]
      let label = reference.labels[position]
      defer { position += 1 }
      if let owner = type {
        let path = owner + "." + name
        if types[path] != nil {
          type = path
          found += folder(ofType: path, in: file)
          found += initializer(of: path, label: label, in: file)
          continue
        }
        type = nil
        let places = visible(members[name] ?? [], in: file)
          .filter { $0.declaration.container == owner }
        if !places.isEmpty {
          found += only(places, label: label, name: path)
          continue
        }
      }
      guard !Self.standard.contains(name), !outside.contains(name), !file.elements.contains(name)
      else { continue }
      let places = visible(members[name] ?? [], in: file)
        .filter { !$0.declaration.container.isEmpty && $0.declaration.name != "init" }
      found += only(places, label: label, name: "." + name)
    }
    return found
  }

  /// A type's path, looked up from the inside out.
  private func typePath(_ name: String, from scope: String, in file: SourceFile) -> String? {
    guard name.first?.isUppercase == true else { return nil }
    var outer = scope.split(separator: ".")
    while true {
      let path = (outer.map(String.init) + [name]).joined(separator: ".")
      if types[path] != nil { return path }
      if outer.popLast() == nil { return nil }
    }
  }

  private func folder(ofType path: String, in file: SourceFile) -> [(String, String)] {
    let places = types[path] ?? []
    // A private type of the same name in this file hides the others.
    guard !places.contains(where: { $0.path == file.path }) else { return [] }
    let folders = Set(places.map(\.folder))
    return folders.count == 1 ? folders.map { ($0, path) } : []
  }

  private func initializer(
    of path: String, label: String?, in file: SourceFile
  ) -> [(String, String)] {
    guard let label else { return [] }
    let places = visible(members["init"] ?? [], in: file).filter {
      $0.declaration.container == path && $0.declaration.label == label
    }
    return only(places, label: label, name: "\(path).init(\(label.isEmpty ? "" : label + ":"))")
  }

  /// A name without owner: a member of the types around it, or a function at the top of a file.
  private func unqualified(
    _ name: String, label: String?, scope: String, in file: SourceFile
  ) -> [(String, String)] {
    guard !file.locals.contains(name) else { return [] }
    let places = visible(members[name] ?? [], in: file)
    var outer = scope.split(separator: ".")
    while true {
      let container = outer.joined(separator: ".")
      let here = places.filter { $0.declaration.container == container }
      if !here.isEmpty {
        return only(here, label: label, name: container.isEmpty ? name : container + "." + name)
      }
      if outer.popLast() == nil { return [] }
    }
  }

  private func visible(_ places: [Place], in file: SourceFile) -> [Place] {
    places.filter { !$0.declaration.isPrivate || $0.file.path == file.path }
  }

  /// The folder of the declarations, if it is the same for all that a use can mean.
  private func only(_ places: [Place], label: String?, name: String) -> [(String, String)] {
    let called = places.filter {
      $0.declaration.label == nil || label == nil || $0.declaration.label == label
    }
    let folders = Set((called.isEmpty ? places : called).map(\.file.folder))
    return folders.count == 1 ? folders.map { ($0, name) } : []
  }

  /// Members of the standard library, of Foundation and of packages that are used without naming
  /// their owner. A member of ours by such a name counts only where its owner is named.
  private static let standard: Set<String> = [
    "abs", "add", "advanced", "allSatisfy", "append", "bitPattern", "bytes", "byteCount", "close",
    "code", "compactMap", "components", "contains", "count", "data", "description", "distance",
    "dropFirst", "dropLast", "elementsEqual", "encode", "endIndex", "enumerated", "error",
    "extracting", "filter", "finalize", "first", "firstIndex", "flatMap", "forEach", "formatted",
    "hash", "hasPrefix", "hasSuffix", "id", "index", "indices", "insert", "isEmpty", "isFinite",
    "isNaN", "isSubset", "joined", "key", "keys", "last", "lastIndex", "load", "lowerBound",
    "lowercased", "map", "max", "merge", "min", "name", "next", "path", "popLast", "prefix",
    "range", "rawValue", "read", "reduce", "remove", "removeAll", "removeLast", "replace",
    "replacing", "reserveCapacity", "reversed", "round", "rounded", "self", "size", "sort",
    "sorted", "split", "standard", "start", "startIndex", "store", "string", "subtract", "sum",
    "suffix", "swapAt", "text", "title", "union", "update", "upperBound", "uppercased", "utf8",
    "value", "values", "width", "withLock", "withUnsafeBytes", "words", "write", "zero", "zip",
  ]
}

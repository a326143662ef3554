/// A type or a member that a file declares and other files can see.
struct Declaration {
  /// The type it belongs to, as "Outer.Inner"; empty at the top of a file.
  let container: String
  let name: String
  /// Whether it is a type.
  let isType: Bool
  /// The first argument label of a function or an initializer: "" for none, `nil` for other members.
  let label: String?
  /// Whether only its own file sees it.
  let isPrivate: Bool

  var path: String { container.isEmpty ? name : container + "." + name }
}

/// A chain of names, as in `Outer.Inner.member`, at a place in a file.
struct Reference {
  let names: [String]
  /// The first argument label behind each name: "" for a call without, `nil` where nothing is called.
  let labels: [String?]
  /// Whether the chain begins with a point: a member of something that is not named here.
  let isMember: Bool
  /// The types around it, as "Outer.Inner".
  let scope: String
  let line: Int
}

/// What one Swift file imports, declares and refers to.
struct SourceFile {
  /// The path below the folder of sources: "Room/Folder/File.swift".
  let path: String
  let lineCount: Int
  private(set) var imports: [String] = []
  private(set) var declarations: [Declaration] = []
  private(set) var references: [Reference] = []
  /// Names of parameters and of variables in functions, which hide members of the same name.
  private(set) var locals: Set<String> = []
  /// Names of the elements of tuples, which are used like members.
  private(set) var elements: Set<String> = []

  /// The first folder below the room, or "." for a file that lies in none.
  var folder: String {
    let parts = path.split(separator: "/")
    return parts.count > 2 ? String(parts[1]) : "."
  }
  var room: String { String(path.prefix { $0 != "/" }) }
  /// The path below the room.
  var pathInRoom: String { String(path.dropFirst(room.count + 1)) }

  private struct Scope {
    /// The type whose braces these are; `nil` for those of a function or a closure.
    let type: String?
    var isEnum = false
    var isPrivate = false
  }

  private let tokens: [Token]
  private var index = 0
  private var scopes: [Scope] = []
  private var opening: Scope?
  private var hasPrivateModifier = false
  /// The last token of a function's parameters.
  private var parametersEnd = 0

  init(path: String, bytes: [UInt8]) {
    self.path = path
    lineCount = bytes.count { $0 == UInt8(ascii: "\n") }
    tokens = Lexer.tokens(of: bytes)
    while index < tokens.count { readToken() }
  }

  private func token(_ ahead: Int = 0) -> Token {
    tokens.indices.contains(index + ahead)
      ? tokens[index + ahead] : Token(text: "", line: 0, isWord: false)
  }

  /// The types around this place, without functions between them.
  private var typePath: String { scopes.last { $0.type != nil }?.type ?? "" }
  private var isInFunction: Bool { scopes.last.map { $0.type == nil } ?? false }
  private var isInPrivate: Bool { scopes.contains { $0.isPrivate || $0.type == nil } }

  private static let typeKeywords: Set<String> = ["struct", "class", "enum", "protocol", "actor"]
  private static let keywords: Set<String> = [
    "as", "async", "await", "borrowing", "break", "catch", "consuming", "continue", "copy",
    "default", "defer", "do", "else", "fallthrough", "false", "for", "guard", "if", "in",
    "indirect",
    "inout", "internal", "is", "lazy", "mutating", "nil", "nonisolated", "open", "override",
    "package", "prefix", "public", "repeat", "rethrows", "return", "sending", "some", "any",
    "static", "super", "switch", "throw", "throws", "true", "try", "unsafe", "where", "while",
    "_", "final", "nonmutating", "required", "convenience", "weak", "unowned", "get", "set",
  ]

  private mutating func readToken() {
    let current = token()
    guard current.isWord else { return readMark(current) }
    switch current.text {
    case "import" where scopes.isEmpty: readImport()
    case "private", "fileprivate":
      // `private(set)` hides only the setter.
      hasPrivateModifier = !token(1).isMark("(")
      index += token(1).isMark("(") ? 4 : 1
    case let word
    where Self.typeKeywords.contains(word) && token(1).isWord && !isMemberName
      && !["func", "var", "let", "subscript"].contains(token(1).text):
      readType(isEnum: word == "enum")
    case "extension" where !isInFunction: readExtension()
    case "typealias", "associatedtype":
      declare(token(1).text, isType: true)
      index += 2
    case "func" where token(1).isWord || !token(1).isMark("("): readFunction()
    case "init" where !isInFunction && !isMemberName: readInitializer()
    case "var", "let": readVariable()
    case "case" where !isInFunction && scopes.last?.isEnum == true: readCases()
    case let word where Self.keywords.contains(word) && !isMemberName: index += 1
    default: readReference()
    }
  }

  private var isMemberName: Bool { token(-1).isMark(".") }

  private mutating func readMark(_ mark: Token) {
    if mark.isMark("{") {
      scopes.append(opening ?? Scope(type: nil))
      opening = nil
    } else if mark.isMark("}") {
      _ = scopes.popLast()
      hasPrivateModifier = false
    } else if mark.isMark("("), token(-1).isMark("->") || token(-1).isMark(":") {
      noteElements()
    } else if mark.isMark("."), token(1).isWord {
      index += 1
      return readReference()
    }
    index += 1
  }

  private mutating func declare(_ name: String, isType: Bool = false, label: String? = nil) {
    declarations.append(
      Declaration(
        container: typePath, name: name, isType: isType, label: label,
        isPrivate: hasPrivateModifier || isInPrivate))
    hasPrivateModifier = false
  }

  /// The folder of a module: `WeightmillTensors` lies in `Tensors`, `CWeightmillKernels` in `CKernels`.
  private static func folder(ofModule name: String) -> String {
    for (prefix, start) in [("Weightmill", ""), ("CWeightmill", "C")]
    where name.hasPrefix(prefix) && name != prefix {
      return start + name.dropFirst(prefix.count)
    }
    return name
  }

  private mutating func readImport() {
    index += 1
    if Self.typeKeywords.contains(token().text) || token().text == "func" { index += 1 }
    imports.append(Self.folder(ofModule: token().text))
    index += 1
    while token().isMark(".") { index += 2 }
  }

  private mutating func readType(isEnum: Bool) {
    let name = token(1).text
    let path = typePath.isEmpty ? name : typePath + "." + name
    opening = Scope(type: path, isEnum: isEnum, isPrivate: hasPrivateModifier)
    declare(name, isType: true)
    index += 2
  }

  private mutating func readExtension() {
    index += 1
    guard token().isWord else {
      opening = Scope(type: "Array", isPrivate: hasPrivateModifier)
      return
    }
    var names = [token().text]
    var ahead = 1
    while token(ahead).isMark("."), token(ahead + 1).isWord {
      names.append(token(ahead + 1).text)
      ahead += 2
    }
    opening = Scope(type: names.joined(separator: "."), isPrivate: hasPrivateModifier)
    hasPrivateModifier = false
    readReference()
  }

  /// The index behind generic parameters that begin at `start`, if any do.
  private func behindGenerics(_ start: Int) -> Int {
    guard tokens.indices.contains(start), tokens[start].isMark("<") else { return start }
    var depth = 0
    for place in start..<tokens.count {
      if tokens[place].isMark("<") { depth += 1 }
      if tokens[place].isMark(">") { depth -= 1 }
      if depth == 0 { return place + 1 }
    }
    return start
  }

  /// The first label of the parameters or arguments whose parenthesis is at `start`.
  private func firstLabel(at start: Int) -> String? {
    guard tokens.indices.contains(start + 2), tokens[start].isMark("(") else { return nil }
    let (first, second) = (tokens[start + 1], tokens[start + 2])
    guard first.isWord, first.text != "_", second.isMark(":") || second.isWord else { return "" }
    return second.isMark(":") || !Self.keywords.contains(first.text) ? first.text : ""
  }

  /// Notes the names of the parameters whose parenthesis is at `start`.
  private mutating func noteParameters(at start: Int) {
    var depth = 0
    for place in start..<tokens.count {
      if tokens[place].isMark("(") { depth += 1 }
      if tokens[place].isMark(")") { depth -= 1 }
      if depth == 0 { return }
      if depth == 1, tokens[place].isMark(":"), tokens[place - 1].isWord {
        locals.insert(tokens[place - 1].text)
      }
    }
  }

  /// Notes the names in a type such as `(row: Int, value: Float)`.
  private mutating func noteElements() {
    var depth = 0
    for place in index..<tokens.count {
      if tokens[place].isMark("(") { depth += 1 }
      if tokens[place].isMark(")") { depth -= 1 }
      if depth == 0 { return }
      if depth == 1, tokens[place].isMark(":") { elements.insert(tokens[place - 1].text) }
    }
  }

  private mutating func readFunction() {
    let start = behindGenerics(index + 2)
    if token(1).isWord, !isInFunction {
      declare(token(1).text, label: firstLabel(at: start) ?? "")
    }
    hasPrivateModifier = false
    noteParameters(at: start)
    index += 2
  }

  private mutating func readInitializer() {
    index += token(1).isMark("?") ? 2 : 1
    let start = behindGenerics(index)
    declare("init", label: firstLabel(at: start) ?? "")
    noteParameters(at: start)
  }

  private mutating func readVariable() {
    let name = token(1)
    if name.isMark("(") {
      // A pattern: all its words are names.
      var ahead = 2
      while token(ahead).isWord || token(ahead).isMark(",") {
        if isInFunction { locals.insert(token(ahead).text) }
        ahead += 1
      }
      index += ahead
    } else {
      if isInFunction {
        locals.insert(name.text)
      } else if name.isWord {
        declare(name.text)
      }
      index += 2
    }
    hasPrivateModifier = false
  }

  private mutating func readCases() {
    repeat {
      index += 1
      declare(token().text)
      index += 1
      if token().isMark("(") { readBalanced() }
      if token().isMark("=") {
        index += token(1).isMark("-") ? 3 : 2
      }
    } while token().isMark(",")
  }

  /// Reads what stands in parentheses.
  private mutating func readBalanced() {
    var depth = 0
    repeat {
      if token().isMark("(") { depth += 1 }
      if token().isMark(")") { depth -= 1 }
      readToken()
    } while depth > 0 && index < tokens.count
  }

  private mutating func readReference() {
    let isMember = isMemberName
    // A label: of an argument, a parameter or a tuple.
    if !isMember, token(1).isMark(":"), token(-1).isMark("(") || token(-1).isMark(",") {
      index += 1
      return
    }
    let line = token().line
    var names: [String] = []
    var labels: [String?] = []
    while true {
      names.append(token().text)
      index += 1
      labels.append(firstLabel(at: behindArguments(index)))
      guard token().isMark("."), token(1).isWord else { break }
      index += 1
    }
    references.append(
      Reference(names: names, labels: labels, isMember: isMember, scope: typePath, line: line))
  }

  /// The index behind generic arguments: only words and their marks can stand in them.
  private func behindArguments(_ start: Int) -> Int {
    guard tokens.indices.contains(start), tokens[start].isMark("<") else { return start }
    var place = start + 1
    while place < tokens.count,
      tokens[place].isWord || [",", ".", "[", "]", "?"].contains(tokens[place].text)
    {
      place += 1
    }
    return place < tokens.count && tokens[place].isMark(">") ? place + 1 : start
  }
}

import WeightmillTensors

/// A tiny interpreter for the pickles that `torch.save` writes.
///
/// Opcodes and (module, name) pairs are taken from fixed lists, nothing is ever imported or
/// called, and every count is bounded by the bytes that remain. Rules PK-01 to PK-12 of
/// `formats/pytorch.md`.
struct PickleInterpreter {
  /// The largest pickle accepted, in bytes. A checkpoint of 10,000 tensors takes about 2 MB.
  static let maximumBytes = 8 << 20
  /// How many values a pickle may make: each takes about 50 bytes of memory. A checkpoint of 10,000
  /// tensors has about 400,000.
  private static let maximumValues = 1 << 22
  /// How many values the memo may hold. A checkpoint of 10,000 tensors keeps about 150,000.
  private static let maximumKept = 1 << 20

  /// The form of references to storages.
  enum Dialect {
    /// References of five parts, in zip files.
    case zip
    /// References of six parts, the last one a view of the storage, before PyTorch 1.6.
    case legacy
  }

  /// The result of a pickle.
  struct Outcome {
    let arena: [PickleValue]
    let root: PickleReference
    /// All storages that the pickle refers to, by key.
    let storages: [String: PickleStorage]
    /// The first byte after the pickle.
    let end: Int
  }

  let dialect: Dialect
  private(set) var arena: [PickleValue] = []
  private(set) var cursor: ByteCursor
  private var stack: [PickleReference] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleReference] = [:]
  /// How many values the views have so far that have more than their storage.
  var repeated = 0
  /// How many tensors there are so far.
  var tensorCount = 0
  /// The storages referred to so far, by key.
  var storages: [String: PickleStorage] = [:]

  /// Runs a pickle.
  ///
  /// - Parameters:
  ///   - cursor: The pickle's bytes, and perhaps more after them.
  ///   - dialect: How storages are referred to.
  /// - Returns: The values and the index of the result among them.
  /// - Throws: `refused` for what no checkpoint needs, `malformed` for what no pickle holds.
  static func run(
    _ cursor: ByteCursor, dialect: Dialect
  ) throws(WeightmillError) -> Outcome {
    var interpreter = PickleInterpreter(cursor: cursor, dialect: dialect)
    while true {
      let opcode = try interpreter.cursor.readByte()
      if opcode == UInt8(ascii: ".") { break }
      try interpreter.execute(opcode)
      guard interpreter.arena.count <= maximumValues else {
        throw interpreter.cursor.error(
          "the pickle has more than \(maximumValues) values, more than any checkpoint",
          code: .refused)
      }
    }
    let root = try interpreter.pop()
    return Outcome(
      arena: interpreter.arena, root: root, storages: interpreter.storages,
      end: interpreter.cursor.position)
  }

  private init(cursor: ByteCursor, dialect: Dialect) {
    self.cursor = cursor
    self.dialect = dialect
  }

  // MARK: Stack

  mutating func push(_ value: PickleValue) {
    stack.append(arena.count)
    arena.append(value)
  }

  /// Pushes a value that is there already.
  mutating func push(again value: PickleReference) { stack.append(value) }

  mutating func pop() throws(WeightmillError) -> PickleReference {
    guard stack.count > (marks.last ?? 0), let value = stack.popLast() else {
      throw cursor.error("the pickle takes more from its stack than is there")
    }
    return value
  }

  private mutating func popToMark() throws(WeightmillError) -> [PickleReference] {
    guard let mark = marks.popLast() else { throw cursor.error("the pickle lacks a mark") }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  private mutating func popText() throws(WeightmillError) -> String {
    guard case .text(let text) = arena[try pop()] else {
      throw cursor.error("the pickle needs a text where it has none")
    }
    return text
  }

  func top() throws(WeightmillError) -> PickleReference {
    guard stack.count > (marks.last ?? 0), let value = stack.last else {
      throw cursor.error("the pickle takes more from its stack than is there")
    }
    return value
  }

  // MARK: Opcodes

  private mutating func execute(_ opcode: UInt8) throws(WeightmillError) {
    switch opcode {
    case 0x80:  // PROTO
      let version = try cursor.readByte()
      guard (2...5).contains(version) else {
        throw cursor.error("pickle protocol \(version) is not supported", code: .unsupported)
      }
    case 0x95: try cursor.skip(8)  // FRAME: its length only helps buffering
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "q"): try keep(Int(cursor.readByte()))
    case UInt8(ascii: "r"): try keep(Int(cursor.read(UInt32.self)))
    case 0x94: try keep(memo.count)
    case UInt8(ascii: "h"): try recall(Int(cursor.readByte()))
    case UInt8(ascii: "j"): try recall(Int(cursor.read(UInt32.self)))
    case UInt8(ascii: "c"): try global(module: line(), name: line())
    case 0x93:
      let name = try popText()
      try global(module: popText(), name: name)
    case UInt8(ascii: "R"), 0x81: try reduce()
    case UInt8(ascii: "b"): try build()
    case UInt8(ascii: "Q"): try persistentID()
    default:
      if try pushValue(opcode) { return }
      if try fillContainer(opcode) { return }
      throw cursor.error(
        "the pickle uses opcode 0x\(String(opcode, radix: 16)), which no checkpoint needs",
        code: .refused)
    }
  }

  /// Opcodes that push a value; returns whether this is one.
  private mutating func pushValue(_ opcode: UInt8) throws(WeightmillError) -> Bool {
    switch opcode {
    case UInt8(ascii: "N"): push(.none)
    case 0x88: push(.bool(true))
    case 0x89: push(.bool(false))
    case UInt8(ascii: "K"): push(.integer(Int(try cursor.readByte())))
    case UInt8(ascii: "M"): push(.integer(Int(try cursor.read(UInt16.self))))
    case UInt8(ascii: "J"): push(.integer(Int(try cursor.read(Int32.self))))
    case 0x8A: try long(Int(cursor.readByte()))
    case UInt8(ascii: "G"):
      push(.float(Double(bitPattern: try cursor.read(UInt64.self).byteSwapped)))
    case UInt8(ascii: "X"): try text(Int(cursor.read(UInt32.self)))
    case 0x8C, UInt8(ascii: "U"): try text(Int(cursor.readByte()))
    case UInt8(ascii: "T"): try text(length32())
    case 0x8D: try text(length64())
    case UInt8(ascii: "C"): try bytes(Int(cursor.readByte()))
    case UInt8(ascii: "B"): try bytes(Int(cursor.read(UInt32.self)))
    case 0x8E, 0x96: try bytes(length64())
    case UInt8(ascii: ")"): push(.tuple([]))
    case UInt8(ascii: "]"): push(.list([]))
    case UInt8(ascii: "}"): push(.dictionary([]))
    case 0x8F: push(.set)
    default: return false
    }
    return true
  }

  /// Opcodes that put values from the stack into a container; returns whether this is one.
  private mutating func fillContainer(_ opcode: UInt8) throws(WeightmillError) -> Bool {
    switch opcode {
    case 0x85, 0x86, 0x87: try tuple(Int(opcode) - 0x84)
    case UInt8(ascii: "t"): try push(.tuple(popToMark()))
    case UInt8(ascii: "a"): try append([pop()])
    case UInt8(ascii: "e"): try append(popToMark())
    case UInt8(ascii: "s"):
      let value = try pop()
      try setItems([pop(), value])
    case UInt8(ascii: "u"): try setItems(popToMark())
    case 0x91:  // FROZENSET
      _ = try popToMark()
      push(.opaque)
    case 0x90:
      _ = try popToMark()
      guard case .set = arena[try top()] else {
        throw cursor.error("the pickle adds members to something that is not a set")
      }
    default: return false
    }
    return true
  }

  /// The length of a text of Python 2, which has a sign.
  private mutating func length32() throws(WeightmillError) -> Int {
    let length = Int(try cursor.read(Int32.self))
    guard length >= 0 else { throw cursor.error("a length in the pickle is impossible") }
    return length
  }

  private mutating func length64() throws(WeightmillError) -> Int {
    guard let length = Int(exactly: try cursor.read(UInt64.self)) else {
      throw cursor.error("a length in the pickle is impossible")
    }
    return length
  }

  private mutating func long(_ count: Int) throws(WeightmillError) {
    let bytes = try cursor.readBytes(count)
    guard count <= 8 else { return push(.opaque) }
    var value = bytes.last.map { $0 & 0x80 != 0 } == true ? -1 : 0
    for byte in bytes.reversed() { value = value << 8 | Int(byte) }
    push(.integer(value))
  }

  /// A text; bytes where it is not UTF-8, which may be: arrays of Python 2, names of files.
  private mutating func text(_ count: Int) throws(WeightmillError) {
    let text = String(validating: try cursor.readBytes(count), as: UTF8.self)
    push(text.map { .text($0) } ?? .bytes)
  }

  private mutating func bytes(_ count: Int) throws(WeightmillError) {
    try cursor.skip(count)
    push(.bytes)
  }

  private mutating func tuple(_ count: Int) throws(WeightmillError) {
    var members: [PickleReference] = []
    for _ in 0..<count { members.append(try pop()) }
    push(.tuple(members.reversed()))
  }

  private mutating func append(_ members: [PickleReference]) throws(WeightmillError) {
    let target = try top()
    if case .opaque = arena[target] { return }
    guard case .list(var list) = arena[target] else {
      throw cursor.error("the pickle appends to something that is not a list")
    }
    arena[target] = .none  // so that the array is not copied
    list.append(contentsOf: members)
    arena[target] = .list(list)
  }

  private mutating func setItems(_ items: [PickleReference]) throws(WeightmillError) {
    let target = try top()
    if case .opaque = arena[target], items.count % 2 == 0 { return }
    guard case .dictionary(var members) = arena[target], items.count % 2 == 0 else {
      throw cursor.error("the pickle sets items of something that is not a dictionary")
    }
    arena[target] = .none
    for index in stride(from: 0, to: items.count, by: 2) {
      guard isKey(items[index]) else {
        throw cursor.error("the pickle has a dictionary with a key that is none")
      }
      members.append((items[index], items[index + 1]))
    }
    arena[target] = .dictionary(members)
  }

  /// Whether Python takes a value for a key.
  private func isKey(_ value: PickleReference) -> Bool {
    switch arena[value] {
    case .list, .dictionary, .set, .storage, .tensor: false
    default: true
    }
  }

  private mutating func keep(_ key: Int) throws(WeightmillError) {
    memo[key] = try top()
    guard memo.count <= Self.maximumKept else {
      throw cursor.error(
        "the pickle keeps more than \(Self.maximumKept) values, more than any checkpoint",
        code: .refused)
    }
  }

  private mutating func recall(_ key: Int) throws(WeightmillError) {
    guard let value = memo[key] else { throw cursor.error("the pickle recalls what it never kept") }
    stack.append(value)
  }

  private mutating func line() throws(WeightmillError) -> String {
    var bytes: [UInt8] = []
    while bytes.count <= 1 << 16 {
      let byte = try cursor.readByte()
      if byte == 0x0A {
        guard let text = String(validating: bytes, as: UTF8.self) else { break }
        return text
      }
      bytes.append(byte)
    }
    throw cursor.error("a name in the pickle is not valid UTF-8 or too long")
  }

  private mutating func global(module: String, name: String) throws(WeightmillError) {
    guard let global = PickleGlobal(module: module, name: name) else {
      if PickleGlobal.isUnreadTensor(module: module, name: name) {
        throw cursor.error(
          "holds \(quoted("\(module).\(name)")), which is not read",
          code: .unsupported, remedy: "save the weights alone, as safetensors or plain tensors")
      }
      throw cursor.error(
        "the pickle asks for \(quoted("\(module).\(name)")), which weights do not need",
        code: .refused,
        remedy: "unless you trust its maker, do not open it with torch.load either; "
          + "get the weights alone, as a state_dict or safetensors")
    }
    push(.global(global))
  }
}

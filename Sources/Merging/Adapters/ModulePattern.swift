/// A key of `rank_pattern` or `alpha_pattern`: the end of a module's name.
///
/// PEFT takes keys for regular expressions that must match the whole name, or what follows a dot in
/// it. Here a key is a list of single characters, or several with `|` between them: `q_proj`,
/// `layers.0.self_attn.q_proj`, `^model\.layers\.3\.mlp\.up_proj`, `.*\.k_proj|.*\.v_proj`. Each
/// matches at one position at most, so that no key takes long. Anything that repeats or groups
/// characters is no such key.
struct ModulePattern: Sendable {
  /// The key as it stands in the file.
  let text: String
  private let choices: [Choice]

  /// Reads a key; `nil` when it is more than names.
  init?(_ text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: "|"), omittingEmptySubsequences: false)
    let choices = parts.compactMap { Choice(Array($0)[...]) }
    guard choices.count == parts.count else { return nil }
    self.text = text
    self.choices = choices
  }

  /// Whether the key stands for a module.
  func matches(_ module: String) -> Bool {
    let name = Array(module.utf8)
    return choices.contains { $0.matches(name) }
  }

  /// Whether the key stood for a module in PEFT before version 0.14, which wanted a dot in front.
  func matchedOnce(_ module: String) -> Bool {
    let name = Array(module.utf8)
    return choices.contains { $0.matchedOnce(name) }
  }
}

/// One of the names of a key.
private struct Choice: Sendable {
  private enum Atom {
    case byte(UInt8)
    case digit
    case any
  }

  /// The text that may be in front of the name.
  private enum Front {
    case nothing
    case dot
    case nothingOrDot
    case anything
  }

  private let front: Front
  private let atoms: [Atom]

  init?(_ text: ArraySlice<UInt8>) {
    var rest = text
    var front = Front.nothingOrDot
    for (start, meaning) in [("^", Front.nothing), (".*\\.", .dot), (".*", .anything)]
    where rest.starts(with: start.utf8) {
      rest.removeFirst(start.utf8.count)
      front = meaning
      break
    }
    if rest.last == UInt8(ascii: "$") { rest.removeLast() }
    var atoms: [Atom] = []
    while let byte = rest.popFirst() {
      guard let atom = Self.atom(byte, &rest) else { return nil }
      atoms.append(atom)
    }
    guard !atoms.isEmpty else { return nil }
    self.front = front
    self.atoms = atoms
  }

  private static func atom(_ byte: UInt8, _ rest: inout ArraySlice<UInt8>) -> Atom? {
    switch byte {
    case UInt8(ascii: "."): .any
    case UInt8(ascii: "\\"):
      switch rest.popFirst() {
      case UInt8(ascii: "."): .byte(UInt8(ascii: "."))
      case UInt8(ascii: "_"): .byte(UInt8(ascii: "_"))
      case UInt8(ascii: "d"): .digit
      default: nil
      }
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      .byte(byte)
    default: nil
    }
  }

  /// Whether the older rule, in which `.*\\.` went before the key, let it match.
  func matchedOnce(_ name: [UInt8]) -> Bool {
    front != .nothing && name.count > atoms.count && matches(name)
  }

  func matches(_ name: [UInt8]) -> Bool {
    let start = name.count - atoms.count
    guard start >= 0 else { return false }
    let followsDot = start > 0 && name[start - 1] == UInt8(ascii: ".")
    let fits =
      switch front {
      case .nothing: start == 0
      case .dot: followsDot
      case .nothingOrDot: start == 0 || followsDot
      case .anything: true
      }
    return fits
      && zip(atoms, name[start...]).allSatisfy { atom, byte in
        switch atom {
        case .byte(let expected): byte == expected
        case .digit: (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        case .any: true
        }
      }
  }
}

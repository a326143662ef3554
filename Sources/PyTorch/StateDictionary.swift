import WeightmillTensors

/// The choice of tensors of a PyTorch file.
public enum TensorSelection: Sendable, Equatable {
  /// The model's tensors: those of the dictionary, or of the one that trainers nest the model in.
  case model
  /// The tensors under a key of the dictionary, with names relative to it.
  case member(String)
  /// All tensors, the names of nested ones joined with dots.
  case everything
}

/// The named tensors of a pickle's result, in the order they were saved.
struct StateDictionary {
  /// The keys under which trainers nest the model.
  private static let nests = [
    "model", "state_dict", "module", "model_state_dict", "model_state",
  ]
  /// The limits of what a pickle nests: depth, number of values, and bytes of names.
  private static let limits = (depth: 64, values: 1 << 20, names: 1 << 26)

  private(set) var tensors: [(name: String, tensor: PickleTensor)] = []
  /// Notes on what was left out.
  private(set) var notes: [String] = []
  private let arena: [PickleValue]
  private let file: String
  private var names: Set<TensorName> = []
  /// The number of values, and of bytes of names, that the walk through nested values has met.
  private var visited = (values: 0, names: 0)
  private var reached: Set<PickleReference> = []
  private var hasUnnamed = false

  init(
    _ outcome: PickleInterpreter.Outcome, selection: TensorSelection, file: String
  ) throws(WeightmillError) {
    arena = outcome.arena
    self.file = file
    let root = outcome.root
    guard case .dictionary(let members) = arena[root] else {
      throw WeightmillError(
        .unsupported, file, "does not hold a dictionary of tensors",
        remedy: "save the model's state_dict")
    }
    switch selection {
    case .everything:
      try collect(root, path: "")
      noteUnreached()
    case .member(let key): try collectMember(key, of: members)
    case .model: try collectModel(members)
    }
    guard !tensors.isEmpty else {
      throw WeightmillError(
        .unsupported, file, "holds no tensors", remedy: "save the model's state_dict")
    }
  }

  /// Takes the tensors under a key, or under several joined by dots.
  private mutating func collectMember(
    _ key: String, of root: [(key: PickleReference, value: PickleReference)]
  ) throws(WeightmillError) {
    var members = root
    var rest = Array(key.utf8)
    while true {
      if let value = members.first(where: { name($0.key)?.utf8.elementsEqual(rest) == true })?.value
      {
        var name = ""
        // A tensor by itself has no name but the key.
        if case .tensor = arena[value] { name = key }
        try collect(value, path: name)
        if hasUnnamed {
          notes.append("\(file): tensors under keys that are no names were left out")
        }
        return
      }
      let outer = members.first { member in
        guard let name = name(member.key), case .dictionary = arena[member.value] else {
          return false
        }
        return rest.starts(with: Array(name.utf8) + [UInt8(ascii: ".")])
      }
      guard let outer, let name = name(outer.key), case .dictionary(let inner) = arena[outer.value]
      else { throw noMember(key, of: members) }
      rest.removeFirst(name.utf8.count + 1)
      members = inner
    }
  }

  private func noMember(
    _ key: String, of members: [(key: PickleReference, value: PickleReference)]
  ) -> WeightmillError {
    let names = members.compactMap { name($0.key) }
    let list = names.prefix(8).map { quoted($0) }.joined(separator: ", ")
    return WeightmillError(
      .noInput, file,
      "has no member \(quoted(key)); it has "
        + (names.isEmpty ? "none with a name" : list + (names.count > 8 ? ", …" : "")),
      remedy: "give one of these with --key")
  }

  /// Takes the tensors of the dictionary itself, or of the first one that trainers nest a model in.
  private mutating func collectModel(
    _ root: [(key: PickleReference, value: PickleReference)]
  ) throws(WeightmillError) {
    var members = root
    var path: [String] = []
    while path.count < 8, let nest = nest(in: members) {
      path.append(nest.name)
      members = nest.members
    }
    var others: [PickleReference] = []
    for (key, value) in members {
      guard case .tensor(let tensor) = arena[value] else {
        if isContainer(value) { others.append(key) }
        continue
      }
      guard let name = name(key) else { throw namelessTensor }
      try add(name, tensor)
    }
    if !path.isEmpty {
      notes.append("the tensors of \(file) are those under \(quoted(path.joined(separator: ".")))")
    }
    if let first = others.first, !tensors.isEmpty {
      let more = others.count > 1 ? " and \(others.count - 1) other keys" : ""
      notes.append(
        "\(file): what is nested under \(quoted(name(first) ?? "…"))\(more) was left out")
    }
  }

  /// The dictionary that a trainer nested the model in: beside it there may be single tensors, such
  /// as the loss.
  private func nest(
    in members: [(key: PickleReference, value: PickleReference)]
  ) -> (name: String, members: [(key: PickleReference, value: PickleReference)])? {
    let beside = tensorCount(members)
    for (key, value) in members {
      guard case .text(let name) = arena[key], Self.nests.contains(name),
        case .dictionary(let nested) = arena[value], !nested.isEmpty,
        beside == 0 || tensorCount(nested) > beside
      else { continue }
      return (name, nested)
    }
    return nil
  }

  private func tensorCount(
    _ members: [(key: PickleReference, value: PickleReference)]
  ) -> Int {
    members.count { if case .tensor = arena[$0.value] { true } else { false } }
  }

  private func isContainer(_ value: PickleReference) -> Bool {
    switch arena[value] {
    case .dictionary(let members): !members.isEmpty
    case .list(let members), .tuple(let members): !members.isEmpty
    default: false
    }
  }

  /// Takes all tensors in a value, without recursion.
  private mutating func collect(
    _ root: PickleReference, path: String
  ) throws(WeightmillError) {
    var pending = [Visit(value: root, path: path, depth: 0)]
    while let next = pending.popLast() {
      // The last one is visited first.
      switch arena[next.value] {
      case .tensor(let tensor):
        reached.insert(next.value)
        try add(next.path, tensor)
      case .dictionary(let members):
        for (key, value) in members.reversed() where isOfInterest(value) {
          if let name = name(key) {
            pending.append(try visit(value, named: name, in: next))
          } else {
            try refuse(key, of: value)
            hasUnnamed = true
          }
        }
      case .list(let members), .tuple(let members):
        for (index, value) in members.enumerated().reversed() where isOfInterest(value) {
          pending.append(try visit(value, named: "\(index)", in: next))
        }
      default: break
      }
    }
  }

  /// A value that the walk has still to visit.
  private struct Visit {
    let value: PickleReference
    let path: String
    let depth: Int
  }

  /// Shared values can repeat without end, so that all that the walk notes is counted.
  private mutating func visit(
    _ value: PickleReference, named name: String, in outer: Visit
  ) throws(WeightmillError) -> Visit {
    visited.values += 1
    visited.names += outer.path.utf8.count + 1 + name.utf8.count
    guard visited.values <= Self.limits.values, visited.names <= Self.limits.names,
      outer.depth < Self.limits.depth
    else {
      throw WeightmillError(
        .refused, file, "nests or repeats its values more than any checkpoint does")
    }
    let path = outer.path.isEmpty ? name : "\(outer.path).\(name)"
    return Visit(value: value, path: path, depth: outer.depth + 1)
  }

  /// Says how many tensors the walk did not come to: under keys that are no names, and in what is
  /// not read, such as a trainer's arguments.
  private mutating func noteUnreached() {
    let count = arena.count { if case .tensor = $0 { true } else { false } } - reached.count
    guard count > 0 else { return }
    notes.append(
      "\(file): \(count) \(count == 1 ? "tensor is" : "tensors are") left out: in values that are "
        + "not read, or under keys that are no names")
  }

  private func isOfInterest(_ value: PickleReference) -> Bool {
    if case .tensor = arena[value] { true } else { isContainer(value) }
  }

  private func name(_ key: PickleReference) -> String? {
    switch arena[key] {
    case .text(let name): name
    case .integer(let number): "\(number)"
    default: nil
    }
  }

  /// Python's other keys are left out; one that was meant for a name is damaged (rule PK-07).
  private func refuse(_ key: PickleReference, of value: PickleReference) throws(WeightmillError) {
    guard case .tensor = arena[value] else { return }
    switch arena[key] {
    case .none, .bool, .tuple: return
    default: throw namelessTensor
    }
  }

  private var namelessTensor: WeightmillError {
    WeightmillError(.malformed, file, "a tensor's name is not a text")
  }

  private mutating func add(_ name: String, _ tensor: PickleTensor) throws(WeightmillError) {
    guard names.insert(TensorName(name)).inserted else {
      throw WeightmillError(.refused, file, "two tensors are named \(quoted(name))")
    }
    tensors.append((name, tensor))
  }
}

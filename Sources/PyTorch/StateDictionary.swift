import Tensors

/// Which tensors of a PyTorch file are wanted.
public enum TensorSelection: Sendable, Equatable {
  /// The model's: those of the dictionary, or of the one that trainers nest the model in.
  case model
  /// Those under a key of the dictionary, with names relative to it.
  case member(String)
  /// All of them, the names of nested ones joined with dots.
  case everything
}

/// The named tensors of a pickle's result, in the order they were saved.
struct StateDictionary {
  /// Where trainers put the model.
  private static let nests = ["model", "state_dict", "module"]
  /// How deep, and how large, what the pickle nests may be.
  private static let limits = (depth: 64, values: 1 << 20)

  private(set) var tensors: [(name: String, tensor: PickleTensor)] = []
  /// What was left out.
  private(set) var notes: [String] = []
  private let arena: [PickleValue]
  private let file: String
  private var names: Set<TensorName> = []
  private var visited = 0

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
    case .everything: try collect(root)
    case .member(let key): try collect(member(key, of: members))
    case .model: try collectModel(members)
    }
    guard !tensors.isEmpty else {
      throw WeightmillError(
        .unsupported, file, "holds no tensors", remedy: "save the model's state_dict")
    }
  }

  private func member(
    _ key: String, of members: [(key: PickleReference, value: PickleReference)]
  ) throws(WeightmillError) -> PickleReference {
    var texts: [String] = []
    for (name, value) in members {
      guard case .text(let text) = arena[name] else { continue }
      if TensorName(text) == TensorName(key) { return value }
      texts.append(text)
    }
    throw WeightmillError(
      .noInput, file,
      "has no member \(quoted(key)); it has "
        + texts.prefix(8).map { quoted($0) }.joined(separator: ", ")
        + (texts.count > 8 ? ", …" : ""),
      remedy: "give one of these with --key")
  }

  /// Takes the tensors of the dictionary itself, or of the first one that trainers nest a model in.
  private mutating func collectModel(
    _ root: [(key: PickleReference, value: PickleReference)]
  ) throws(WeightmillError) {
    var members = root
    var path: [String] = []
    while path.count < 8, !holdsTensors(members) {
      let nest = members.first { key, value in
        guard case .text(let name) = arena[key], Self.nests.contains(name),
          case .dictionary(let nested) = arena[value]
        else { return false }
        return !nested.isEmpty
      }
      guard let nest, case .text(let name) = arena[nest.key],
        case .dictionary(let nested) = arena[nest.value]
      else { break }
      path.append(name)
      members = nested
    }
    var others: [String] = []
    for (key, value) in members {
      guard case .tensor(let tensor) = arena[value] else {
        if case .text(let name) = arena[key], isContainer(value) { others.append(name) }
        continue
      }
      try add(try name(key), tensor)
    }
    if !path.isEmpty {
      notes.append("the tensors of \(file) are those under \(quoted(path.joined(separator: ".")))")
    }
    if !others.isEmpty, !tensors.isEmpty {
      notes.append("\(file): what is nested under \(quoted(others[0])) was left out")
    }
  }

  private func holdsTensors(
    _ members: [(key: PickleReference, value: PickleReference)]
  ) -> Bool {
    members.contains { if case .tensor = arena[$0.value] { true } else { false } }
  }

  private func isContainer(_ place: PickleReference) -> Bool {
    switch arena[place] {
    case .dictionary(let members): !members.isEmpty
    case .list(let members), .tuple(let members): !members.isEmpty
    default: false
    }
  }

  /// Takes all tensors in a value, without recursion.
  private mutating func collect(_ root: PickleReference) throws(WeightmillError) {
    var pending = [(place: root, path: "", depth: 0)]
    while let next = pending.popLast() {
      visited += 1
      guard visited <= Self.limits.values, next.depth <= Self.limits.depth else {
        throw WeightmillError(
          .refused, file, "nests or repeats its values more than any checkpoint does")
      }
      let prefix = next.path.isEmpty ? "" : next.path + "."
      var inner: [(place: PickleReference, path: String, depth: Int)] = []
      switch arena[next.place] {
      case .tensor(let tensor): try add(next.path, tensor)
      case .dictionary(let members):
        for (key, value) in members where isOfInterest(value) {
          inner.append((value, prefix + (try name(key)), next.depth + 1))
        }
      case .list(let members), .tuple(let members):
        for (place, value) in members.enumerated() where isOfInterest(value) {
          inner.append((value, prefix + "\(place)", next.depth + 1))
        }
      default: break
      }
      pending += inner.reversed()
    }
  }

  private func isOfInterest(_ place: PickleReference) -> Bool {
    if case .tensor = arena[place] { true } else { isContainer(place) }
  }

  private func name(_ key: PickleReference) throws(WeightmillError) -> String {
    switch arena[key] {
    case .text(let name): return name
    case .integer(let number): return "\(number)"
    default: throw WeightmillError(.malformed, file, "a tensor's name is not a text")
    }
  }

  private mutating func add(_ name: String, _ tensor: PickleTensor) throws(WeightmillError) {
    guard names.insert(TensorName(name)).inserted else {
      throw WeightmillError(.refused, file, "two tensors are named \(quoted(name))")
    }
    tensors.append((name, tensor))
  }
}

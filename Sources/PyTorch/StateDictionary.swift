import Tensors

/// The named tensors of a pickle's result, in the order they were saved.
struct StateDictionary {
  let tensors: [(name: String, tensor: PickleTensor)]

  /// Takes the dictionary itself, or the one under a key that trainers nest it in.
  init(arena: [PickleValue], root: PickleReference, file: String) throws(WeightmillError) {
    guard case .dictionary(let members) = arena[root] else {
      throw WeightmillError(
        .unsupported, file, "does not hold a dictionary of tensors",
        remedy: "save the model's state_dict")
    }
    let own = try Self.tensors(in: members, arena: arena, file: file)
    if !own.isEmpty {
      tensors = own
      return
    }
    for (key, value) in members {
      guard case .text(let name) = arena[key], ["model", "state_dict", "module"].contains(name),
        case .dictionary(let nested) = arena[value]
      else { continue }
      let found = try Self.tensors(in: nested, arena: arena, file: file)
      if !found.isEmpty {
        tensors = found
        return
      }
    }
    throw WeightmillError(
      .unsupported, file, "holds no tensors", remedy: "save the model's state_dict")
  }

  private static func tensors(
    in members: [(key: PickleReference, value: PickleReference)], arena: [PickleValue], file: String
  ) throws(WeightmillError) -> [(name: String, tensor: PickleTensor)] {
    var tensors: [(name: String, tensor: PickleTensor)] = []
    var names: Set<TensorName> = []
    for (key, value) in members {
      guard case .text(let name) = arena[key] else {
        guard case .tensor = arena[value] else { continue }
        throw WeightmillError(.malformed, file, "a tensor's name is not a text")
      }
      guard names.insert(TensorName(name)).inserted else {
        throw WeightmillError(.refused, file, "two entries are named \(quoted(name))")
      }
      if case .tensor(let tensor) = arena[value] { tensors.append((name, tensor)) }
    }
    return tensors
  }
}

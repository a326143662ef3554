import WeightmillTensors

/// Calls of a pickle: functions of the list, with arguments of the right number and kind.
extension PickleInterpreter {
  /// How many values all views may have together that have more than their storage.
  private static let maximumRepeated = 1 << 26
  /// How many tensors a pickle may make: one with 64 extents takes a kilobyte of memory. The largest
  /// pickle has space for about 40,000 with names.
  private static let maximumTensors = 1 << 17

  mutating func reduce() throws(WeightmillError) {
    guard case .tuple(let arguments) = arena[try pop()], case .global(let global) = arena[try pop()]
    else {
      throw cursor.error("the pickle calls something that is not on the list", code: .refused)
    }
    try call(global, arguments)
  }

  mutating func build() throws(WeightmillError) {
    let state = try pop()
    switch arena[try top()] {
    case .opaque: return
    case .dictionary:
      // The state is `_metadata` of a module's state_dict; nothing in it is needed.
      guard case .dictionary = arena[state] else { break }
      return
    default: break
    }
    throw cursor.error("the pickle sets the state of something that has none")
  }

  private mutating func call(
    _ global: PickleGlobal, _ arguments: [PickleReference]
  ) throws(WeightmillError) {
    switch global {
    case .orderedDict: try push(.dictionary(items(of: arguments)))
    case .size:
      guard arguments.count == 1, integers(arguments[0]) != nil else {
        throw badArguments("Size")
      }
      push(again: arguments[0])
    case .set:
      guard arguments.count <= 1 else { throw badArguments("set") }
      push(.set)
    case .mapping:
      // Its items follow, or are those of a dictionary; a factory of values is not needed.
      if let first = arguments.first, case .dictionary = arena[first] {
        push(again: first)
      } else {
        push(.dictionary([]))
      }
    case .leftover: push(.opaque)
    case .rebuildTensor:
      guard arguments.count == 4 else { throw badArguments("_rebuild_tensor") }
      try rebuildTensor(arguments)
    case .rebuildTensorV2:
      guard (6...7).contains(arguments.count), areFlags(arguments[4], arguments[5]) else {
        throw badArguments("_rebuild_tensor_v2")
      }
      try rebuildTensor(arguments, metadata: arguments.dropFirst(6).first)
    case .rebuildTensorV3:
      guard (7...8).contains(arguments.count), areFlags(arguments[4], arguments[5]),
        case .global(.dtype(let type)) = arena[arguments[6]]
      else { throw badArguments("_rebuild_tensor_v3") }
      guard let type else {
        throw cursor.error("holds a tensor of a type that is not read", code: .unsupported)
      }
      try rebuildTensor(arguments, type: type, metadata: arguments.dropFirst(7).first)
    case .rebuildParameter, .rebuildParameterWithState, .parameter:
      try rebuildParameter(global, arguments)
    case .rebuildFromType: try rebuildFromType(arguments)
    case .tensorClass, .storage, .dtype:
      throw cursor.error("the pickle calls something that is not a function", code: .refused)
    }
  }

  private func badArguments(_ function: String) -> WeightmillError {
    cursor.error("the pickle gives \(function) the wrong arguments")
  }

  /// The items that Python 2 gives an OrderedDict as an argument: a list of pairs.
  private func items(
    of arguments: [PickleReference]
  ) throws(WeightmillError) -> [(key: PickleReference, value: PickleReference)] {
    guard let first = arguments.first else { return [] }
    guard arguments.count == 1, case .list(let pairs) = arena[first] else {
      throw badArguments("OrderedDict")
    }
    var items: [(key: PickleReference, value: PickleReference)] = []
    for pair in pairs {
      switch arena[pair] {
      case .list(let members) where members.count == 2: items.append((members[0], members[1]))
      case .tuple(let members) where members.count == 2: items.append((members[0], members[1]))
      default: throw badArguments("OrderedDict")
      }
    }
    return items
  }

  /// Whether the arguments are `requires_grad` and `backward_hooks`.
  private func areFlags(_ gradient: PickleReference, _ hooks: PickleReference) -> Bool {
    guard case .bool = arena[gradient] else { return false }
    switch arena[hooks] {
    case .dictionary, .none: return true
    default: return false
    }
  }

  private func integers(_ reference: PickleReference) -> [Int]? {
    guard case .tuple(let members) = arena[reference], members.count <= 64 else { return nil }
    var integers: [Int] = []
    for member in members {
      guard case .integer(let value) = arena[member] else { return nil }
      integers.append(value)
    }
    return integers
  }

  private mutating func rebuildTensor(
    _ arguments: [PickleReference], type: TensorType? = nil, metadata: PickleReference? = nil
  ) throws(WeightmillError) {
    guard case .storage(let storage) = arena[arguments[0]],
      case .integer(let offset) = arena[arguments[1]], let extents = integers(arguments[2]),
      let strides = integers(arguments[3]), let type = type ?? storage.type,
      storage.type == nil || storage.type == type
    else { throw badArguments("_rebuild_tensor") }
    guard
      let tensor = PickleTensor(
        storage: storage, type: type, offset: offset, extents: extents, strides: strides)
    else {
      throw cursor.error(
        "a tensor of shape \(extents), strides \(strides) at \(offset) reaches beyond its storage "
          + "of \(storage.view.count / type.bytesPerBlock) values", code: .refused)
    }
    // Repeated values (stride 0) are legal, but a few bytes must not become terabytes.
    if tensor.shape.count > tensor.available {
      let (sum, overflow) = repeated.addingReportingOverflow(tensor.shape.count)
      repeated = overflow ? .max : sum
    }
    guard repeated <= Self.maximumRepeated else {
      throw cursor.error(
        "a tensor of shape \(extents) repeats the \(tensor.available) values of its storage too "
          + "often", code: .refused)
    }
    try refuseLazyView(metadata)
    tensorCount += 1
    guard tensorCount <= Self.maximumTensors else {
      throw cursor.error(
        "the pickle has more than \(Self.maximumTensors) tensors, more than any checkpoint",
        code: .refused)
    }
    push(.tensor(tensor))
  }

  /// torch negates or conjugates such a view when it is used; it is not the values that are stored.
  private func refuseLazyView(_ metadata: PickleReference?) throws(WeightmillError) {
    guard let metadata else { return }
    switch arena[metadata] {
    case .none: return
    case .dictionary(let members) where members.isEmpty: return
    default: throw cursor.error("a tensor is a lazy view, which is not read", code: .unsupported)
    }
  }

  private mutating func rebuildParameter(
    _ global: PickleGlobal, _ arguments: [PickleReference]
  ) throws(WeightmillError) {
    let counts =
      switch global {
      case .parameter: 1...2
      case .rebuildParameter: 3...3
      default: 4...4
      }
    guard counts.contains(arguments.count), case .tensor = arena[arguments[0]] else {
      throw badArguments("_rebuild_parameter")
    }
    push(again: arguments[0])
  }

  /// `_rebuild_from_type_v2(function, class, arguments, state)`: a tensor with attributes, which
  /// are left out.
  private mutating func rebuildFromType(_ arguments: [PickleReference]) throws(WeightmillError) {
    guard arguments.count == 4, case .global(let function) = arena[arguments[0]],
      case .global(let type) = arena[arguments[1]], type == .tensorClass || type == .parameter,
      case .tuple(let inner) = arena[arguments[2]],
      [.rebuildTensor, .rebuildTensorV2, .rebuildTensorV3, .rebuildParameter].contains(function)
    else { throw badArguments("_rebuild_from_type_v2") }
    try call(function, inner)
  }

  // MARK: Storages

  mutating func persistentID() throws(WeightmillError) {
    guard case .tuple(let parts) = arena[try pop()], parts.count == (dialect == .zip ? 5 : 6),
      case .text("storage") = arena[parts[0]], case .global(.storage(let type)) = arena[parts[1]],
      case .text(let key) = arena[parts[2]], case .text = arena[parts[3]],
      case .integer(let count) = arena[parts[4]], Self.isStorageKey(key)
    else { throw cursor.error("a storage reference in the pickle is malformed") }
    let size = type?.bytesPerBlock ?? 1
    let (byteCount, overflow) = count.multipliedReportingOverflow(by: size)
    guard count >= 0, !overflow, byteCount <= Int.max / 8 else {
      throw cursor.error("a storage in the pickle has an impossible number of values")
    }
    var view = 0..<byteCount
    if dialect == .legacy, let part = try storageView(parts[5], size: size) {
      guard part.upperBound <= byteCount else {
        throw cursor.error("a view reaches beyond its storage", code: .refused)
      }
      view = part
    }
    let storage = PickleStorage(key: key, type: type, byteCount: byteCount, view: view)
    let known = storages.updateValue(storage, forKey: key) ?? storage
    guard known.isSame(as: storage) else {
      throw cursor.error(
        "two tensors see different storages in the same bytes, \(quoted(key))", code: .refused)
    }
    push(.storage(storage))
  }

  /// The bytes of a storage's view: `(key, offset, size)` in values, or nothing (rule LEG-06).
  private func storageView(
    _ value: PickleReference, size: Int
  ) throws(WeightmillError) -> Range<Int>? {
    if case .none = arena[value] { return nil }
    guard case .tuple(let parts) = arena[value], parts.count == 3, case .text = arena[parts[0]],
      case .integer(let offset) = arena[parts[1]], case .integer(let count) = arena[parts[2]],
      offset >= 0, count >= 0, offset <= Int.max / 16, count <= Int.max / 16 / size,
      offset <= Int.max / 16 / size
    else { throw cursor.error("a view of a storage in the pickle is malformed") }
    return offset * size..<(offset + count) * size
  }

  /// A key is part of the name of a zip entry, never of a path (rule TEN-08).
  private static func isStorageKey(_ key: String) -> Bool {
    !key.isEmpty && key != "." && key != ".."
      && key.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x2F && $0 != 0x5C }
  }
}

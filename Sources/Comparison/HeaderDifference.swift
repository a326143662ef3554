import WeightmillGGUF
package import WeightmillModels
import WeightmillStrictJSON
import WeightmillTensors

/// What two checkpoints say of themselves, where it differs: metadata, configuration, and names,
/// shapes and types of tensors. No values are read.
package struct HeaderDifference: Sendable, Encodable {
  /// A key whose values differ, or that one of the two has.
  package struct Entry: Sendable, Encodable {
    /// The key.
    package let key: String
    /// The value in A, in words; `nil` where there is none.
    package let a: String?
    /// The value in B.
    package let b: String?
  }

  /// A tensor whose shapes or types differ, or that one of the two has.
  package struct Tensor: Sendable, Encodable {
    /// The name.
    package let name: String
    /// The tensor in A; `nil` where there is none.
    package let a: Form?
    /// The tensor in B.
    package let b: Form?
  }

  /// What a header says of a tensor.
  package struct Form: Sendable, Encodable, Equatable {
    /// The type's name.
    package let type: String
    /// The extents, outermost first.
    package let shape: [Int]
  }

  /// The keys of metadata that differ, in the order of A, then of B.
  package let metadata: [Entry]
  /// The members of configuration files that differ.
  package let configuration: [Entry]
  /// The tensors that differ.
  package let tensors: [Tensor]
  /// The number of tensors that do not.
  package let sameTensors: Int

  /// Whether nothing differs.
  package var isEmpty: Bool { metadata.isEmpty && configuration.isEmpty && tensors.isEmpty }

  /// Compares two checkpoints.
  ///
  /// - Parameters:
  ///   - a: One of them.
  ///   - b: The other.
  package init(_ a: Checkpoint, _ b: Checkpoint) {
    metadata =
      Self.differences(
        a.metadata?.entries.map { ($0.key, $0.value) } ?? [],
        b.metadata?.entries.map { ($0.key, $0.value) } ?? [], Self.texts)
      + Self.differences(
        a.remarks.map { ($0.name, $0.value) }, b.remarks.map { ($0.name, $0.value) },
        { ($0.map { quoted($0) }, $1.map { quoted($0) }) })
    configuration = Self.differences(Self.members(a), Self.members(b)) { a, b in
      (a.map { Self.shortened($0.description) }, b.map { Self.shortened($0.description) })
    }
    let (first, second) = (a.catalogue.tensors, b.catalogue.tensors)
    func form(_ tensor: TensorDescriptor) -> Form {
      Form(type: tensor.type.name, shape: tensor.shape.extents)
    }
    let found = Self.pairs(
      first.map { ($0.name, form($0)) }, second.map { ($0.name, form($0)) })
    tensors = found.compactMap { $0.a == $0.b ? nil : Tensor(name: $0.name, a: $0.a, b: $0.b) }
    sameTensors = found.count - tensors.count
  }

  private static func members(_ checkpoint: Checkpoint) -> [(String, JSONValue)] {
    checkpoint.configuration?.json.object?.members.map { ($0.name, $0.value.sorted) } ?? []
  }

  /// The names of both lists, in the order of the first, with their values.
  private static func pairs<Value>(
    _ a: [(String, Value)], _ b: [(String, Value)]
  ) -> [(name: String, a: Value?, b: Value?)] {
    var others: [TensorName: Value] = [:]
    for (name, value) in b { others[TensorName(name)] = value }
    var names: Set<TensorName> = []
    var result: [(name: String, a: Value?, b: Value?)] = []
    for (name, value) in a where names.insert(TensorName(name)).inserted {
      result.append((name, value, others[TensorName(name)]))
    }
    for (name, value) in b where names.insert(TensorName(name)).inserted {
      result.append((name, nil, value))
    }
    return result
  }

  private static func differences<Value: Equatable>(
    _ a: [(String, Value)], _ b: [(String, Value)], _ texts: (Value?, Value?) -> (String?, String?)
  ) -> [Entry] {
    pairs(a, b).compactMap { name, a, b in
      guard a != b else { return nil }
      let (one, other) = texts(a, b)
      return Entry(key: name, a: one, b: other)
    }
  }

  /// Two values in words. Of lists that differ in elements, the first such elements; of values of the
  /// same text the types.
  private static func texts(_ a: GGUFValue?, _ b: GGUFValue?) -> (String?, String?) {
    if let first = a?.array, let second = b?.array, first.count == second.count,
      let index = zip(first, second).enumerated().first(where: { $0.element.0 != $0.element.1 })?
        .offset
    {
      let count = zip(first, second).count { $0 != $1 }
      let rest = count > 1 ? ", and \(count - 1) more" : ""
      return (
        "[\(index)] \(first[index].shown)", "[\(index)] \(second[index].shown)\(rest)"
      )
    }
    let (one, other) = (a?.shown, b?.shown)
    guard one == other, let a, let b else { return (one, other) }
    return (a.described, b.described)
  }

  private static func shortened(_ text: String) -> String {
    text.count <= 80 ? printable(text) : printable(String(text.prefix(79))) + "…"
  }
}

extension GGUFValue {
  /// The value in words.
  fileprivate var shown: String {
    switch self {
    case .string(let text): quoted(text)
    case .array(_, let elements): "\(elements.count) elements"
    case .bool(let bool): "\(bool)"
    case .float32(let number): "\(number)"
    case .float64(let number): "\(number)"
    default: integer.map { "\($0)" } ?? "…"
    }
  }

  /// The value with its type.
  fileprivate var described: String {
    if case .array(let kind, let elements) = self { return "\(elements.count) elements of \(kind)" }
    return "\(shown) (\(kind))"
  }
}

extension JSONValue {
  /// The value with the members of all objects in the order of their names.
  fileprivate var sorted: JSONValue {
    switch self {
    case .array(let values): .array(values.map(\.sorted))
    case .object(let object):
      .object(
        JSONObject(
          members: object.members.sorted { $0.name < $1.name }.map {
            .init(name: $0.name, value: $0.value.sorted)
          }))
    default: self
    }
  }
}

package import WeightmillGGUF

/// The type of a metadata value with a name that can be typed: `u32`, `str`, `[f32]`.
package struct ValueType: Equatable, Sendable {
  /// The type, or that of an array's elements.
  package let kind: GGUFValue.Kind
  /// Whether it is an array.
  package let isArray: Bool

  private static let names: [(kind: GGUFValue.Kind, names: [String])] = [
    (.uint8, ["u8", "uint8"]), (.int8, ["i8", "int8"]), (.uint16, ["u16", "uint16"]),
    (.int16, ["i16", "int16"]), (.uint32, ["u32", "uint32"]), (.int32, ["i32", "int32"]),
    (.uint64, ["u64", "uint64"]), (.int64, ["i64", "int64"]), (.float32, ["f32", "float32"]),
    (.float64, ["f64", "float64"]), (.bool, ["bool"]), (.string, ["str", "string"]),
  ]

  /// The names of all types of single values.
  package static var allNames: [String] { names.map { $0.names[0] } }

  /// Describes a type.
  package init(_ kind: GGUFValue.Kind, isArray: Bool = false) {
    self.kind = kind
    self.isArray = isArray
  }

  /// The type of a value.
  package init(of value: GGUFValue) {
    if case .array(let kind, _) = value {
      self.init(kind, isArray: true)
    } else {
      self.init(value.kind)
    }
  }

  /// Finds a type by its name; `nil` for what is none.
  package init?(name: some StringProtocol) {
    let isArray = name.hasPrefix("[") && name.hasSuffix("]") && name.utf8.count > 2
    let inner = isArray ? String(name.dropFirst().dropLast()) : String(name)
    guard let found = Self.names.first(where: { $0.names.contains(inner) }) else { return nil }
    self.init(found.kind, isArray: isArray)
  }

  /// The name.
  package var name: String {
    let name = Self.names.first { $0.kind == kind }?.names[0] ?? "array"
    return isArray ? "[\(name)]" : name
  }
}

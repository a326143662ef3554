import WeightmillTensors

/// A metadata value of a GGUF file.
public enum GGUFValue: Equatable, Sendable {
  /// An unsigned byte.
  case uint8(UInt8)
  /// A signed byte.
  case int8(Int8)
  /// An unsigned integer of 16 bits.
  case uint16(UInt16)
  /// A signed integer of 16 bits.
  case int16(Int16)
  /// An unsigned integer of 32 bits.
  case uint32(UInt32)
  /// A signed integer of 32 bits.
  case int32(Int32)
  /// A number in binary32.
  case float32(Float)
  /// A truth value.
  case bool(Bool)
  /// A text.
  case string(String)
  /// Values that all have this type.
  case array(Kind, [GGUFValue])
  /// An unsigned integer of 64 bits.
  case uint64(UInt64)
  /// A signed integer of 64 bits.
  case int64(Int64)
  /// A number in binary64.
  case float64(Double)

  /// The type of a value, with the code it has in the file.
  public enum Kind: UInt32, Sendable {
    /// An unsigned byte.
    case uint8 = 0
    /// A signed byte.
    case int8
    /// An unsigned integer of 16 bits.
    case uint16
    /// A signed integer of 16 bits.
    case int16
    /// An unsigned integer of 32 bits.
    case uint32
    /// A signed integer of 32 bits.
    case int32
    /// A number in binary32.
    case float32
    /// A truth value.
    case bool
    /// A text.
    case string
    /// Values of one type, which follows.
    case array
    /// An unsigned integer of 64 bits.
    case uint64
    /// A signed integer of 64 bits.
    case int64
    /// A number in binary64.
    case float64

    /// The fewest bytes a value of this type takes.
    var minimumBytes: Int {
      switch self {
      case .uint8, .int8, .bool: 1
      case .uint16, .int16: 2
      case .uint32, .int32, .float32: 4
      case .uint64, .int64, .float64, .string: 8
      case .array: 12
      }
    }
  }

  /// The type of the value.
  public var kind: Kind {
    switch self {
    case .uint8: .uint8
    case .int8: .int8
    case .uint16: .uint16
    case .int16: .int16
    case .uint32: .uint32
    case .int32: .int32
    case .float32: .float32
    case .bool: .bool
    case .string: .string
    case .array: .array
    case .uint64: .uint64
    case .int64: .int64
    case .float64: .float64
    }
  }

  /// An array of strings.
  ///
  /// - Parameter strings: The elements.
  /// - Returns: The value.
  package static func strings(_ strings: [String]) -> GGUFValue {
    .array(.string, strings.map(GGUFValue.string))
  }

  /// The value as an integer, whatever its width, if it is one and fits.
  public var integer: Int? {
    switch self {
    case .uint8(let value): Int(value)
    case .int8(let value): Int(value)
    case .uint16(let value): Int(value)
    case .int16(let value): Int(value)
    case .uint32(let value): Int(value)
    case .int32(let value): Int(value)
    case .uint64(let value): Int(exactly: value)
    case .int64(let value): Int(exactly: value)
    default: nil
    }
  }

  /// The value as a floating-point number, if it is one.
  public var double: Double? {
    switch self {
    case .float32(let value): Double(value)
    case .float64(let value): value
    default: nil
    }
  }

  /// The value as text, if it is a string.
  public var string: String? {
    if case .string(let text) = self { text } else { nil }
  }

  /// The value as a truth value, if it is one.
  public var bool: Bool? {
    if case .bool(let bool) = self { bool } else { nil }
  }

  /// The elements, if this is an array.
  public var array: [GGUFValue]? {
    if case .array(_, let elements) = self { elements } else { nil }
  }
}

/// The metadata of a GGUF file: keys in file order, none of them twice.
public struct GGUFMetadata: Equatable, Sendable {
  /// A key with its value.
  public struct Entry: Equatable, Sendable {
    /// The key.
    public let key: String
    /// The value.
    public let value: GGUFValue
  }

  /// The entries, in file order.
  public private(set) var entries: [Entry] = []
  private var indices: [TensorName: Int] = [:]

  /// Makes empty metadata.
  public init() {}

  /// Removes keys: all at once, since a hostile file may have a million.
  ///
  /// - Parameter isUnwanted: Whether a key is removed.
  package mutating func removeAll(where isUnwanted: (String) -> Bool) {
    entries.removeAll { isUnwanted($0.key) }
    indices = [:]
    for (index, entry) in entries.enumerated() { indices[TensorName(entry.key)] = index }
  }

  /// The value of a key; setting `nil` removes it, setting a new key appends it.
  ///
  /// - Parameter key: The key.
  public subscript(_ key: String) -> GGUFValue? {
    get { indices[TensorName(key)].map { entries[$0].value } }
    set {
      let name = TensorName(key)
      switch (newValue, indices[name]) {
      case (let value?, let index?): entries[index] = Entry(key: key, value: value)
      case (let value?, nil):
        indices[name] = entries.count
        entries.append(Entry(key: key, value: value))
      case (nil, let index?):
        entries.remove(at: index)
        indices = [:]
        for (index, entry) in entries.enumerated() { indices[TensorName(entry.key)] = index }
      case (nil, nil): break
      }
    }
  }
}

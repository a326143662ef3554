/// Bytes of a GGUF header, little endian.
struct GGUFByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func write(_ value: some FixedWidthInteger) {
    var rest = value
    for _ in 0..<value.bitWidth / 8 {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  mutating func write(_ text: String) {
    write(UInt64(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  mutating func write(_ entry: GGUFMetadata.Entry) {
    write(entry.key)
    write(entry.value.kind.rawValue)
    write(entry.value)
  }

  mutating func pad(to count: Int) {
    bytes.append(contentsOf: repeatElement(0, count: max(0, count - bytes.count)))
  }

  mutating func write(_ value: GGUFValue) {
    switch value {
    case .uint8(let value): write(value)
    case .int8(let value): write(value)
    case .uint16(let value): write(value)
    case .int16(let value): write(value)
    case .uint32(let value): write(value)
    case .int32(let value): write(value)
    case .uint64(let value): write(value)
    case .int64(let value): write(value)
    case .float32(let value): write(value.bitPattern)
    case .float64(let value): write(value.bitPattern)
    case .bool(let value): bytes.append(value ? 1 : 0)
    case .string(let value): write(value)
    case .array(let kind, let values):
      write(kind.rawValue)
      write(UInt64(values.count))
      for value in values { write(value) }
    }
  }
}

import WeightmillDigests
public import WeightmillTensors

/// SHA-256 of bytes in hexadecimal.
public func sha256(_ bytes: [UInt8]) -> String {
  SHA256.hexadecimal(of: bytes)
}

/// SHA-256 of a tensor's bytes, read in tiles of an odd number of rows.
public func sha256(ofTensor index: Int, in catalogue: any Catalogue) throws -> String {
  let rows = catalogue.tensors[index].shape.rows
  var bytes: [UInt8] = []
  for first in stride(from: 0, to: rows, by: 37) {
    bytes += try catalogue.bytes(rows: first..<min(first + 37, rows), ofTensor: index)
  }
  return sha256(bytes)
}

/// The bytes of a text of hexadecimal digits.
public func bytes(hex: String) -> [UInt8] {
  var digits = hex.utf8.makeIterator()
  var bytes: [UInt8] = []
  func value(_ digit: UInt8) -> UInt8 { digit < 0x3A ? digit - 0x30 : digit - 0x57 }
  while let high = digits.next(), let low = digits.next() {
    bytes.append(value(high) << 4 | value(low))
  }
  return bytes
}

/// Little-endian float32 values.
public func floats(_ bytes: [UInt8]) -> [Float] {
  stride(from: 0, to: bytes.count - 3, by: 4).map { offset in
    Float(
      bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[offset + $1]) << (8 * UInt32($1)) })
  }
}

import Testing
import WeightmillTensors
import WeightmillTestSupport

/// Rows of plain numbers against the numbers one by one.
struct ScalarRowsTests {
  /// More than a strip, and no multiple of a vector.
  private static let count = 5003

  /// Bytes of numbers, all patterns of bits among them.
  private func numbers(_ type: TensorType) -> [UInt8] {
    var random = SeededGenerator(seed: 23)
    return (0..<Self.count * type.bytesPerBlock).map { _ in
      UInt8.random(in: 0...255, using: &random)
    }
  }

  private func integer(_ bytes: [UInt8], at index: Int, size: Int) -> UInt64 {
    (0..<size).reduce(0) { $0 | UInt64(bytes[index * size + $1]) << (8 * UInt64($1)) }
  }

  /// The value of a number by its definition.
  private func value(_ bits: UInt64, _ type: TensorType) -> Float {
    switch type {
    case .f32: Float(bitPattern: UInt32(bits))
    case .bf16: Float(bitPattern: UInt32(bits) << 16)
    case .f64: Float(Double(bitPattern: bits))
    case .f16: binary(bits, exponents: 5, fractions: 10, bias: 15)
    case .f8e5m2: binary(bits, exponents: 5, fractions: 2, bias: 15)
    case .f8e4m3:
      bits & 0x7F == 0x7F
        ? .nan : binary(bits, exponents: 4, fractions: 3, bias: 7, isFinite: true)
    case .f8e4m3fnuz:
      bits == 0x80 ? .nan : binary(bits, exponents: 4, fractions: 3, bias: 8, isFinite: true)
    default:
      bits == 0x80 ? .nan : binary(bits, exponents: 5, fractions: 2, bias: 16, isFinite: true)
    }
  }

  private func binary(
    _ bits: UInt64, exponents: Int, fractions: Int, bias: Int, isFinite: Bool = false
  ) -> Float {
    let exponent = Int(bits >> UInt64(fractions)) & (1 << exponents - 1)
    let fraction = Float(bits & (1 << UInt64(fractions) - 1)) / Float(1 << fractions)
    let sign: Float = bits >> UInt64(exponents + fractions) & 1 == 1 ? -1 : 1
    if !isFinite, exponent == 1 << exponents - 1 { return fraction == 0 ? sign / 0 : .nan }
    let significand = exponent == 0 ? fraction : 1 + fraction
    return sign
      * Float(sign: .plus, exponent: max(exponent, 1) - bias, significand: 1) * significand
  }

  @Test(arguments: ScalarRows.decodable)
  func valuesAreThoseOfTheNumbers(type: TensorType) {
    let bytes = numbers(type)
    let values = ScalarRows.values(bytes, as: type)
    #expect(values.count == Self.count)
    let wrong = values.indices.filter { index in
      let expected = value(integer(bytes, at: index, size: type.bytesPerBlock), type)
      return !(values[index] == expected || values[index].isNaN && expected.isNaN)
    }
    #expect(wrong == [])
  }

  /// Stored values are the nearest: those just above and below are no nearer.
  @Test(arguments: [(TensorType.f16, 1), (.bf16, 1), (.f32, 0)])
  func valuesAreStoredAsTheNearestNumbers(type: TensorType, neighbours: Int) {
    var random = SeededGenerator(seed: 29)
    let values = (0..<Self.count).map { _ in random.gaussian() }
    let size = type.bytesPerBlock
    var bytes = [UInt8](repeating: 0xAA, count: 3 + values.count * size + 1)
    bytes.withMutableBytes { ScalarRows.store(values, as: type, into: &$0, at: 3) }
    #expect(bytes.prefix(3) == [0xAA, 0xAA, 0xAA] && bytes.last == 0xAA)
    let stored = Array(bytes[3..<3 + values.count * size])
    let wrong = values.indices.filter { index in
      let bits = integer(stored, at: index, size: size)
      let distance = abs(value(bits, type) - values[index])
      guard neighbours > 0 else { return distance != 0 }
      return [bits - 1, bits + 1].contains { abs(value($0, type) - values[index]) < distance }
    }
    #expect(wrong == [])
  }

  @Test(arguments: ScalarRows.decodable, ScalarRows.encodable)
  func convertingIsDecodingAndStoring(source: TensorType, target: TensorType) {
    let bytes = numbers(source)
    let size = Self.count * target.bytesPerBlock
    var (converted, stored) = (
      [UInt8](repeating: 0, count: size + 5), [UInt8](repeating: 0, count: size + 5)
    )
    converted.withMutableBytes {
      ScalarRows.convert(bytes, from: source, to: target, into: &$0, at: 5)
    }
    stored.withMutableBytes {
      ScalarRows.store(ScalarRows.values(bytes, as: source), as: target, into: &$0, at: 5)
    }
    #expect(converted == stored)
  }
}

import CWeightmillKernels
import Testing
import WeightmillTensors
import WeightmillTestSupport

/// Sums of binary16 numbers by each level of instructions.
struct HalfSumTests {
  @Test(arguments: 0...2)
  func everyNumberPlusAnyOtherIsTheNearestNumber(level: Int) throws {
    try requireInstructions(level, available: Int(weightmill_level()))
    var generator = SeededGenerator(seed: 3)
    let special: [UInt16] = [
      0, 0x8000, 1, 0x8001, 0x03FF, 0x0400, 0x3C00, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00, 0x7C01,
      0xFD23,
    ]
    let addends = special + (0..<40).map { _ in UInt16.random(in: 0...0xFFFF, using: &generator) }
    let numbers = (0...UInt16.max).map { $0 }
    for addend in addends {
      var sums = numbers
      let others = [UInt16](repeating: addend, count: numbers.count)
      weightmill_add_halves(Int32(level), &sums, others, numbers.count)
      let expected = numbers.map { number -> UInt16 in
        let sum = Binary16.float(addend) + Binary16.float(number)
        return sum.isNaN ? 0x7E00 : Binary16.bits(sum)
      }
      #expect(sums == expected, "\(addend)")
    }
  }

  @Test(arguments: 0...40)
  func anyCountAndAddressWillDo(count: Int) throws {
    let bytes = (0..<200).map { UInt8($0) }
    var sums = bytes
    try sums.withUnsafeMutableBytes { target in
      try bytes.withUnsafeBytes { source in
        let (to, from) = (try #require(target.baseAddress), try #require(source.baseAddress))
        weightmill_add_halves(weightmill_level(), to + 3, from + 5, count)
      }
    }
    #expect(sums.prefix(3) == bytes.prefix(3))
    #expect(sums.dropFirst(3 + 2 * count) == bytes.dropFirst(3 + 2 * count))
    for index in 0..<count {
      func half(_ bytes: [UInt8], _ at: Int) -> UInt16 {
        UInt16(bytes[at + 2 * index]) | UInt16(bytes[at + 2 * index + 1]) << 8
      }
      let sum = Binary16.float(half(bytes, 5)) + Binary16.float(half(bytes, 3))
      #expect(half(sums, 3) == (sum.isNaN ? 0x7E00 : Binary16.bits(sum)))
    }
  }
}

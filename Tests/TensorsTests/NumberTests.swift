import Testing
import WeightmillTensors
import WeightmillTestSupport

/// Conversions between float32 and the 16-bit formats.
struct NumberTests {
  @Test func everyBinary16NumberSurvivesTheRoundTrip() {
    for bits in UInt16.min...UInt16.max {
      let value = Binary16.float(bits)
      if value.isNaN {
        #expect(bits & 0x7C00 == 0x7C00 && bits & 0x03FF != 0)
      } else {
        #expect(Binary16.bits(value) == bits)
      }
    }
  }

  #if !((os(macOS) || targetEnvironment(macCatalyst)) && arch(x86_64))
    @Test func binary16AgreesWithTheCompilersFloat16() {
      for bits in UInt16.min...UInt16.max where !Float16(bitPattern: bits).isNaN {
        #expect(Binary16.float(bits) == Float(Float16(bitPattern: bits)))
      }
      // Every neighbourhood of a tie, of the subnormals and of overflow.
      for bits in UInt16.min...UInt16(0x7BFF) {
        let low = Float(Float16(bitPattern: bits))
        let high = bits == 0x7BFF ? 65536 : Float(Float16(bitPattern: bits + 1))
        let tie = low + (high - low) / 2
        for value in [tie.nextDown, tie, tie.nextUp, -tie, -tie.nextUp] {
          #expect(Binary16.bits(value) == Float16(value).bitPattern, "\(value)")
        }
      }
      var random = SeededGenerator(seed: 1)
      for _ in 0..<200_000 {
        let value = Float(bitPattern: UInt32.random(in: .min ... .max, using: &random))
        if value.isNaN {
          #expect(Binary16.float(Binary16.bits(value)).isNaN)
        } else {
          #expect(Binary16.bits(value) == Float16(value).bitPattern, "\(value)")
        }
      }
    }
  #endif

  @Test(arguments: [
    (Float(1), UInt16(0x3F80)), (1.00390625, 0x3F80), (1.01171875, 0x3F82), (-0.0, 0x8000),
    (3.4e38, 0x7F80), (.infinity, 0x7F80),
  ])
  func bfloat16RoundsToTheNearestTiesToEven(value: Float, bits: UInt16) {
    #expect(BFloat16.bits(value) == bits)
  }

  @Test func everyBFloat16NumberSurvivesTheRoundTrip() {
    for bits in UInt16.min...UInt16.max where !BFloat16.float(bits).isNaN {
      #expect(BFloat16.bits(BFloat16.float(bits)) == bits)
    }
    #expect(BFloat16.float(BFloat16.bits(.nan)).isNaN)
  }
}

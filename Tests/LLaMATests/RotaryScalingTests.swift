import Testing
import WeightmillLLaMA
import WeightmillModels
import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTestSupport

/// Rotary angles are those of transformers, and the factors that a GGUF file holds those of llama.cpp's
/// converter, bit for bit: `fixtures/rotary/expected.json`, which `fixtures/rotary/make.py` made.
struct RotaryScalingTests {
  /// A case of the fixture.
  struct Case: CustomTestStringConvertible, Sendable {
    let name: String
    let fields: JSONObject
    var testDescription: String { name }

    func numbers(_ field: String) -> [Double]? { fields[field]?.array?.compactMap(\.double) }

    func configuration() throws -> LlamaConfiguration {
      let json = try #require(fields["config"])
      return try LlamaConfiguration(huggingFace: json, location: name)
    }
  }

  static let cases: [Case] = {
    let json = try? TextInput.json("\(Fixtures.package)/fixtures/rotary/expected.json")
    return (json?.object?.members ?? []).compactMap { member in
      member.value.object.map { Case(name: member.name, fields: $0) }
    }
  }()

  @Test func theFixtureHasAllKinds() {
    #expect(Self.cases.count >= 14)
  }

  @Test(arguments: cases)
  func frequenciesAreThoseOfTransformers(test: Case) throws {
    let frequencies = try test.frequencies()
    let short = try #require(test.numbers("frequencies"))
    let long = test.numbers("beyond") ?? short
    for (ours, theirs) in [(frequencies.values, short), (frequencies.beyond, long)] {
      #expect(ours.count == theirs.count)
      for (value, expected) in zip(ours, theirs) {
        // transformers rounds each step to binary32.
        #expect(abs(value - expected) <= 1e-6 * expected)
      }
    }
    let magnitude = try #require(test.fields["magnitude"]?.double)
    #expect(abs(frequencies.magnitude - magnitude) <= 1e-7 * magnitude)
    if let limit = test.fields["limit"]?.integer { #expect(frequencies.limit == limit) }
  }

  /// What is written to a GGUF file: `rope_freqs.weight`, and the two of long texts. All bits are
  /// those of the converter with Llama's base; with another, torch's powers are not all rounded to the
  /// nearest number, and some of the factors differ in their last bits.
  @Test(arguments: cases)
  func factorsHaveTheBitsOfLlamaCppsConverter(test: Case) throws {
    let configuration = try test.configuration()
    for (field, kind) in [
      ("factors", .all), ("long_factors", .long), ("short_factors", .short),
    ] as [(String, TensorRole.RopeFactors)] {
      let ours = configuration.rotaryScaling.factors(
        kind, headDimension: configuration.headDimension, base: configuration.ropeBase)
      let theirs = test.numbers(field)?.compactMap { UInt32(exactly: $0) }
      #expect(ours?.count == theirs?.count, "\(field)")
      if configuration.ropeBase == 500_000 || kind != .all {
        #expect(ours?.map(\.bitPattern) == theirs, "\(field)")
      }
      for (value, bits) in zip(ours ?? [], theirs ?? []) {
        #expect(abs(value - Float(bitPattern: bits)) <= 1e-6 * value)
      }
    }
  }
}

extension RotaryScalingTests.Case {
  /// The angles of a model of this configuration.
  fileprivate func frequencies() throws -> RotaryFrequencies {
    let configuration = try configuration()
    var model = MadeUpModel(configuration.architecture)
    model.sizes = configuration
    model.omitted = Set(
      TensorRole.all(in: configuration).filter { $0.isBias })
    return try RotaryFrequencies(model.model(named: .huggingFace))
  }
}

import Testing
import WeightmillLLaMA
import WeightmillTensors
import WeightmillTestSupport

/// Tokens are drawn as often as their probabilities say, and the same ones for the same seed.
struct SamplerTests {
  private func settings(
    temperature: Double = 1, topP: Double = 1, topK: Int = 0, seed: UInt64 = 7
  ) -> Sampler.Settings {
    var settings = Sampler.Settings()
    settings.temperature = temperature
    settings.topP = topP
    settings.topK = topK
    settings.seed = seed
    return settings
  }

  /// How often each id is drawn, of many.
  private func shares(
    _ logits: [Float], _ settings: Sampler.Settings, of count: Int = 20_000
  ) throws -> [Double] {
    var sampler = Sampler(settings, location: "x")
    var counts = [Double](repeating: 0, count: logits.count)
    for _ in 0..<count { counts[try sampler.choose(logits)] += 1 }
    return counts.map { $0 / Double(count) }
  }

  /// The logits of probabilities 0.1, 0.2, 0.3 and 0.4.
  private let logits = [0.1, 0.2, 0.3, 0.4].map { Float(Elementary.logarithm($0)) + 5 }

  // Five standard errors of 20,000 draws are below 0.018.
  private func expect(
    _ shares: [Double], _ expected: [Double], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for (share, value) in zip(shares, expected) {
      let isRight = value == 0 ? share == 0 : abs(share - value) < 0.018
      #expect(isRight, "\(shares)", sourceLocation: sourceLocation)
    }
  }

  @Test func theDefaultIsThatOfZiyasCard() {
    let settings = Sampler.Settings()
    #expect((settings.temperature, settings.topP) == (1, 0.85))
    #expect((settings.topK, settings.seed) == (0, 0))
  }

  @Test func tokensAreDrawnByProbability() throws {
    expect(try shares(logits, settings()), [0.1, 0.2, 0.3, 0.4])
  }

  /// The first random numbers of SplitMix64 from seed 7, computed with Python's integers.
  @Test func whereNothingIsLeftOutTokensAreDrawnInTheOrderOfTheirIDs() throws {
    let numbers = [0.3898, 0.0168, 0.9008, 0.5829, 0.4524, 0.2494, 0.4680, 0.3281]
    let logits = [0.4, 0.1, 0.3, 0.2].map { Float(Elementary.logarithm($0)) + 5 }
    let bounds = [0.4, 0.5, 0.8, 1]
    var sampler = Sampler(settings(), location: "x")
    for number in numbers {
      let expected = try #require(bounds.firstIndex { number < $0 })
      #expect(try sampler.choose(logits) == expected)
    }
  }

  @Test func temperatureIsAPowerOfProbabilities() throws {
    // At temperature 1/2 probabilities go with their squares: 1, 4, 9, 16 of 30.
    expect(try shares(logits, settings(temperature: 0.5)), [1, 4, 9, 16].map { $0 / 30 })
  }

  @Test func topPKeepsTheFewestTokensThatReachIt() throws {
    expect(try shares(logits, settings(topP: 0.65)), [0, 0, 3.0 / 7, 4.0 / 7])
    expect(try shares(logits, settings(topP: 0.75)), [0, 2.0 / 9, 3.0 / 9, 4.0 / 9])
    expect(try shares(logits, settings(topP: 0)), [0, 0, 0, 1])
  }

  @Test func topKComesBeforeTopP() throws {
    expect(try shares(logits, settings(topK: 2)), [0, 0, 3.0 / 7, 4.0 / 7])
    // Of the two, the first has 4/7 of what is left.
    expect(try shares(logits, settings(topP: 0.5, topK: 2)), [0, 0, 0, 1])
    expect(try shares(logits, settings(topK: 100)), [0.1, 0.2, 0.3, 0.4])
  }

  @Test func ofEqualLogitsTheLowerIdComesFirst() throws {
    let equal = [Float](repeating: 2, count: 5)
    expect(try shares(equal, settings(topK: 1)), [1, 0, 0, 0, 0])
    expect(try shares(equal, settings(topP: 0.39)), [0.5, 0.5, 0, 0, 0])
    expect(try shares(equal, settings(temperature: 0)), [1, 0, 0, 0, 0])
  }

  @Test func temperatureZeroTakesTheMostLikely() throws {
    expect(try shares([1, 7, 7, -3], settings(temperature: 0, topP: 0.1)), [0, 1, 0, 0])
    // A temperature so small that the others' weights vanish comes to the same.
    expect(try shares([1, 7, 6, -3], settings(temperature: 1e-300)), [0, 1, 0, 0])
  }

  @Test func extremeLogitsAreNoProblem() throws {
    let largest = Float.greatestFiniteMagnitude
    expect(try shares([-largest, largest, 0], settings(), of: 100), [0, 1, 0])
    expect(try shares([-largest], settings(), of: 10), [1])
  }

  /// The first numbers of SplitMix64 from seed 1234567, as its authors' C program prints them,
  /// decide among 2^16 equal tokens: the topmost 16 bits of each are the id.
  @Test func randomNumbersAreThoseOfSplitMix64() throws {
    let published: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
      4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
    ]
    var sampler = Sampler(settings(seed: 1_234_567), location: "x")
    let equal = [Float](repeating: 0, count: 1 << 16)
    for number in published { #expect(try sampler.choose(equal) == Int(number >> 48)) }
  }

  @Test func theSeedDecides() throws {
    func draws(_ seed: UInt64) throws -> [Int] {
      var sampler = Sampler(settings(seed: seed), location: "x")
      return try (0..<50).map { _ in try sampler.choose(logits) }
    }
    #expect(try draws(1) == draws(1))
    #expect(try draws(1) != draws(2))
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func whatIsNoNumberIsAnError(value: Float) {
    for temperature in [0, 1.0] {
      var sampler = Sampler(settings(temperature: temperature), location: "x")
      expectError(.mismatch) { _ = try sampler.choose([1, value, 2]) }
      expectError(.mismatch) { _ = try sampler.choose([]) }
    }
  }
}

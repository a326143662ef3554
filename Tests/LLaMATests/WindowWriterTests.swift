import CWeightmillKernels
import Testing
import WeightmillLLaMA
import WeightmillTensors
import WeightmillTestSupport

/// Windows that are written side by side are those of texts that grow one after the other.
struct WindowWriterTests {
  private static let settings = WindowWriter.Settings(
    context: 20, start: 1, ends: [2, 7, 11], seed: 5, memory: 1 << 30)

  private func pass(
    _ family: FamilyForwardTests.Family = .init(architecture: .llama), threads: Int = 2
  ) throws -> ForwardPass {
    ForwardPass(try family.model(), workers: Workers(threads: threads))
  }

  /// One text after the other, each by itself, token by token.
  private func oneByOne(
    _ pass: ForwardPass, _ settings: WindowWriter.Settings, _ count: Int
  ) throws -> [[Int]] {
    var state = settings.seed
    return try (0..<count).map { _ in
      // SplitMix64, as its authors have it.
      state &+= 0x9E37_79B9_7F4A_7C15
      var seed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
      seed = (seed ^ (seed >> 27)) &* 0x94D0_49BB_1331_11EB
      var sampling = Sampler.Settings()
      sampling.topP = 1
      sampling.seed = seed ^ (seed >> 31)
      var sampler = Sampler(sampling, location: "memory")
      var window = [settings.start]
      while window.count < settings.context {
        window += try text(pass, settings, &sampler, room: settings.context - window.count)
      }
      return window
    }
  }

  /// The tokens of a text after its first one, and the first one of the next text.
  private func text(
    _ pass: ForwardPass, _ settings: WindowWriter.Settings, _ sampler: inout Sampler, room: Int
  ) throws -> [Int] {
    var generation = Generation(pass)
    var (ids, next) = ([Int](), settings.start)
    while ids.count < room {
      next = try sampler.choose(generation.extend(with: [next]))
      ids.append(next)
      let ends = settings.ends.contains(next)
      guard ends || generation.count == pass.model.configuration.contextLength else { continue }
      let isStart = ends && next == settings.start
      return isStart || ids.count == room ? ids : ids + [settings.start]
    }
    return ids
  }

  @Test(arguments: FamilyForwardTests.families)
  func windowsAreThoseOfTextsThatGrowAlone(family: FamilyForwardTests.Family) throws {
    let pass = try pass(family)
    let windows = try WindowWriter(pass, Self.settings).write(18)
    #expect(windows == (try oneByOne(pass, Self.settings, 18)))
    // Texts end within windows, and others begin: the test sees them.
    let inner = windows.joined().count { $0 == 1 } - 18
    #expect(inner > 0)
    #expect(Set(windows).count == 18)
  }

  @Test func aTokenThatBeginsAndEndsTextsStandsOnceBetweenThem() throws {
    var settings = Self.settings
    settings.ends = [1]
    let pass = try pass()
    let windows = try WindowWriter(pass, settings).write(18)
    #expect(windows == (try oneByOne(pass, settings, 18)))
    #expect(windows.joined().count { $0 == 1 } > 18)
  }

  @Test func aTextEndsWhereThoseDoThatTheModelWasTrainedOn() throws {
    var settings = Self.settings
    settings.context = 150
    settings.ends = []
    let pass = try pass()
    #expect(pass.model.configuration.contextLength == 64)
    let windows = try WindowWriter(pass, settings).write(3)
    #expect(windows == (try oneByOne(pass, settings, 3)))
    // 64 tokens that the model has read, the one it added, and the next text.
    #expect(windows.allSatisfy { $0.count == 150 && $0[65] == 1 && $0[130] == 1 })
  }

  @Test(arguments: [0, 1, 2])
  func windowsDependNeitherOnThreadsNorMemoryNorInstructions(level: Int) throws {
    try requireInstructions(level, available: Int(weightmill_forward_level()))
    let model = try pass().model
    let expected = try WindowWriter(pass(), Self.settings).write(7)
    for (threads, memory) in [(1, 0), (3, 40_000), (2, 1 << 30)] {
      var settings = Self.settings
      settings.memory = memory
      let pass = ForwardPass(
        model, workers: Workers(threads: threads), precision: .single, level: level)
      #expect(try WindowWriter(pass, settings).write(7) == expected)
    }
  }

  @Test func windowsFollowFromTheSeedAndTheirNumber() throws {
    let pass = try pass()
    let windows = try WindowWriter(pass, Self.settings).write(5)
    #expect(try WindowWriter(pass, Self.settings).write(2) == Array(windows[..<2]))
    var other = Self.settings
    other.seed = 6
    #expect(Set(try WindowWriter(pass, other).write(5)).isDisjoint(with: windows))
  }

  @Test func memoryBoundsHowManyAreWrittenSideBySide() throws {
    // 2 x 20 features x 4 layers x 20 tokens, and 2 x 40 logits, of 4 bytes: 13,120.
    let pass = try pass()
    func side(_ memory: Int, of count: Int) -> Int {
      var settings = Self.settings
      settings.memory = memory
      return WindowWriter(pass, settings).windowsSideBySide(of: count)
    }
    #expect([0, 13_119, 13_120, 26_239, 26_240].map { side($0, of: 7) } == [1, 1, 1, 1, 2])
    // Rounds are about as large: 7 windows in 2 rounds of 4, not of 6 and 1.
    #expect(side(6 * 13_120, of: 7) == 4)
    #expect(side(1 << 30, of: 7) == 7)
  }

  @Test func progressCountsTokens() throws {
    var settings = Self.settings
    settings.memory = 3 * 13_120
    var seen: [Int] = []
    _ = try WindowWriter(pass(), settings).write(5) { seen.append($0) }
    #expect(seen == seen.sorted())
    #expect(seen.last == 100)
    // Two rounds; a step adds two tokens where a text ends.
    #expect((20...38).contains(seen.count))
  }

  @Test func aStartWithoutAnEmbeddingIsAMismatch() throws {
    var settings = Self.settings
    settings.start = 40
    expectError(.mismatch) { _ = try WindowWriter(pass(), settings).write(1) }
  }
}

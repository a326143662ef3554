import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// What GGUF files of the families say of windows, caps, rotation and fused matrices is checked before
/// anything is computed with it.
struct FamilyLimitsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A file of an architecture, and the keys that are changed in it.
  struct Change: CustomTestStringConvertible, Sendable {
    let architecture: Architecture
    let key: Architecture.Key
    let value: GGUFValue?
    let code: WeightmillError.Code
    var testDescription: String {
      "\(architecture.name(of: key)) = \(value.map { "\($0)" } ?? "nothing")"
    }
  }

  static let changes: [Change] = [
    (.phi3, .ropeDimensionCount, .uint32(0), .malformed),
    (.phi3, .ropeDimensionCount, .uint32(31), .malformed),
    (.phi3, .ropeDimensionCount, .uint32(64), .malformed),
    (.phi3, .ropeDimensionCount, .uint64(.max), .malformed),
    (.phi3, .slidingWindow, .int32(-1), .malformed),
    (.phi3, .slidingWindow, .string("none"), .malformed),
    (.phi3, .slidingWindowPattern, .uint32(2), .unsupported),
    (.phi3, .ropeOriginalContextLength, .uint32(0), .malformed),
    // 3 * 32 rows of a fused matrix are not 2 * 32 and twice 16.
    (.phi3, .keyValueHeadCount, .uint32(1), .mismatch),
    (.phi3, .feedForwardLength, .uint32(63), .mismatch),
    (.phi3, .keyLength, .uint32(16), .unsupported),
    (.phi3, .ropeScalingType, .string("linear"), .unsupported),
    (.llama, .ropeDimensionCount, .uint32(16), .unsupported),
  ].map { Change(architecture: $0, key: $1, value: $2, code: $3) }

  private func written(_ architecture: Architecture) throws -> RewrittenGGUF {
    var small = SmallModel()
    small.architecture = architecture
    let model = try ModelLoader.load(small.write(to: folder, "model"))
    let plan = try ConversionPlan(convert: model, to: .f32, name: "model")
    _ = try ConversionRun(plan, workers: Workers(threads: 1)).write(
      to: folder("model.gguf"), overwrite: false)
    return try RewrittenGGUF(folder("model.gguf"))
  }

  @Test(arguments: changes)
  func impossibleKeysAreRefused(change: Change) throws {
    var file = try written(change.architecture)
    file.metadata[change.architecture.name(of: change.key)] = change.value
    if change.key == .ropeScalingType {
      file.metadata[change.architecture.name(of: .ropeScalingFactor)] = .float32(2)
    }
    let path = try file.write(to: folder, "changed.gguf")
    expectError(change.code) { _ = try ModelLoader.load(path) }
  }

  /// A window is computed from GGUF files, too, with a note that llama.cpp leaves it out.
  @Test func aWindowOfPhiIsTakenFromTheFile() throws {
    var file = try written(.phi3)
    #expect(try ModelLoader.load(folder("model.gguf")).llama.configuration.window == nil)
    file.metadata["phi3.attention.sliding_window"] = .uint32(7)
    let model = try ModelLoader.load(file.write(to: folder, "window.gguf"))
    #expect(model.llama.configuration.window(ofLayer: 0) == 7)
    #expect(model.notes.contains { $0.contains("window of 7 tokens") && $0.contains("llama.cpp") })
  }
}

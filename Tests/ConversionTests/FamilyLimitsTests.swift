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
    (.phi3, .keyLength, .uint32(16), .malformed), (.phi3, .keyLength, .uint32(64), .unsupported),
    (.phi3, .ropeScalingType, .string("linear"), .unsupported),
    (.llama, .ropeDimensionCount, .uint32(16), .unsupported),
    (.gemma2, .attentionCap, .float32(-1), .malformed),
    (.gemma2, .logitCap, .float32(0), .malformed),
    (.gemma2, .logitCap, .float32(.nan), .malformed),
    (.gemma2, .logitCap, .string("none"), .malformed),
    (.gemma3, .logitCap, .float32(-1), .malformed),
    (.gemma3, .localRopeBase, .float32(0), .malformed),
    (.gemma3, .localRopeBase, .float32(.infinity), .malformed),
    (.gemma3, .slidingWindow, .uint64(.max), .malformed),
    (.gemma3, .slidingWindowPattern, .array(.bool, [.bool(true)]), .unsupported),
    (.gemma3, .ropeScalingType, .string("yarn"), .unsupported),
  ].map { Change(architecture: $0, key: $1, value: $2, code: $3) }

  private func written(_ architecture: Architecture) throws -> RewrittenGGUF {
    var small = SmallModel()
    small.architecture = architecture
    if architecture.alwaysSaysHeadSize, architecture.name.hasPrefix("gemma") { small.head = 24 }
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

  /// Three matrices and one of all their rows are the same model: every architecture may have both.
  @Test(arguments: [Architecture.llama, .qwen2, .qwen3, .gemma3])
  func fusedQueriesGiveTheSameBits(architecture: Architecture) throws {
    var file = try written(architecture)
    let logits = try logits(folder("model.gguf"))
    for suffix in ["weight", "bias"] {
      let parts = ["q", "k", "v"].compactMap { letter in
        file.tensors.first { $0.descriptor.name == "blk.0.attn_\(letter).\(suffix)" }
      }
      guard var fused = parts.first else { continue }
      var extents = fused.descriptor.shape.extents
      extents[0] = parts.reduce(0) { $0 + $1.descriptor.shape.extents[0] }
      fused.descriptor = TensorDescriptor(
        name: "blk.0.attn_qkv.\(suffix)", type: fused.descriptor.type,
        shape: try #require(TensorShape(extents)))
      fused.bytes = parts.flatMap(\.bytes)
      file.tensors.removeAll { tensor in
        parts.contains { $0.descriptor.name == tensor.descriptor.name }
      }
      file.tensors.append(fused)
    }
    let path = try file.write(to: folder, "fused.gguf")
    let model = try ModelLoader.load(path).llama
    #expect(model.tensor(.layer(0, .queryKeyValue)) != nil)
    // No checkpoint of theirs has such a matrix, so none has its digest.
    expectError(.unsupported) { _ = try CheckpointForm(model) }
    #expect(try self.logits(path) == logits)
    // A layer less than all is not enough.
    file.tensors.removeAll { $0.descriptor.name == "blk.0.attn_output.weight" }
    let less = try file.write(to: folder, "less.gguf")
    expectError(.mismatch) { _ = try ModelLoader.load(less) }
  }

  private func logits(_ path: String) throws -> [[Double]] {
    let model = try ModelLoader.load(path).llama
    let pass = ForwardPass(model, workers: Workers(threads: 1))
    let tokens = [5, 200, 17, 99, 3]
    var hidden = try pass.embed(tokens)
    try pass.apply(layer: 0, to: &hidden, windows: [0..<tokens.count])
    let logits = try pass.logits(
      rows: 0..<model.configuration.vocabularyRows, of: pass.normalized(hidden))
    return tokens.indices.map { logits[$0] }
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

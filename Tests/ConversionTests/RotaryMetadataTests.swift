import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// What configuration files say of rotary angles becomes what llama.cpp reads from a GGUF file, and is
/// read again.
struct RotaryMetadataTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func convert(_ small: SmallModel, _ name: String = "model") throws -> String {
    let model = try ModelLoader.load(small.write(to: folder, name))
    let plan = try ConversionPlan(convert: model, to: .f32, name: name)
    _ = try ConversionRun(plan, workers: Workers(threads: 1)).write(
      to: folder("\(name).gguf"), overwrite: false)
    return folder("\(name).gguf")
  }

  /// A file of a plain model with other metadata.
  private func rewritten(
    _ values: [String: GGUFValue], _ architecture: Architecture = .llama
  ) throws -> String {
    var small = SmallModel()
    small.architecture = architecture
    let name = architecture.huggingFaceType
    let path = folder("\(name).gguf")
    if try !folder.names().contains("\(name).gguf") { _ = try convert(small, name) }
    var file = try RewrittenGGUF(path)
    for (key, value) in values { file.metadata["\(architecture.name).\(key)"] = value }
    return try file.write(to: folder, "rewritten.gguf")
  }

  /// A `rope_scaling`, the keys that are written for it, and the tensors.
  struct Row: CustomTestStringConvertible, Sendable {
    let scaling: String
    var keys: [String: GGUFValue] = [:]
    var tensors: [String] = []
    var testDescription: String { scaling }
  }

  private static let ones = "[" + (1...16).map { "\($0)" }.joined(separator: ",") + "]"

  static let rows = [
    Row(scaling: #"{"type":"default"}"#),
    Row(scaling: #"{"type":"linear","factor":1.0}"#),
    Row(scaling: #"{"type":"dynamic","factor":2.0}"#),
    Row(
      scaling: #"{"type":"linear","factor":4.0}"#,
      keys: ["type": .string("linear"), "factor": .float32(4)]),
    Row(
      scaling: #"{"rope_type":"yarn","factor":2.0,"original_max_position_embeddings":64}"#,
      keys: [
        "type": .string("yarn"), "factor": .float32(2), "original_context_length": .uint32(64),
      ]),
    Row(
      scaling:
        #"{"type":"yarn","factor":2,"original_max_position_embeddings":64,"beta_fast":16,"#
        + #""beta_slow":2,"attention_factor":1.5}"#,
      keys: [
        "type": .string("yarn"), "factor": .float32(2), "original_context_length": .uint32(64),
        "yarn_beta_fast": .float32(16), "yarn_beta_slow": .float32(2),
        "yarn_attn_factor": .float32(1.5),
      ]),
    Row(scaling: #"{"rope_type":"llama3","factor":8}"#, tensors: ["rope_freqs.weight"]),
    Row(
      scaling:
        #"{"rope_type":"longrope","original_max_position_embeddings":64,"factor":16.0,"#
        + #""short_factor":\#(ones),"long_factor":\#(ones)}"#,
      keys: [
        "type": .string("longrope"), "original_context_length": .uint32(64),
        // √(1 + ln 16 / ln 64)
        "attn_factor": .float32(1.2909944),
      ], tensors: ["rope_factors_long.weight", "rope_factors_short.weight"]),
  ]

  @Test(arguments: rows)
  func whatIsWrittenIsWhatIsRead(row: Row) throws {
    var small = SmallModel()
    small.fields = ["rope_scaling": row.scaling, "max_position_embeddings": "1024"]
    let file = try GGUFFile(path: convert(small))
    let prefix = "llama.rope.scaling."
    let keys = file.metadata.entries.filter { $0.key.hasPrefix(prefix) }
    #expect(
      Dictionary(
        uniqueKeysWithValues: keys.map { (String($0.key.dropFirst(prefix.count)), $0.value) })
        == row.keys)
    let tensors = file.tensors.filter { $0.name.hasPrefix("rope_") }
    #expect(tensors.map(\.name) == row.tensors)
    #expect(tensors.allSatisfy { $0.type == .f32 && $0.shape.extents == [16] })

    let source = try ModelLoader.load(folder("model")).llama
    let written = try ModelLoader.load(folder("model.gguf")).llama
    let (theirs, ours) = (try RotaryFrequencies(source), try RotaryFrequencies(written))
    guard !row.scaling.contains("beta_fast") else {
      // llama.cpp's loader has its own constants.
      return #expect(ours != theirs)
    }
    for (a, b) in [(ours.values, theirs.values), (ours.beyond, theirs.beyond)] {
      #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 1e-7 * $1 })
    }
    #expect(abs(ours.magnitude - theirs.magnitude) < 1e-6)
    #expect(ours.values == ours.beyond || ours.limit == theirs.limit)
  }

  /// What llama.cpp's loader takes from keys: a factor without a type is linear, the older key is the
  /// factor, zero is none, and without a scaling type "none" nothing else counts.
  @Test(
    arguments: [
      ([:], RotaryScaling.none),
      (["rope.scaling.factor": .float32(4)], .linear(factor: 4)),
      (["rope.scale_linear": .float32(2)], .linear(factor: 2)),
      (["rope.scale_linear": .float32(2), "rope.scaling.factor": .float32(8)], .linear(factor: 8)),
      (["rope.scaling.factor": .float32(0)], .none), (["rope.scale_linear": .float32(1)], .none),
      (["rope.scaling.type": .string("none"), "rope.scaling.factor": .float32(4)], .none),
      (["rope.scaling.type": .string("yarn"), "rope.scaling.factor": .float32(1)], .none),
      (
        ["rope.scaling.type": .string("yarn"), "rope.scaling.factor": .float32(4)],
        .yarn(.init(factor: 4, originalContextLength: 2048))
      ),
      (
        [
          "rope.scaling.type": .string("yarn"), "rope.scaling.factor": .float32(4),
          "rope.scaling.original_context_length": .uint32(512),
          "rope.scaling.yarn_beta_fast": .float32(8),
        ], .yarn(.init(factor: 4, originalContextLength: 512))
      ),
      (
        ["rope.scaling.type": .string("longrope"), "rope.scaling.attn_factor": .float32(1.5)],
        .longRope(.init(originalContextLength: 2048, attentionFactor: 1.5))
      ),
    ] as [([String: GGUFValue], RotaryScaling)])
  func keysAreReadAsLlamaCppReadsThem(
    keys: [String: GGUFValue], scaling: RotaryScaling
  ) throws {
    let model = try ModelLoader.load(rewritten(keys))
    #expect(model.llama.configuration.rotaryScaling == scaling)
  }

  @Test(
    arguments: [
      (["rope.scaling.type": .string("su")], WeightmillError.Code.unsupported),
      (["rope.scaling.type": .uint32(1)], .malformed),
      (["rope.scaling.factor": .string("4")], .malformed),
      (["rope.scaling.factor": .float32(-4)], .malformed),
      (["rope.scaling.factor": .float32(.infinity)], .malformed),
      (["rope.scaling.factor": .float32(.nan)], .malformed),
      (["rope.scaling.factor": .float32(1e30)], .malformed),
      (["rope.scaling.attn_factor": .float32(1.5)], .unsupported),
      (
        ["rope.scaling.type": .string("longrope"), "rope.scaling.factor": .float32(4)], .unsupported
      ),
      (
        [
          "rope.scaling.type": .string("yarn"), "rope.scaling.factor": .float32(4),
          "rope.scaling.original_context_length": .float32(0.5),
        ], .malformed
      ),
      (
        [
          "rope.scaling.type": .string("yarn"), "rope.scaling.factor": .float32(4),
          "rope.scaling.original_context_length": .uint64(.max),
        ], .malformed
      ),
    ] as [([String: GGUFValue], WeightmillError.Code)])
  func whatIsNotComputedIsRefused(keys: [String: GGUFValue], code: WeightmillError.Code) throws {
    let path = try rewritten(keys)
    expectError(code) { _ = try ModelLoader.load(path) }
  }

  /// Files with the older keys were computed unscaled, without a word.
  @Test func scaledModelsComputeSomethingElse() throws {
    func logits(_ path: String) throws -> [Double] {
      let pass = ForwardPass(try ModelLoader.load(path).llama, workers: Workers(threads: 1))
      let ids = [5, 80, 3, 200, 41]
      var hidden = try pass.embed(ids)
      try pass.apply(layer: 0, to: &hidden, windows: [0..<ids.count])
      return try pass.logits(rows: 0..<300, of: pass.normalized(hidden))[4]
    }
    let plain = try logits(rewritten([:]))
    let older = try logits(rewritten(["rope.scale_linear": .float32(4)]))
    let newer = try logits(
      rewritten(["rope.scaling.type": .string("linear"), "rope.scaling.factor": .float32(4)]))
    #expect(older == newer)
    #expect(older != plain)
  }

  /// Files of some architectures have no factors, and neither has llama.cpp's loader for them.
  @Test func factorsInAFileThatCannotHaveThemAreRefused() throws {
    var file = try RewrittenGGUF(rewritten([:], .qwen2))
    var factors = file.tensors[0]
    factors.descriptor = TensorDescriptor(
      name: "rope_freqs.weight", type: .f32, shape: try #require(TensorShape([16])))
    factors.bytes = [UInt8](repeating: 0x3F, count: 64)
    file.tensors.append(factors)
    let path = try file.write(to: folder, "qwen2-with-factors.gguf")
    let error = expectError(.unsupported) { _ = try ModelLoader.load(path) }
    #expect(error?.problem.contains("rope_freqs.weight") == true)
  }
}

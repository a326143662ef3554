import Testing
import WeightmillLLaMA
import WeightmillTensors
import WeightmillTestSupport

/// The forward pass of every architecture is that of the plain one, from a checkpoint and from GGUF's
/// names and row order.
struct FamilyForwardTests {
  /// What a model is like; one for each architecture, and some more.
  struct Family: CustomTestStringConvertible, Sendable {
    var architecture: Architecture
    var note = ""
    var biases: Set<TensorRole.LayerTensor> = []
    var scales = ModelScales()
    var scaling = RotaryScaling.none
    var isTied = false
    var head = 10
    var turned: Int?
    var window: Int?
    var layers = 4
    var testDescription: String { architecture.huggingFaceType + note }

    var configuration: LlamaConfiguration {
      LlamaConfiguration(
        architecture: architecture, hiddenSize: 24, layerCount: layers, headCount: 4,
        keyValueHeadCount: 2, headDimension: head, feedForwardSize: 20, vocabularyRows: 40,
        contextLength: 64, normEpsilon: 1e-5, ropeBase: 1000, rotaryDimension: turned,
        window: window, localRopeBase: architecture.windows?.localRopeBase,
        rotaryScaling: scaling, scales: scales,
        biases: biases.union(
          architecture.requiredTensors.intersection(TensorRole.LayerTensor.biases)),
        tiesEmbeddings: isTied)
    }

    func model() throws -> LlamaModel {
      let configuration = configuration
      let roles = TensorRole.all(in: configuration).filter { role in
        guard NamingScheme.huggingFace.holds(role), !(isTied && role == .output) else {
          return false
        }
        guard case .layer(_, let kind) = role, role.isBias else { return true }
        return configuration.biases?.contains(kind) == true
      }
      return try LlamaModel(
        catalogue: RandomCatalogue(roles, configuration), configuration: configuration,
        scheme: .huggingFace)
    }
  }

  static let families: [Family] = {
    var families = Architecture.all.map { Family(architecture: $0) }
    for index in families.indices
    where [.miniCPM, .granite].contains(families[index].architecture.scaleFields) {
      families[index].scales.embedding = 3.5
      families[index].scales.residual = 0.3
      families[index].scales.logit = 0.25
      if families[index].architecture.scaleFields == .granite {
        families[index].scales.attention = 0.4
      }
    }
    let biases = TensorRole.LayerTensor.biases
    families += [
      Family(architecture: .llama, note: ", all biases", biases: biases, isTied: true),
      Family(architecture: .granite, note: ", biases", biases: biases),
      Family(architecture: .qwen3, note: ", tied", isTied: true, head: 6),
      Family(architecture: .llama, note: ", linear", scaling: .linear(factor: 4)),
    ]
    var llama3 = RotaryScaling.Llama3()
    llama3.originalContextLength = 16
    var yarn = RotaryScaling.YaRN(factor: 4, originalContextLength: 16)
    yarn.betaFast = 4
    var long = RotaryScaling.LongRoPE(originalContextLength: 8, attentionFactor: 1.2)
    long.short = [1, 1.5, 2, 2.5, 3]
    long.long = [2, 4, 8, 16, 32]
    families += [
      Family(architecture: .llama, note: ", llama3", scaling: .llama3(llama3)),
      Family(architecture: .qwen2, note: ", yarn", scaling: .yarn(yarn)),
      Family(architecture: .miniCPM, note: ", longrope", scaling: .longRope(long)),
      Family(architecture: .phi3, note: ", longrope", scaling: .longRope(long), isTied: true),
      Family(architecture: .phi3, note: ", a part", turned: 6),
      Family(architecture: .phi3, note: ", window", window: 4),
    ]
    // Layers with and without a window, caps that scores and logits come near, other angles.
    var caps = ModelScales()
    caps.embedding = 24.0.squareRoot()
    families.append(Family(architecture: .gemma, note: ", scaled", scales: caps, isTied: true))
    caps.attentionCap = 1.5
    caps.logitCap = 4
    families.append(
      Family(architecture: .gemma2, note: ", windows, caps", scales: caps, isTied: true, window: 3))
    caps.attentionCap = nil
    families.append(
      Family(
        architecture: .gemma3, note: ", windows, cap, linear", scales: caps,
        scaling: .linear(factor: 8), isTied: true, window: 4, layers: 7))
    return families
  }()

  private static let text = [3, 17, 0, 39, 5, 5, 22, 8, 31, 2, 11, 38]

  private func logits(
    _ model: LlamaModel, _ tokens: [Int], _ precision: Precision
  ) throws -> [[Double]] {
    let pass = ForwardPass(model, workers: Workers(threads: 2), precision: precision)
    var hidden = try pass.embed(tokens)
    for layer in 0..<model.configuration.layerCount {
      try pass.apply(layer: layer, to: &hidden, windows: [0..<tokens.count])
    }
    let logits = try pass.logits(
      rows: 0..<model.configuration.vocabularyRows, of: pass.normalized(hidden))
    return tokens.indices.map { logits[$0] }
  }

  private func gguf(_ model: LlamaModel) throws -> LlamaModel {
    try LlamaModel(
      catalogue: LlamaView(model, as: .gguf), configuration: model.configuration, scheme: .gguf)
  }

  @Test(arguments: families)
  func logitsAreThoseOfThePlainPass(family: Family) throws {
    let model = try family.model()
    for count in [5, Self.text.count] {
      let tokens = Array(Self.text.prefix(count))
      let expected = try PlainForwardPass(model).logits(tokens)
      let size = expected.joined().reduce(0) { max($0, abs($1)) }
      for (side, model) in [("checkpoint", model), ("GGUF", try gguf(model))] {
        for (precision, bound) in [(Precision.double, 1e-11), (.single, 2e-5)] {
          let ours = try logits(model, tokens, precision)
          let worst = zip(ours.joined(), expected.joined()).reduce(0) { max($0, abs($1.0 - $1.1)) }
          #expect(
            worst <= bound * size, "\(side), \(precision), \(count) tokens: \(worst) of \(size)")
        }
      }
    }
  }

  /// Everything that a family has matters: without it the logits are others. So the test above can
  /// fail for each of them.
  @Test func everyPartMatters() throws {
    let plain = try logits(Family(architecture: .llama).model(), Self.text, .double)
    let plainPhi = try logits(Family(architecture: .phi3).model(), Self.text, .double)
    for family in Self.families where family.testDescription.contains(",") {
      guard [.llama, .phi3].contains(family.architecture) else { continue }
      var other = family
      other.isTied = false
      #expect(
        try logits(other.model(), Self.text, .double)
          != (family.architecture == .llama ? plain : plainPhi), "\(family.testDescription)")
    }
    var unscaled = Family(architecture: .granite)
    let reference = try logits(unscaled.model(), Self.text, .double)
    for path in [
      \ModelScales.embedding, \ModelScales.residual, \ModelScales.logit,
    ] as [WritableKeyPath<ModelScales, Double>] {
      unscaled.scales = ModelScales()
      unscaled.scales[keyPath: path] = 1.5
      #expect(try logits(unscaled.model(), Self.text, .double) != reference)
    }
  }

  /// A text that grows token by token has the logits of the whole text.
  @Test(arguments: families.filter { $0.scaling.name != "longrope" })
  func aTextThatGrowsHasTheSameLogits(family: Family) throws {
    let model = try family.model()
    let whole = try logits(model, Self.text, .single)
    var generation = Generation(ForwardPass(model, workers: Workers(threads: 1)))
    var last: [Float] = []
    for token in Self.text { last = try generation.extend(with: [token]) }
    #expect(last == whole[Self.text.count - 1].map(Float.init))
  }

  /// Which inputs an importance matrix is made of: every matrix once, with the width of its columns.
  @Test(arguments: families)
  func everyMatrixIsObserved(family: Family) throws {
    let model = try family.model()
    let pass = ForwardPass(model, workers: Workers(threads: 1))
    var hidden = try pass.embed(Self.text)
    var seen: [TensorRole] = []
    try pass.apply(
      layer: 0, to: &hidden, windows: [0..<Self.text.count],
      observe: { roles, input in
        for role in roles { #expect(model.tensor(role)?.shape.columns == input.columns) }
        seen += roles
      }, products: { _, _ in })
    let matrices: [TensorRole.LayerTensor] =
      family.architecture == .phi3
      ? [.queryKeyValue, .attentionOutput, .gateAndUp, .down]
      : [.query, .key, .value, .attentionOutput, .gate, .up, .down]
    #expect(seen == matrices.map { .layer(0, $0) })
  }
}

/// F32 tensors of seeded random values: gains around one, or what files hold less of them, weights and biases around zero.
private struct RandomCatalogue: Catalogue {
  let location = "memory"
  let tensors: [TensorDescriptor]
  private let values: [[UInt8]]

  init(_ roles: [TensorRole], _ configuration: LlamaConfiguration) throws {
    var (tensors, values) = ([TensorDescriptor](), [[UInt8]]())
    for role in roles {
      let extents = role.extents(in: configuration)
      let name = NamingScheme.huggingFace.name(of: role, in: configuration.architecture)
      tensors.append(
        TensorDescriptor(name: name, type: .f32, shape: try #require(TensorShape(extents))))
      var random = SeededGenerator(seed: name.utf8.reduce(7) { $0 &* 31 &+ UInt64($1) })
      var bytes = Bytes()
      let gain = 1 - (configuration.architecture.gainOffsets[.huggingFace] ?? 0)
      for _ in 0..<extents.reduce(1, *) {
        let value = random.gaussian() * 0.4
        bytes.put((role.isNorm ? gain + value : value).bitPattern)
      }
      values.append(bytes.all)
    }
    self.tensors = tensors
    self.values = values
  }

  func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let size = tensors[index].bytesPerRow
    bytes.copy(
      values[index], from: rows.lowerBound * size, count: rows.count * size, to: offset)
  }
}

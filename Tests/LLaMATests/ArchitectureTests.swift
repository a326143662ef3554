import Testing
import WeightmillGGUF
import WeightmillLLaMA
import WeightmillModels
import WeightmillStrictJSON
import WeightmillTensors
import WeightmillTestSupport

/// What an architecture is called and holds is said by its value, and by nothing else.
struct ArchitectureTests {
  /// Names of llama.cpp's converter for LLaMA, in the order in which it writes them: those of
  /// `formats/gguf.md` section 7.1, without `general.` and `tokenizer.`.
  private static let llamaKeys = [
    "llama.block_count", "llama.context_length", "llama.embedding_length",
    "llama.feed_forward_length", "llama.attention.head_count", "llama.attention.head_count_kv",
    "llama.rope.freq_base", "llama.attention.layer_norm_rms_epsilon",
    "llama.attention.key_length", "llama.attention.value_length", "llama.vocab_size",
    "llama.rope.dimension_count",
  ]

  /// Keys of rotary angles that are scaled: plain ones have none of them.
  private static func isOfScaling(_ key: Architecture.Key) -> Bool {
    key.rawValue.hasPrefix("rope.scaling.")
  }

  @Test func llamaHasLlamaCppsKeys() {
    let llama = Architecture.llama
    let keys = Architecture.Key.common + llama.furtherKeys
    #expect(keys.filter { !Self.isOfScaling($0) }.map(llama.name) == Self.llamaKeys)
    #expect(keys.count(where: Self.isOfScaling) == 7)
  }

  @Test func llamaIsFoundUnderTheNamesThatFilesHave() throws {
    let config = try TextInput.json(Fixtures.miniZiya("base-hf/config.json")).object
    let type = try #require(config?["model_type"]?.string)
    let llama = try #require(Architecture.ofHuggingFace(type: type))
    #expect(llama == .llama && Architecture.named("llama") == .llama)
    #expect(config?["architectures"] == .array([.string(llama.huggingFaceClass)]))
    for name in ["", "Llama", "llama2", "phimoe"] {
      #expect(Architecture.named(name) == nil && Architecture.ofHuggingFace(type: name) == nil)
    }
  }

  @Test func noTwoKnownArchitecturesAreConfused() {
    let types = Architecture.all.map(\.huggingFaceType)
    #expect(Set(types).count == types.count)
    for architecture in Architecture.all {
      // A file of a name is read as the first architecture of it, which must have its rows' order.
      #expect(Architecture.named(architecture.name)?.rowOrder == architecture.rowOrder)
    }
  }

  @Test(arguments: Architecture.all)
  func everyNameLeadsBackToItsRole(architecture: Architecture) {
    expectNamesLeadBack(MadeUpModel(architecture).configuration)
  }

  @Test(arguments: [NamingScheme.meta, .huggingFace, .gguf])
  func whatLlamaDoesNotHaveIsNoRole(scheme: NamingScheme) {
    for kind in [TensorRole.LayerTensor.queryNorm, .keyNorm, .feedForwardOutputNorm] {
      let name = scheme.name(of: .layer(0, kind), in: .llama)
      #expect(scheme.role(of: name, in: .llama) == nil, "\(name)")
    }
    for name in [
      "rope_freqs", "rope_factors.weight", "blk.00.attn_q.weight",
      "blk.+1.attn_q.weight", "blk..attn_q.weight", "blk.0.attn_q", "blk.0.attn_q.weight.x",
      "blk.99999999999999999999.attn_q.weight", "layers.01.attention.wq.weight",
      "model.layers.0.self_attn.q_proj.biases", "xmodel.layers.0.self_attn.q_proj.weight",
    ] {
      #expect(scheme.role(of: name, in: .llama) == nil, "\(name)")
    }
  }

  /// Early Yi calls its norms `ln1` and `ln2`; both names at once are one too many.
  @Test func theNamesOfYisFirstReleaseAreRead() throws {
    let layer = "model.layers.7."
    for (name, kind) in [
      ("ln1.weight", .attentionNorm), ("ln2.weight", .feedForwardNorm),
      ("input_layernorm.weight", .attentionNorm),
    ] as [(String, TensorRole.LayerTensor)] {
      let role = NamingScheme.huggingFace.role(of: layer + name, in: .llama)
      #expect(role == .layer(7, kind))
    }
    #expect(NamingScheme.gguf.role(of: "blk.7.ln1.weight", in: .llama) == nil)
    #expect(Architecture.ofHuggingFace(type: "Yi") == .llama)
    var model = MadeUpModel(.llama)
    model.further = ["model.layers.0.ln1.weight": [48]]
    let error = expectError(.mismatch) { _ = try model.model(named: .huggingFace) }
    #expect(
      error?.problem.contains("is there as \"model.layers.0.input_layernorm.weight\"") == true)
  }

  /// What is not read is refused by its name, with what it would need.
  @Test(arguments: [
    ("phimoe", "experts"), ("gemma3n", "embeddings in each layer"), ("baichuan", "ALiBi"),
    ("mixtral", "experts"),
  ])
  func whatWouldBeNeededIsSaid(type: String, need: String) {
    let text = Architecture.onlySupported(type, \.huggingFaceType)
    #expect(text.hasPrefix("it would need") && text.contains(need))
    #expect(text.contains("only llama, mistral, "))
  }

  /// Any architecture may have queries, keys and values in one matrix.
  @Test func fusedQueriesTakeThePlaceOfThree() {
    let fused = Architecture.qwen2.fusingQueries
    #expect(
      fused.layerTensors == [
        .attentionNorm, .queryKeyValue, .queryKeyValueBias, .attentionOutput, .feedForwardNorm,
        .gate, .up, .down,
      ])
    #expect(fused.requiredTensors == Set(fused.layerTensors))
    #expect(!Architecture.llama.fusingQueries.requiredTensors.contains(.queryKeyValueBias))
    #expect(Architecture.llama.fusingQueries.layerTensors.contains(.queryKeyValueBias))
    #expect(Architecture.phi3.fusingQueries == .phi3)
  }

  @Test func anUnknownTensorIsNamed() throws {
    var model = MadeUpModel(.llama)
    model.further = ["blk.0.attn_q.scale": [1], "blk.1.attn_norm.weight": [64]]
    let error = expectError(.mismatch) { _ = try model.model(named: .gguf) }
    #expect(error?.problem.contains("\"blk.0.attn_q.scale\" is unknown") == true)
    #expect(error?.problem.contains("\"blk.1.attn_norm.weight\" belongs to no layer") == true)
  }
}

/// An architecture that is not LLaMA's goes through names, shapes, checks and views by its value
/// alone: nothing but the value is written for it.
struct MadeUpArchitectureTests {
  /// Rows that stay in order, biases, norms of heads that may be missing, one name of its own.
  private static let ordered = Architecture(
    name: "made-up", huggingFaceType: "made_up", huggingFaceClass: "MadeUpForCausalLM",
    rowOrder: .halves,
    requiredTensors: TensorRole.LayerTensor.usual.union([.queryBias, .keyBias, .valueBias]),
    optionalTensors: [.queryNorm, .keyNorm]
  ) {
    $0.ropeFactors = [.all]
    $0.otherLayerNames = [.huggingFace: [.feedForwardNorm: "pre_feedforward_layernorm.weight"]]
  }

  /// The same with rows that GGUF permutes.
  private static let permuted = Architecture(
    name: "made-up", huggingFaceType: "made_up", huggingFaceClass: "MadeUpForCausalLM",
    rowOrder: .neighbours, requiredTensors: ordered.requiredTensors,
    optionalTensors: [.queryNorm, .keyNorm]
  ) {
    $0.ropeFactors = [.all]
    $0.otherLayerNames = ordered.otherLayerNames
  }

  @Test func namesAreTheArchitectures() {
    expectNamesLeadBack(MadeUpModel(Self.ordered).configuration)
    let (scheme, layer) = (NamingScheme.huggingFace, "model.layers.0.")
    for (name, role) in [
      ("pre_feedforward_layernorm.weight", .feedForwardNorm), ("self_attn.q_proj.bias", .queryBias),
      ("self_attn.k_norm.weight", .keyNorm), ("post_attention_layernorm.weight", nil),
      ("self_attn.o_proj.bias", nil),
    ] as [(String, TensorRole.LayerTensor?)] {
      #expect(scheme.role(of: layer + name, in: Self.ordered) == role.map { .layer(0, $0) })
    }
    #expect(Self.ordered.name(of: .headCount) == "made-up.attention.head_count")
  }

  @Test func rolesComeInTheOrderOfUse() {
    let roles = TensorRole.all(in: MadeUpModel(Self.ordered).configuration)
    let layer: [TensorRole.LayerTensor] = [
      .attentionNorm, .query, .queryBias, .queryNorm, .key, .keyBias, .keyNorm, .value, .valueBias,
      .attentionOutput, .feedForwardNorm, .gate, .up, .down,
    ]
    #expect(
      roles == [.tokenEmbedding, .ropeFactors(.all)] + layer.map { .layer(0, $0) }
        + [.outputNorm, .output])
  }

  @Test func shapesFollowFromTheSizes() {
    // 4 heads and 2 of keys and values, of 16 features, in a width of 48.
    let configuration = MadeUpModel(Self.ordered).configuration
    for (kind, extents) in [
      (.query, [64, 48]), (.queryBias, [64]), (.keyBias, [32]), (.valueBias, [32]),
      (.queryNorm, [16]), (.keyNorm, [16]), (.attentionOutput, [48, 64]),
    ] as [(TensorRole.LayerTensor, [Int])] {
      #expect(TensorRole.layer(0, kind).extents(in: configuration) == extents)
    }
    #expect(TensorRole.ropeFactors(.all).extents(in: configuration) == [8])
  }

  @Test func whatMustBeThereIsAskedFor() throws {
    var model = MadeUpModel(Self.ordered)
    #expect(try model.model(named: .gguf).roles == TensorRole.all(in: model.configuration))
    model.omitted = [.layer(0, .queryNorm), .layer(0, .keyNorm), .ropeFactors(.all)]
    #expect(try model.model(named: .gguf).tensor(.layer(0, .queryNorm)) == nil)
    model.omitted.insert(.layer(0, .keyBias))
    let error = expectError(.mismatch) { _ = try model.model(named: .gguf) }
    #expect(error?.problem.contains("\"blk.0.attn_k.bias\" is missing") == true)
  }

  @Test func rowsThatStayInOrderAreViewedAsTheyAre() throws {
    let model = try MadeUpModel(Self.ordered).model(named: .gguf)
    let view = LlamaView(model, as: .huggingFace)
    // Factors of frequencies are in GGUF files only.
    #expect(view.tensors.count == model.roles.count - 1)
    for (index, tensor) in view.tensors.enumerated() {
      let role = try #require(NamingScheme.huggingFace.role(of: tensor.name, in: Self.ordered))
      let sourceIndex = try #require(model[role])
      let rows = 0..<tensor.shape.rows
      #expect(
        try view.bytes(rows: rows, ofTensor: index)
          == model.catalogue.bytes(rows: rows, ofTensor: sourceIndex), "\(tensor.name)")
    }
  }

  /// llama.cpp's converter: row r of a head of D is the source's (r mod 2) * D/2 + r/2.
  @Test func biasesAndNormsArePermutedAsTheRowsAre() throws {
    let model = try MadeUpModel(Self.permuted).model(named: .huggingFace)
    let view = LlamaView(model, as: .gguf)
    let head = model.configuration.headDimension
    for (index, tensor) in view.tensors.enumerated() {
      let role = try #require(NamingScheme.gguf.role(of: tensor.name, in: Self.permuted))
      let sourceIndex = try #require(model[role])
      let rows = 0..<tensor.shape.rows
      let source = try model.catalogue.bytes(rows: rows, ofTensor: sourceIndex)
      let isTurned = ["attn_q", "attn_k"].contains { tensor.name.contains($0) }
      let size = tensor.shape.extents.count > 1 ? tensor.bytesPerRow : 4
      let expected = (0..<source.count / size).flatMap { row in
        let from = isTurned ? row / head * head + row % 2 * (head / 2) + row % head / 2 : row
        return source[from * size..<(from + 1) * size]
      }
      #expect(try view.bytes(rows: rows, ofTensor: index) == expected, "\(tensor.name)")
      #expect(isTurned == (expected != source), "\(tensor.name)")
    }
    // And back.
    let gguf = try LlamaModel(
      catalogue: view, configuration: model.configuration, scheme: .gguf)
    let back = LlamaView(gguf, as: .huggingFace)
    for (index, tensor) in back.tensors.enumerated() {
      let rows = 0..<tensor.shape.rows
      #expect(
        try back.bytes(rows: rows, ofTensor: index)
          == model.catalogue.bytes(rows: rows, ofTensor: index), "\(tensor.name)")
    }
  }
}

/// InternLM 2's queries, keys and values are taken apart as llama.cpp's converter does it: rows seen as
/// [groups, queries of a group + 2, head, width].
struct GroupedQueriesTests {
  @Test func rowsOfEachGroupAreTakenApart() throws {
    // 4 heads and 2 of keys and values, of 16 features: groups of (2 + 2) * 16 rows.
    var made = MadeUpModel(.internLM2)
    let configuration = made.configuration
    let split: [TensorRole] = [.layer(0, .query), .layer(0, .key), .layer(0, .value)]
    made.omitted = Set(split)
    made.further = ["model.layers.0.attention.wqkv.weight": [128, 48]]
    let fused = try made.catalogue(named: .huggingFace)
    let apart = try GroupedQueries(fused, configuration)
    let model = try LlamaModel(
      catalogue: apart, configuration: configuration, scheme: .huggingFace)
    let index = try #require(fused.tensors.firstIndex { $0.name.hasSuffix("wqkv.weight") })
    for (role, perGroup, first) in [(split[0], 2, 0), (split[1], 1, 2), (split[2], 1, 3)] {
      let place = try #require(model[role])
      let rows = apart.tensors[place].shape.rows
      #expect(rows == 2 * perGroup * 16)
      let expected = try (0..<rows).flatMap { row in
        let (head, feature) = (row / 16, row % 16)
        let (group, number) = (head / perGroup, head % perGroup)
        let source = (group * 4 + first + number) * 16 + feature
        return try fused.bytes(rows: source..<source + 1, ofTensor: index)
      }
      #expect(try apart.bytes(rows: 0..<rows, ofTensor: place) == expected)
      let (low, high) = (7, rows - 5)
      #expect(
        try apart.bytes(rows: low..<high, ofTensor: place)
          == Array(expected[low * 192..<high * 192]))
    }
  }

  /// Taken apart and put together again, whatever rows are asked for.
  @Test func rowsComeBackInTheirOrder() throws {
    var made = MadeUpModel(.internLM2)
    let configuration = made.configuration
    made.omitted = [.layer(0, .query), .layer(0, .key), .layer(0, .value)]
    made.further = ["model.layers.0.attention.wqkv.weight": [128, 48]]
    let fused = try made.catalogue(named: .huggingFace)
    let model = try LlamaModel(
      catalogue: GroupedQueries(fused, configuration), configuration: configuration,
      scheme: .huggingFace)
    let back = FusedQueries(LlamaView(model, as: .huggingFace), configuration)
    #expect(Set(back.tensors.map(\.name)) == Set(fused.tensors.map(\.name)))
    for (index, tensor) in back.tensors.enumerated() {
      let source = try #require(fused.tensors.firstIndex { $0.name == tensor.name })
      #expect(tensor == fused.tensors[source])
      for rows in [0..<tensor.shape.rows, 0..<1, tensor.shape.rows / 3..<tensor.shape.rows - 1] {
        #expect(
          try back.bytes(rows: rows, ofTensor: index) == fused.bytes(rows: rows, ofTensor: source))
      }
    }
  }

  /// What an adapter has for the fused matrix: B is cut as the matrix is, A is for all three.
  @Test func anAdaptersMatricesAreTakenApartAlike() throws {
    var made = MadeUpModel(.internLM2)
    made.omitted = Set(TensorRole.all(in: made.configuration))
    let prefix = "base_model.model.model.layers.0.attention"
    made.further = [
      "\(prefix).wqkv.lora_A.weight": [4, 48], "\(prefix).wqkv.lora_B.default.weight": [128, 4],
      "\(prefix).wo.lora_A.weight": [4, 64],
    ]
    let adapter = try made.catalogue(named: .huggingFace)
    let apart = GroupedQueries(adapter: adapter, made.configuration)
    let shapes = Dictionary(uniqueKeysWithValues: apart.tensors.map { ($0.name, $0.shape.extents) })
    #expect(
      shapes == [
        "\(prefix).wq.lora_A.weight": [4, 48], "\(prefix).wk.lora_A.weight": [4, 48],
        "\(prefix).wv.lora_A.weight": [4, 48], "\(prefix).wq.lora_B.default.weight": [64, 4],
        "\(prefix).wk.lora_B.default.weight": [32, 4],
        "\(prefix).wv.lora_B.default.weight": [32, 4], "\(prefix).wo.lora_A.weight": [4, 64],
      ])
    let whole = try #require(adapter.tensors.firstIndex { $0.name.contains("wqkv.lora_B") })
    let value = try #require(apart.tensors.firstIndex { $0.name.contains("wv.lora_B") })
    // The second group's value head is its last 16 rows.
    #expect(
      try apart.bytes(rows: 16..<32, ofTensor: value)
        == adapter.bytes(rows: 112..<128, ofTensor: whole))
  }

  @Test func anotherHeightIsAMismatch() throws {
    var made = MadeUpModel(.internLM2)
    made.further = ["model.layers.0.attention.wqkv.weight": [96, 48]]
    let fused = try made.catalogue(named: .huggingFace)
    expectError(.mismatch) { _ = try GroupedQueries(fused, made.configuration) }
  }
}

/// Every tensor's name in every scheme that holds it leads back to what it is for.
private func expectNamesLeadBack(_ configuration: LlamaConfiguration) {
  let architecture = configuration.architecture
  for scheme in [NamingScheme.meta, .huggingFace, .gguf] {
    let roles = TensorRole.all(in: configuration).filter(scheme.holds)
    let names = roles.map { scheme.name(of: $0, in: architecture) }
    #expect(Set(names).count == names.count)
    #expect(names.map { scheme.role(of: $0, in: architecture) } == roles)
  }
}

/// A model of any architecture in memory: one layer of F32 tensors, every value another.
struct MadeUpModel {
  let architecture: Architecture
  /// Tensors that are left out.
  var omitted: Set<TensorRole> = []
  /// Tensors by their names that no architecture knows.
  var further: [String: [Int]] = [:]
  /// The sizes, if they are not the usual ones.
  var sizes: LlamaConfiguration?

  init(_ architecture: Architecture) { self.architecture = architecture }

  var configuration: LlamaConfiguration {
    sizes
      ?? LlamaConfiguration(
        architecture: architecture, hiddenSize: 48, layerCount: 1, headCount: 4,
        keyValueHeadCount: 2, headDimension: 16, feedForwardSize: 32, vocabularyRows: 20,
        contextLength: 64, normEpsilon: 1e-6, ropeBase: 10_000)
  }

  func model(named scheme: NamingScheme) throws -> LlamaModel {
    try LlamaModel(
      catalogue: catalogue(named: scheme), configuration: configuration, scheme: scheme)
  }

  func catalogue(named scheme: NamingScheme) throws -> any Catalogue {
    let roles = TensorRole.all(in: configuration).filter {
      scheme.holds($0) && !omitted.contains($0)
    }
    let known = roles.map {
      (scheme.name(of: $0, in: architecture), $0.extents(in: configuration))
    }
    let tensors = try (known + further.sorted { $0.key < $1.key }).map { name, extents in
      TensorDescriptor(name: name, type: .f32, shape: try #require(TensorShape(extents)))
    }
    return CountingCatalogue(tensors: tensors)
  }
}

/// F32 tensors whose values count up, so that each is known by itself.
private struct CountingCatalogue: Catalogue {
  let location = "memory"
  let tensors: [TensorDescriptor]

  func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let columns = tensors[index].shape.columns
    let values = (rows.lowerBound * columns..<rows.upperBound * columns).flatMap { value in
      let bits = Float(value + 10_000 * index).bitPattern
      return (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
    }
    bytes.copy(values, from: 0, count: values.count, to: offset)
  }
}

import Testing
import WeightmillLLaMA
import WeightmillMerging
import WeightmillModels
import WeightmillTensors
import WeightmillTestSupport

/// What the values say about a base that is not the right one.
struct EvidenceTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func model(
    _ name: String, seed: UInt64 = 1, isDelta: Bool = false, isAdditive: Bool = false,
    rows: Int = 300, type: TensorType = .f16,
    change: @escaping @Sendable (String, inout [Float]) -> Void = { _, _ in }
  ) throws -> String {
    var model = SmallModel(rows: rows, seed: seed, type: type, isDelta: isDelta)
    model.isAdditive = isAdditive
    model.change = change
    return try model.write(to: folder, name)
  }

  private func forced(_ base: String, _ delta: String) throws -> LoadedModel {
    var request = ModelRequest(base, delta: delta)
    request.forcesBase = true
    return try ModelLoader.load(request)
  }

  @Test(arguments: [false, true])
  func theRightBaseIsConfirmed(isAdditive: Bool) throws {
    let base = try model("base")
    let delta = try model("delta", isDelta: true, isAdditive: isAdditive)
    let notes = try ModelLoader.load(base, delta: delta).notes
    #expect(notes.count == 2)
    #expect(notes.contains { $0.contains("of sums rounded (another base") })
  }

  /// Brings the rows of a matrix, heads of 32, from halves to neighbours or back: `h d/2 + i` is row
  /// `2 i + h` of the other order.
  private static func reordered(_ values: [Float], intoNeighbours: Bool) -> [Float] {
    let (head, width) = (32, 64)
    var result = values
    for row in 0..<values.count / width {
      let (first, index) = (row / head * head, row % head)
      let (half, place) = (index / (head / 2), index % (head / 2))
      let other = first + 2 * place + half
      let (to, from) = intoNeighbours ? (other, row) : (row, other)
      for column in 0..<width { result[to * width + column] = values[from * width + column] }
    }
    return result
  }

  /// Names that end so have their rows in the order of a Meta file.
  private func metaOrdered(
    _ names: [String]
  ) -> @Sendable (String, inout [Float]) -> Void {
    { name, values in
      if names.contains(where: name.hasSuffix) {
        values = Self.reordered(values, intoNeighbours: true)
      }
    }
  }

  @Test(arguments: [
    (["q_proj.weight", "k_proj.weight"], "queries and keys"), (["q_proj.weight"], "queries"),
    (["k_proj.weight"], "keys"),
  ])
  func queriesAndKeysInMetasOrderAreNamed(names: [String], words: String) throws {
    for isAdditive in [false, true] {
      let delta = try model("delta", isDelta: true, isAdditive: isAdditive)
      let base = try model("base", change: metaOrdered(names))
      let error = expectError(.mismatch) { _ = try ModelLoader.load(base, delta: delta) }
      #expect(error?.file.hasPrefix(base) == true)
      #expect(
        error?.problem.hasPrefix("has its \(words) in Meta's order of rows") == true,
        "\(error?.description ?? "")")
      let notes = try forced(base, delta).notes
      #expect(
        notes.contains { $0.hasPrefix("merged all the same") && $0.contains("order of rows") })
    }
  }

  @Test func aDeltaInMetasOrderIsNamed() throws {
    let base = try model("base")
    let delta = try model(
      "delta", isDelta: true, change: metaOrdered(["q_proj.weight", "k_proj.weight"]))
    let error = expectError(.mismatch) { _ = try ModelLoader.load(base, delta: delta) }
    #expect(error?.file.hasPrefix(delta) == true)
    #expect(error?.problem.contains("in Meta's order of rows") == true)
  }

  @Test func queriesOfAnotherModelAreNamed() throws {
    let base = try model("base") { name, values in
      if name.hasSuffix("q_proj.weight") { values.reverse() }
    }
    let delta = try model("delta", isDelta: true)
    let error = expectError(.mismatch) { _ = try ModelLoader.load(base, delta: delta) }
    #expect(error?.problem.contains("other queries than the delta was made for") == true)
  }

  @Test(arguments: [TensorType.f16, .bf16])
  func anotherModelOfTheSameShapeIsRefusedForADeltaOfDifferences(type: TensorType) throws {
    let base = try model("base", seed: 2, type: type)
    let delta = try model("delta", isDelta: true, isAdditive: true)
    let error = expectError(.mismatch) { _ = try ModelLoader.load(base, delta: delta) }
    #expect(error?.problem.contains("another model") == true)
    #expect(error?.file.contains("base") == true)
    #expect(error?.remedy?.contains("--force-base") == true)
    let notes = try forced(base, delta).notes
    #expect(notes.contains { $0.hasPrefix("merged all the same") && $0.contains("another model") })
  }

  @Test func aKindThatIsSaidDoesNotExcuseTheWrongBase() throws {
    let base = try model("base", seed: 2)
    let delta = try model("delta", isDelta: true)
    for kind in [nil, DeltaKind.ziya] {
      let error = expectError(.mismatch) {
        _ = try ModelLoader.load(base, delta: delta, kind: kind)
      }
      #expect(error?.problem.contains("neither resemble the base's") == true)
    }
    #expect(try forced(base, delta).mergeRule == "ziya")
  }

  @Test func aMergedModelIsNoBaseForTheSameDelta() throws {
    for isAdditive in [false, true] {
      let original = try model("base-\(isAdditive)")
      let delta = try model("delta-\(isAdditive)", isDelta: true, isAdditive: isAdditive)
      let merged = try ModelLoader.load(original, delta: delta).llama
      let values = try Dictionary(
        uniqueKeysWithValues: merged.catalogue.tensors.indices.map { index in
          let tensor = merged.catalogue.tensors[index]
          let bytes = try merged.catalogue.bytes(rows: 0..<tensor.shape.rows, ofTensor: index)
          return (
            tensor.name,
            stride(from: 0, to: bytes.count, by: 2).map {
              Binary16.float(UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8)
            }
          )
        })
      for type in [TensorType.f16, .bf16, .f32] {
        let base = try model("merged-\(isAdditive)-\(type.name)", type: type) { name, value in
          value = values[name] ?? value
        }
        let error = expectError(.mismatch) { _ = try ModelLoader.load(base, delta: delta) }
        #expect(error?.problem.contains("holds the delta already") == true, "\(type)")
        #expect(try forced(base, delta).notes.contains { $0.contains("holds the delta already") })
      }
    }
  }

  /// Zero-padding leaves the delta's own rows in the merged model.
  @Test func aMergedModelIsKnownByItsAddedRows() throws {
    let delta = try model("delta", isDelta: true, isAdditive: true, rows: 301)
    let own = try Checkpoint(path: delta).catalogue
    var rows: [String: [Float]] = [:]
    for name in ["model.embed_tokens.weight", "lm_head.weight"] {
      let index = try #require(own.tensors.firstIndex { $0.name == name })
      let bytes = try own.bytes(rows: 300..<301, ofTensor: index)
      rows[name] = stride(from: 0, to: bytes.count, by: 2).map {
        Binary16.float(UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8)
      }
    }
    let last = rows
    let base = try model("base", rows: 301) { name, values in
      guard let row = last[name] else { return }
      values.removeLast(row.count)
      values += row
    }
    let error = expectError(.mismatch) { _ = try ModelLoader.load(base, delta: delta) }
    #expect(error?.problem.contains("holds the delta already") == true)
  }

  @Test func aModelMadeFromTheBaseIsNoticed() throws {
    let delta = try model("delta", isDelta: true, isAdditive: true)
    let base = try model("base") { name, values in
      guard !name.contains("norm") else { return }
      var random = SeededGenerator(seed: 9)
      for element in values.indices {
        values[element] = Binary16.float(Binary16.bits(values[element] + random.gaussian() * 0.04))
      }
    }
    let notes = try ModelLoader.load(base, delta: delta).notes
    #expect(notes.contains { $0.contains("a model made from it") })
  }

  @Test(arguments: [false, true])
  func aBaseThatPassedThroughBFloat16IsNoticed(staysBFloat16: Bool) throws {
    let delta = try model("delta", isDelta: true)
    let base = try model("base", type: staysBFloat16 ? .bf16 : .f16) { _, values in
      for element in values.indices {
        values[element] = BFloat16.float(BFloat16.bits(values[element]))
      }
    }
    let notes = try ModelLoader.load(base, delta: delta).notes
    #expect(notes.contains { $0.contains("BF16") && $0.contains("three bits") })
    let other = try model("other")
    #expect(
      try ModelLoader.load(other, delta: delta).notes.allSatisfy { !$0.contains("three bits") })
  }

  @Test func aWholeModelAsDeltaAndADeltaAsBaseCanBeForced() throws {
    let whole = try model("whole")
    let another = try model("another", seed: 2)
    let delta = try model("delta", isDelta: true)
    expectError(.mismatch) { _ = try ModelLoader.load(whole, delta: another) }
    expectError(.mismatch) { _ = try ModelLoader.load(delta, delta: delta) }
    #expect(try forced(whole, another).notes.contains { $0.contains("holds a whole model") })
    #expect(try forced(delta, delta).notes.contains { $0.contains("holds delta weights") })
  }
}

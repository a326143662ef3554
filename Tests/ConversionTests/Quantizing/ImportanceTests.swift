import Testing
import WeightmillConversion
import WeightmillGGUF
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport

/// Importance reaches the tensors it was computed for, and none other.
struct ImportanceTests {
  private let folder: TemporaryFolder
  private let model: LoadedModel

  init() throws {
    folder = try TemporaryFolder()
    var small = SmallModel(layers: 8)
    small.hidden = 256
    small.feedForward = 256
    model = try ModelLoader.load(small.write(to: folder, "model"))
  }

  /// Importance of all matrices of all layers; column c of layer l has 10 l + c / 256.
  private func matrix(
    without omitted: String? = nil, columns: Int = 256, value: Float? = nil
  ) -> ImportanceMatrix {
    var entries: [TensorName: ImportanceMatrix.Entry] = [:]
    for layer in 0..<8 {
      for kind in ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"] {
        let name = "blk.\(layer).\(kind).weight"
        guard omitted.map(name.contains) != true else { continue }
        let sums = (0..<columns).map { value ?? Float(10 * layer) + Float($0) / 256 }
        entries[TensorName(name)] = ImportanceMatrix.Entry(sums: sums.map { $0 * 2 }, count: 2)
      }
    }
    return ImportanceMatrix(
      entries: entries, datasets: ["/home/me/text.txt", "b"], chunkCount: 3)
  }

  private func plan(
    _ mix: TypeMix, _ matrix: ImportanceMatrix, _ filter: ImportanceSelection.Filter = .all,
    pruning: Set<Int> = []
  ) throws -> ConversionPlan {
    var options = QuantizationOptions(mix)
    options.prunedLayers = pruning
    options.importance = ImportanceSelection(matrix, path: "/home/me/x.imatrix", filter: filter)
    return try ConversionPlan(convert: model, with: options, name: "x")
  }

  private func metadata(_ plan: ConversionPlan) -> GGUFMetadata? {
    if case .gguf(let metadata) = plan.output { metadata } else { nil }
  }

  @Test func itReachesItsTensors() throws {
    let plan = try plan(.q4_0, matrix())
    for item in plan.items {
      let isLayers = item.tensor.name.hasPrefix("blk.") && !item.tensor.name.contains("norm")
      #expect((item.importance != nil) == isLayers, "\(item.tensor.name)")
    }
    let key = plan.items.first { $0.tensor.name == "blk.3.attn_k.weight" }
    #expect(key?.importance?.first == 30 && key?.importance?.last == 30 + 255 / 256)
    // With importance, the first eighth of ffn_down is Q4_1.
    let down = plan.items.filter { $0.tensor.name.contains("ffn_down") }.map(\.tensor.type)
    #expect(down == [.q4_1] + [TensorType](repeating: .q4_0, count: 7))
    #expect(plan.notes.isEmpty)
    let metadata = metadata(plan)
    #expect(metadata?["quantize.imatrix.file"] == .string("x.imatrix"))
    #expect(metadata?["quantize.imatrix.dataset"] == .string("text.txt"))
    #expect(metadata?["quantize.imatrix.entries_count"] == .uint32(56))
    #expect(metadata?["quantize.imatrix.chunks_count"] == .uint32(3))
  }

  /// Entries have the names of the whole model.
  @Test func itFollowsLayersThatAreRenumbered() throws {
    let plan = try plan(.q8_0, matrix(), pruning: [0, 2])
    let key = plan.items.first { $0.tensor.name == "blk.1.attn_k.weight" }
    #expect(key?.importance?.first == 30)
    #expect(plan.notes.isEmpty)
  }

  @Test func itIsNotGivenToNumbersStoredOneByOne() throws {
    #expect(try plan(.f16, matrix()).items.allSatisfy { $0.importance == nil })
  }

  @Test func filtersChooseByName() throws {
    func known(_ filter: ImportanceSelection.Filter) throws -> (Int, [String]) {
      let plan = try plan(.q8_0, matrix(), filter)
      return (plan.items.count { $0.importance != nil }, plan.notes)
    }
    let some = try known(.including(["ffn_down", "attn_q", "nothing"]))
    #expect(some.0 == 16)
    #expect(some.1.count == 2)
    #expect(some.1[0].contains("--include-weights \"nothing\""))
    #expect(some.1[1].contains("no importance for 40 matrices"))
    #expect(try known(.excluding(["ffn"])).0 == 32)
    #expect(try known(.excluding(["nope"])).1.count == 1)
    let none = try plan(.q4_0, matrix(), .excluding([""]))
    #expect(none.items.allSatisfy { $0.importance == nil && $0.tensor.type != .q4_1 })
    #expect(metadata(none)?["quantize.imatrix.file"] == nil)
    #expect(none.notes.contains { $0.contains("nothing of") })
  }

  @Test func whatIsMissingIsCounted() throws {
    let note = try plan(.q8_0, matrix(without: "blk.2.ffn")).notes
    #expect(note.count == 1)
    #expect(note.first?.contains("3 matrices") == true)
    #expect(try plan(.q8_0, matrix(without: "blk.2.ffn_up")).notes[0].contains("1 matrix"))
  }

  /// The matrix, with importance 0 for some columns of two layers' keys.
  private func matrix(unused columns: Range<Int>) -> ImportanceMatrix {
    var matrix = matrix()
    for layer in [3, 5] {
      let name = TensorName("blk.\(layer).attn_k.weight")
      let sums = (0..<256).map { columns.contains($0) ? 0 : Float(1 + $0) }
      matrix.entries[name] = .init(sums: sums, count: 1)
    }
    return matrix
  }

  /// Blocks of columns that a text never used are told in one line, by the names in the file.
  @Test func unusedBlocksAreToldOnce() throws {
    // Of the blocks of 32, three are whole.
    let notes = try plan(.q4_1, matrix(unused: 60..<170), pruning: [0]).notes
    #expect(
      notes == [
        "/home/me/x.imatrix has importance 0 for 192 columns, whole blocks, of 2 matrices, the "
          + "first \"blk.3.attn_k.weight\": its text never used them; their weights are kept as "
          + "without importance"
      ])
    // Blocks of 256 are used in part, Q8_0 takes no notice, and 31 columns are no block.
    #expect(try plan(.q6_K, matrix(unused: 60..<170)).notes.isEmpty)
    #expect(try plan(.q8_0, matrix(unused: 60..<170)).notes.isEmpty)
    #expect(try plan(.q4_1, matrix(unused: 33..<64)).notes.isEmpty)
    // All of them, also where the rest is next to nothing beside the mean.
    let all = try plan(.q6_K, matrix(unused: 0..<256)).notes
    #expect(all.count == 1 && all[0].contains("512 columns"), "\(all)")
    var small = matrix()
    small.entries[TensorName("blk.0.attn_k.weight")] = .init(
      sums: (0..<256).map { $0 < 32 ? 1e-20 : 1 }, count: 1)
    let one = try plan(.q4_1, small).notes
    #expect(one.count == 1 && one[0].contains("32 columns, whole blocks, of 1 matrix,"), "\(one)")
  }

  /// Nothing is lost of such columns, which is what `--strict` asks for.
  @Test func unusedBlocksAreNoFaults() throws {
    let model = try ModelLoader.load(SmallModel().write(to: folder, "small"))
    var quantization = QuantizationOptions(.q4_1)
    quantization.importance = ImportanceSelection(matrix(columns: 64, value: 0), path: "x.imatrix")
    let plan = try ConversionPlan(convert: model, with: quantization, name: "x")
    #expect(plan.notes.contains { $0.contains("importance 0 for 448 columns") }, "\(plan.notes)")
    var options = RunOptions()
    options.isStrict = true
    let report = try ConversionRun(plan, workers: Workers(threads: 2)).write(
      to: folder("strict.gguf"), options)
    #expect(report.faults.isEmpty)
  }

  @Test func anotherModelsIsRefused() throws {
    expectError(.mismatch) { _ = try plan(.q8_0, matrix(columns: 512)) }
    expectError(.mismatch) { _ = try plan(.q8_0, matrix(value: -1)) }
    expectError(.mismatch) { _ = try plan(.q8_0, matrix(value: .nan)) }
    expectError(.mismatch) { _ = try plan(.q8_0, matrix(value: .infinity)) }
    var other = matrix()
    other.entries = [TensorName("blk.99.attn_q.weight"): .init(sums: [1], count: 1)]
    expectError(.mismatch) { _ = try plan(.q8_0, other) }
    var larger = matrix()
    larger.entries[TensorName("blk.8.attn_q.weight")] = .init(sums: [1], count: 1)
    #expect(try plan(.q8_0, larger).notes[0].contains("1 matrix that the model does not have"))
  }

  @Test(arguments: [TypeMix.iq2_XXS, .iq2_S, .iq1_S, .iq1_M, .iq3_XXS, .q2_K_S])
  func lowTypesRequireIt(mix: TypeMix) throws {
    let bare = try ConversionPlan(convert: model, with: QuantizationOptions(mix), name: "x")
    let obstacle = try #require(bare.obstacle)
    #expect(obstacle.code == .usage)
    expectError(obstacle.code) {
      _ = try ConversionRun(bare, workers: Workers(threads: 1)).write(
        to: folder("x.gguf"), overwrite: false)
    }
    #expect(try folder.names() == ["model"])
    let size = try bare.layout(path: "x").byteCount
    #expect(size > 100_000)
  }

  @Test func otherTypesDoNot() throws {
    for mix in TypeMix.allCases where mix.rawValue.hasPrefix("Q") || mix.rawValue.hasSuffix("16") {
      guard mix != .q2_K_S else { continue }
      let plan = try ConversionPlan(convert: model, with: QuantizationOptions(mix), name: "x")
      #expect(plan.obstacle?.code != .usage, "\(mix)")
    }
  }
}

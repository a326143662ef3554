import Testing
import WeightmillCalibration
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport

/// Importance matrices that are added up.
struct ImportanceJoiningTests {
  private typealias Entry = ImportanceMatrix.Entry
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func matrix(
    _ entries: [String: ImportanceMatrix.Entry], chunks: Int = 1, size: Int = 48
  ) -> ImportanceMatrix {
    ImportanceMatrix(
      entries: Dictionary(uniqueKeysWithValues: entries.map { (TensorName($0), $1) }),
      datasets: ["t\(chunks)"], chunkCount: chunks, chunkSize: size)
  }

  private func joined(_ matrices: ImportanceMatrix...) throws -> ImportanceMatrix.Joined {
    try ImportanceMatrix.joined(matrices.enumerated().map { ($1, "file\($0)") })
  }

  @Test func sumsCountsAndChunksAdd() throws {
    let found = try joined(
      matrix(["a": Entry(sums: [1, 2], count: 48)], chunks: 1),
      matrix(["a": Entry(sums: [10, 0.5], count: 96)], chunks: 2),
      matrix(["a": Entry(sums: [100, 0], count: 48)], chunks: 1))
    #expect(found.matrix.entries == [TensorName("a"): Entry(sums: [111, 2.5], count: 192)])
    #expect(found.matrix.chunkCount == 4)
    #expect(found.matrix.chunkSize == 48)
    #expect(found.matrix.datasets == ["t1", "t2", "t1"])
    #expect(found.notes == [])
  }

  /// Sums that differ by less than 2^29 are rounded once: not in binary32 from file to file, and in any order.
  @Test func sumsAreRoundedOnce() throws {
    var random = SeededGenerator(seed: 7)
    let files = (0..<9).map { _ in
      (0..<500).map { _ in abs(random.gaussian()) * 100 + 0x1p-10 }
    }
    func sums(_ order: [Int]) throws -> [Float] {
      let matrices = order.map { matrix(["a": Entry(sums: files[$0], count: 3)]) }
      return try ImportanceMatrix.joined(matrices.map { ($0, "x") }).matrix
        .entries[TensorName("a")]?.sums ?? []
    }
    let found = try sums(Array(0..<9))
    #expect(try found == sums([8, 3, 1, 0, 2, 7, 6, 5, 4]))
    var differs = false
    for column in 0..<500 {
      let exact = files.reduce(0.0) { $0 + Double($1[column]) }
      #expect(found[column] == Float(exact))
      differs = differs || files.reduce(Float(0)) { $0 + $1[column] } != found[column]
    }
    // Binary32 sums would have been others.
    #expect(differs)
  }

  @Test func entriesThatAreNotInAllFilesAreKeptWithANote() throws {
    let found = try joined(
      matrix(["a": Entry(sums: [1], count: 1)]),
      matrix(["a": Entry(sums: [1], count: 1), "b": Entry(sums: [5], count: 2)]))
    #expect(found.matrix.entries[TensorName("b")] == Entry(sums: [5], count: 2))
    #expect(found.notes.count == 1)
    #expect(found.notes.first?.contains("which count less: \"b\"") == true, "\(found.notes)")
  }

  @Test func sumsOfInputsAreKeptWhereAllHaveThem() throws {
    let found = try joined(
      matrix([
        "a": Entry(sums: [1], count: 1, inputSums: [-3]),
        "b": Entry(sums: [1], count: 1, inputSums: [1]),
      ]),
      matrix([
        "a": Entry(sums: [1], count: 1, inputSums: [0.5]), "b": Entry(sums: [1], count: 1),
      ]))
    #expect(found.matrix.entries[TensorName("a")]?.inputSums == [-2.5])
    #expect(found.matrix.entries[TensorName("b")]?.inputSums == nil)
    #expect(found.notes.first?.hasSuffix("of: \"b\"") == true, "\(found.notes)")
  }

  @Test func oneCountIsThatOfAllExperts() throws {
    let found = try joined(
      matrix(["e": Entry(sums: [1, 2, 3, 4], count: 5)]),
      matrix(["e": Entry(sums: [1, 1, 1, 1], counts: [2, 3])]))
    #expect(
      found.matrix.entries[TensorName("e")] == Entry(sums: [2, 3, 4, 5], counts: [7, 8]))
  }

  @Test func otherModelsAreRefused() {
    for other in [
      Entry(sums: [1, 2, 3], count: 1), Entry(sums: [1, 2, 3, 4, 5, 6], counts: [1, 1, 1]),
    ] {
      let error = expectError(.mismatch) {
        _ = try joined(
          matrix(["a": Entry(sums: [1, 2, 3, 4, 5, 6], counts: [1, 1])]), matrix(["a": other]))
      }
      #expect(error?.file == "file1")
    }
  }

  @Test func theOldFormIsNotMixedWithTheNewOne() throws {
    let (old, new) = (
      try ImatrixFile.read("\(Fixtures.package)/fixtures/imatrix/llama.dat"),
      try ImatrixFile.read("\(Fixtures.package)/fixtures/imatrix/llama.gguf")
    )
    let error = expectError(.mismatch) { _ = try joined(new, old) }
    #expect(error?.file == "file1")
    let twice = try joined(old, old).matrix
    for (name, entry) in old.entries {
      #expect(twice.entries[name]?.weights == entry.weights)
    }
  }

  @Test func sumsThatNoFileCanHoldAreRefused() {
    let large = matrix(["a": Entry(sums: [.greatestFiniteMagnitude], count: 1)])
    expectError(.unsupported) { _ = try joined(large, large) }
  }

  @Test func chunksOfOtherSizesAreNoted() throws {
    let found = try joined(
      matrix(["a": Entry(sums: [1], count: 1)], size: 512),
      matrix(["a": Entry(sums: [1], count: 1)], size: 256))
    #expect(found.matrix.chunkSize == 512)
    #expect(found.notes == ["the chunks have 256, 512 tokens; the file says 512"])
  }

  /// Sums of inputs lie behind the counts, and are read again.
  @Test func sumsOfInputsAreWrittenAndRead() throws {
    let before = matrix([
      "blk.0.attn_q.weight": Entry(sums: [1, 2], count: 48, inputSums: [-0.5, 7]),
      "blk.1.attn_q.weight": Entry(sums: [1, 2, 3, 4], counts: [2, 0], inputSums: [1, -1, 0, 0]),
      "output.weight": Entry(sums: [3], count: 48),
    ])
    let path = folder("a.gguf")
    try ImatrixWriter.write(before, to: path, overwrite: false)
    #expect(try ImatrixFile.read(path) == before)
    #expect(
      try Checkpoint(path: path).catalogue.tensors.map(\.name) == [
        "blk.0.attn_q.weight.in_sum2", "blk.0.attn_q.weight.counts", "blk.0.attn_q.weight.in_sum",
        "blk.1.attn_q.weight.in_sum2", "blk.1.attn_q.weight.counts", "blk.1.attn_q.weight.in_sum",
        "output.weight.in_sum2", "output.weight.counts",
      ])
    // Without them a file has the bytes that it always had.
    let plain = ImportanceMatrix(
      entries: before.entries.mapValues { Entry(sums: $0.sums, counts: $0.counts) },
      datasets: before.datasets, chunkCount: 1, chunkSize: 48)
    try ImatrixWriter.write(plain, to: folder("b.gguf"), overwrite: false)
    #expect(try Fixtures.bytes(folder("b.gguf")).count < Fixtures.bytes(path).count)
    #expect(try ImatrixFile.read(folder("b.gguf")) == plain)
  }
}

import Testing
import WeightmillTensors
import WeightmillTestSupport

/// A catalogue in memory.
struct ArrayCatalogue: Catalogue {
  let location = "memory"
  let tensors: [TensorDescriptor]
  let data: [[UInt8]]

  func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let size = tensors[index].bytesPerRow
    bytes.copy(data[index], from: rows.lowerBound * size, count: rows.count * size, to: offset)
  }
}

/// Assembled catalogues.
struct CatalogueTests {
  private func part(_ bytes: [UInt8], rows: Int, columns: Int, name: String = "x") -> ArrayCatalogue
  {
    let shape = TensorShape(rows: rows, columns: columns)
    return ArrayCatalogue(
      tensors: [TensorDescriptor(name: name, type: .u8, shape: shape)], data: [bytes])
  }

  @Test func partsCutByColumnsAreJoinedRowByRow() throws {
    let joined = try JoinedCatalogue(
      [part([1, 2, 5, 6], rows: 2, columns: 2), part([3, 7], rows: 2, columns: 1)],
      location: "parts", join: { _ in .columns })
    #expect(joined.tensors[0].shape.extents == [2, 3])
    #expect(try joined.bytes(rows: 0..<2, ofTensor: 0) == [1, 2, 3, 5, 6, 7])
    #expect(try joined.bytes(rows: 1..<2, ofTensor: 0) == [5, 6, 7])
  }

  @Test func partsCutByRowsAreStacked() throws {
    let joined = try JoinedCatalogue(
      [part([1, 2, 3, 4], rows: 2, columns: 2), part([5, 6], rows: 1, columns: 2)],
      location: "parts", join: { _ in .rows })
    #expect(joined.tensors[0].shape.extents == [3, 2])
    #expect(try joined.bytes(rows: 0..<3, ofTensor: 0) == [1, 2, 3, 4, 5, 6])
    #expect(try joined.bytes(rows: 1..<3, ofTensor: 0) == [3, 4, 5, 6])
  }

  @Test func onlyMatricesAreJoined() throws {
    for extents in [[], [4], [1, 2, 2]] as [[Int]] {
      let shape = try #require(TensorShape(extents))
      let tensor = TensorDescriptor(name: "x", type: .u8, shape: shape)
      let part = ArrayCatalogue(tensors: [tensor], data: [[1, 2, 3, 4]])
      for join in [JoinedCatalogue.Join.rows, .columns] {
        expectError(.mismatch) {
          _ = try JoinedCatalogue([part, part], location: "parts", join: { _ in join })
        }
      }
    }
    let huge = TensorDescriptor(name: "x", type: .u8, shape: TensorShape(rows: 1 << 60, columns: 1))
    let part = ArrayCatalogue(tensors: [huge], data: [[]])
    expectError(.malformed) {
      _ = try JoinedCatalogue(
        Array(repeating: part, count: 9), location: "parts", join: { _ in .rows })
    }
  }

  @Test func partsOfDifferentModelsAreRefused() {
    expectError(.mismatch) {
      _ = try JoinedCatalogue(
        [part([1], rows: 1, columns: 1), part([1], rows: 1, columns: 1, name: "y")],
        location: "parts", join: { _ in .rows })
    }
    expectError(.mismatch) {
      _ = try JoinedCatalogue(
        [part([1, 2], rows: 1, columns: 2), part([1], rows: 1, columns: 1)], location: "parts",
        join: { _ in .rows })
    }
  }

  @Test func twoTensorsOfOneNameAreRefused() {
    let twin = part([1], rows: 1, columns: 1)
    expectError(.malformed) {
      _ = try TensorIndex(CombinedCatalogue([twin, twin], location: "shards"))
    }
  }

  @Test(arguments: [1, 2, 7])
  func workersDoEachPieceOnceAndReportTheError(threads: Int) throws {
    let workers = Workers(threads: threads)
    let results = Results()
    try workers.forEach(1000, scratch: { 0 }) { (piece, count) throws(WeightmillError) in
      count += 1
      results.add(piece)
    }
    #expect(results.sorted == Array(0..<1000))
    expectError(.internal) {
      try workers.forEach(1000, scratch: {}) { (piece, _) throws(WeightmillError) in
        if piece == 500 { throw WeightmillError(.internal, "piece", "failed") }
      }
    }
  }
}

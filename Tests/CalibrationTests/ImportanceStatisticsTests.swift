import Foundation
import Testing
import WeightmillCalibration
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors
import WeightmillTestSupport

/// The figures of `--show-statistics` are those that NumPy finds by llama-imatrix's formulas
/// (`fixtures/imatrix/make_statistics.py`).
struct ImportanceStatisticsTests {
  private static func expected() throws -> [String: Any] {
    let path = "\(Fixtures.package)/fixtures/imatrix/statistics.json"
    return try #require(try Fixtures.json(path) as? [String: Any])
  }

  private static func near(_ value: Double, _ expected: Double) -> Bool {
    abs(value - expected) <= 1e-9 * max(abs(expected), 1e-3)
  }

  @Test func everyTensorHasNumPysFigures() throws {
    let file = "\(Fixtures.package)/fixtures/imatrix/llama.gguf"
    let statistics = ImportanceStatistics(try ImatrixFile.read(file))
    let tensors = try #require(try Self.expected()["tensors"] as? [String: [String: Double]])
    #expect(Set(statistics.tensors.map(\.name)) == Set(tensors.keys))
    for tensor in statistics.tensors {
      let figures = try #require(tensors[tensor.name])
      let found: [(String, Double?)] = [
        ("sum", tensor.sum), ("minimum", tensor.minimum), ("maximum", tensor.maximum),
        ("mean", tensor.mean), ("deviation", tensor.deviation), ("active", tensor.active),
        ("values", Double(tensor.values)), ("entropy", tensor.entropy),
        ("normalizedEntropy", tensor.normalizedEntropy), ("high", tensor.high),
        ("cosine", tensor.cosine),
      ]
      for (key, value) in found {
        guard let expected = figures[key] else {
          #expect(value == nil, "\(tensor.name) \(key)")
          continue
        }
        #expect(Self.near(try #require(value), expected), "\(tensor.name) \(key)")
      }
      #expect(tensor.meanShare == nil)
    }
    // Kinds stand together, the largest sums first.
    let kinds = statistics.tensors.map { ImportanceStatistics.kind($0.name) }
    #expect(kinds == kinds.sorted())
    let queries = statistics.tensors.filter { $0.name.contains("attn_q") }.map(\.sum)
    #expect(queries.count == 4 && queries == queries.sorted(by: >))
  }

  @Test func everyLayerHasNumPysMeans() throws {
    let file = "\(Fixtures.package)/fixtures/imatrix/llama.gguf"
    let statistics = ImportanceStatistics(try ImatrixFile.read(file))
    let layers = try #require(try Self.expected()["layers"] as? [String: [String: Double]])
    #expect(statistics.layers.map(\.layer) == [0, 1, 2, 3])
    for layer in statistics.layers {
      let means = try #require(layers["\(layer.layer)"])
      #expect(Self.near(layer.sum, means["sum"] ?? .nan))
      #expect(Self.near(layer.high, means["high"] ?? .nan))
      #expect(Self.near(layer.cosine, means["cosine"] ?? .nan))
    }
  }

  private static func matrix(
    _ entries: [String: ImportanceMatrix.Entry]
  ) -> ImportanceStatistics {
    ImportanceStatistics(
      ImportanceMatrix(
        entries: Dictionary(uniqueKeysWithValues: entries.map { (TensorName($0), $1) })))
  }

  /// Files of any content give figures, none of which is a number by chance.
  @Test func oddEntriesAreNoTrap() throws {
    let found = Self.matrix([
      "a": .init(sums: [4], count: 2), "b": .init(sums: [0, 0], count: 1),
      "c": .init(sums: [1, 2], count: 0), "blk.1.x.weight": .init(sums: [1, 1], count: 1),
      "blk.0.x.weight": .init(sums: [1, 1, 1], count: 1),
      "blk.-1.y": .init(sums: [.greatestFiniteMagnitude, .greatestFiniteMagnitude], count: 1),
      "blk.99999999999999999999.y": .init(sums: [1, 3], count: 1),
      "blk.\(Int.min).z": .init(sums: [1, 3], count: 1),
    ])
    #expect(found.empty == ["c"])
    let tensors = Dictionary(uniqueKeysWithValues: found.tensors.map { ($0.name, $0) })
    #expect(tensors["a"]?.normalizedEntropy == nil)
    #expect(tensors["a"]?.sum == 2)
    #expect(tensors["b"]?.entropy == 0)
    #expect(tensors["b"]?.active == 0)
    #expect(tensors["b"]?.high == 0)
    // Of another width: no angle.
    #expect(tensors["blk.1.x.weight"]?.cosine == nil)
    #expect(tensors["blk.1.x.weight"]?.normalizedEntropy.map { abs($0 - 1) < 1e-12 } == true)
    #expect(tensors["blk.99999999999999999999.y"]?.layer == nil)
    #expect(found.tensors.allSatisfy { $0.sum.isFinite && $0.deviation.isFinite })
  }

  /// Stacked matrices: those without vectors do not count.
  @Test func expertsThatWereNotUsedAreLeftOut() {
    let found = Self.matrix(["e": .init(sums: [4, 8, 5, 5], counts: [4, 0])])
    #expect(found.tensors.first?.values == 2)
    #expect(found.tensors.first?.sum == 3)
  }

  @Test func meansAreAShareOfTheSquares() {
    // Inputs 1 and 3, then 2 and -2: means 2 and 0, mean squares 5 and 4.
    let found = Self.matrix(["m": .init(sums: [10, 8], count: 2, inputSums: [4, 0])])
    #expect(found.tensors.first?.meanShare == 4.0 / 9)
  }
}

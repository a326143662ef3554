import Foundation
import Testing
import WeightmillConversion
import WeightmillLLaMA
import WeightmillTensors
import WeightmillTestSupport

/// Every mix gives every tensor the type that llama.cpp gives it.
struct TypeMapTests {
  /// The models of `typemaps.txt`, by how their heading begins.
  private struct Shape {
    let heading: String
    let layers: Int
    /// Heads of queries for each head of keys and values.
    let group: Int
    var isTied = false
    var hidden = 4096
    var feedForward = 11008
  }

  private static let shapes = [
    Shape(heading: "7B-like", layers: 32, group: 1),
    Shape(heading: "8B-like", layers: 32, group: 4),
    Shape(heading: "13B-like", layers: 40, group: 1),
    Shape(heading: "70B-like", layers: 80, group: 8),
    Shape(heading: "1B-like tied", layers: 16, group: 4, isTied: true),
    Shape(heading: "3B-odd rows", layers: 26, group: 1, hidden: 320, feedForward: 864),
  ]

  /// One line: a model, whether there is an importance matrix, a mix, and what llama.cpp chose.
  struct Row: Sendable, CustomTestStringConvertible {
    let heading: String
    let hasImportance: Bool
    let mix: String
    let types: String

    var testDescription: String { "\(mix), \(heading), imatrix \(hasImportance)" }
  }

  static let rows: [Row] = {
    let text = try? String(
      contentsOfFile: "\(Fixtures.package)/formats/vectors/typemaps.txt", encoding: .utf8)
    var rows: [Row] = []
    var heading = ""
    for line in (text ?? "").split(separator: "\n").map(String.init) {
      if line.hasPrefix("===") {
        heading = String(line.dropFirst(4))
      } else if let colon = line.firstRange(of: ": ") {
        rows.append(
          Row(
            heading: heading, hasImportance: heading.contains("imatrix=yes"),
            mix: String(line[..<colon.lowerBound]), types: String(line[colon.upperBound...])))
      }
    }
    return rows
  }()

  @Test func everyModelAndMixIsThere() throws {
    #expect(Self.rows.count == 12 * 32)
    let names = Set(Self.rows.map(\.mix))
    #expect(Set(TypeMix.allCases.map(\.rawValue)).subtracting(names) == ["F32", "F16", "BF16"])
    #expect(Set(TypeMix.allCases.map(\.fileType)).count == TypeMix.allCases.count)
  }

  @Test(arguments: rows)
  func typesAreThoseOfLlamaCpp(row: Row) throws {
    let shape = try #require(Self.shapes.first { row.heading.hasPrefix($0.heading) })
    let mix = try #require(TypeMix(name: row.mix))
    let model = MixedModel(
      layerCount: shape.layers, headCount: 8 * shape.group, keyValueHeadCount: 8,
      tiesEmbeddings: shape.isTied, hasImportance: row.hasImportance)
    func name(_ role: TensorRole) -> String? {
      let columns =
        if case .layer(_, .down) = role { shape.feedForward } else { shape.hidden }
      return mix.type(of: role, in: model, columns: columns)?.type.name.lowercased()
    }
    guard !row.types.hasPrefix("rc=1") else {
      #expect(name(.layer(0, .query)) == nil)
      return
    }
    for entry in row.types.split(separator: "; ") {
      let parts = entry.split(separator: "=")
      try #require(parts.count == 2)
      let roles = try #require(Self.roles(String(parts[0]), layers: shape.layers))
      let expected = Self.layers(String(parts[1]), count: roles.count)
      #expect(roles.map(name) == expected, "\(parts[0])")
    }
  }

  /// A tensor that the architecture does not know gets what most matrices get, whatever the layer.
  @Test(arguments: [(TypeMix.q4_K_M, TensorType.q4_K), (.q3_K_L, .q3_K), (.q8_0, .q8_0)])
  func anUnknownMatrixGetsTheTypeOfMost(mix: TypeMix, type: TensorType) {
    let model = MixedModel(
      layerCount: 80, headCount: 64, keyValueHeadCount: 8, tiesEmbeddings: true,
      hasImportance: false)
    #expect(mix.type(of: nil, in: model, columns: 8192)?.type == type)
  }

  private static func roles(_ name: String, layers: Int) -> [TensorRole]? {
    if let role = NamingScheme.gguf.role(of: "\(name).weight", in: .llama) { return [role] }
    return (0..<layers).compactMap {
      NamingScheme.gguf.role(of: "blk.\($0).\(name).weight", in: .llama)
    }
  }

  /// The types of all layers from `q6_K@0-3,6|q4_K@4-5`.
  private static func layers(_ text: String, count: Int) -> [String?] {
    var types = [String?](repeating: nil, count: count)
    for part in text.lowercased().split(separator: "|") {
      let halves = part.split(separator: "@")
      let ranges = halves.count == 2 ? halves[1].split(separator: ",") : ["0-\(count - 1)"]
      for range in ranges {
        let ends = range.split(separator: "-").compactMap { Int($0) }
        guard let first = ends.first, let last = ends.last else { continue }
        for layer in first...last { types[layer] = String(halves[0]) }
      }
    }
    return types
  }
}

import Foundation
import Testing
import WeightmillTestSupport

/// The drawing of a block in the comment of its type: where the bits of each number lie.
///
/// The comment of `BlockFormat` says how to read it.
struct BlockDrawing {
  /// A sum of variables and whole numbers, such as `16+32i+l`.
  private struct Sum {
    let terms: [(factor: Int, variable: Character?)]

    init(_ text: some StringProtocol) throws {
      terms = try text.split(separator: "+", omittingEmptySubsequences: false).map { term in
        let match = try #require(String(term).wholeMatch(of: /(\d*)([a-z]?)/), "\(text)")
        try #require(!term.isEmpty, "\(text)")
        return (Int(match.1) ?? 1, match.2.first)
      }
    }

    func value(_ variables: [Character: Int]) throws -> Int {
      try terms.reduce(0) { sum, term in
        guard let variable = term.variable else { return sum + term.factor }
        return sum + term.factor * (try #require(variables[variable]))
      }
    }
  }

  /// A number, or some of its bits, and where they lie in a box.
  private struct Cell {
    let name: String
    let index: Sum?
    /// The lowest bit in the box, and how many there are.
    let bits: (first: Int, count: Int)
    /// The lowest of the number's bits that lie here.
    let shift: Int
    /// Which digit of the byte in base 3 the number is, if it is one.
    let digit: Int?

    init(_ label: some StringProtocol, bits: (first: Int, count: Int), digit: Int? = nil) throws {
      let match = try #require(
        String(label).wholeMatch(of: /([a-z]+)(?:\[(.+)\])?(?:\.(\d+)(?:-(\d+))?)?/), "\(label)")
      let highest = match.3.flatMap { Int($0) }
      name = String(match.1)
      index = try match.2.map { try Sum($0) }
      shift = match.4.flatMap { Int($0) } ?? highest ?? 0
      self.bits = bits
      self.digit = digit
      if let highest { try #require(highest - shift + 1 == bits.count, "\(label)") }
    }

    func number(in word: Int) -> Int {
      if let digit { return (0..<digit).reduce(word) { word, _ in word * 3 % 256 } * 3 / 256 }
      return (word >> bits.first & (1 << bits.count - 1)) << shift
    }
  }

  /// A byte or a word, for every value of the variables of its offset.
  private struct Box {
    let offset: Sum
    let byteCount: Int
    let cells: [Cell]
    let isSigned: Bool
  }

  /// The bytes of a block.
  let byteCount: Int
  private let limits: [Character: Int]
  private let boxes: [Box]

  /// Reads the drawing in a file below `Sources/Quantization`.
  init(file: String) throws {
    let source = try String(
      contentsOfFile: "\(Fixtures.package)/Sources/Quantization/\(file)", encoding: .utf8)
    let comment = try #require(
      source.firstMatch(of: /\/\/\/ ```text\n((?:\/\/\/.*\n)+?)\/\/\/ ```\n/))
    try self.init(comment.1.split(separator: "\n").map { String($0.dropFirst(4)) })
  }

  /// Reads a drawing.
  init(_ lines: [String]) throws {
    let title = try #require(lines.first?.wholeMatch(of: /(\d+) bytes, (.+)/))
    byteCount = try #require(Int(title.1))
    limits = try title.2.components(separatedBy: ", ").reduce(into: [:]) { limits, text in
      let match = try #require(text.wholeMatch(of: /([a-z]) < (\d+)/))
      limits[try #require(match.1.first)] = Int(match.2)
    }
    boxes = try stride(from: 1, to: lines.count - 1, by: 2).map { index in
      try Self.box(border: Array(lines[index]), row: Array(lines[index + 1]))
    }
  }

  /// Reads a box: the border above it has the highest bits of its cells.
  private static func box(border: [Character], row: [Character]) throws -> Box {
    let start = try #require(row.firstIndex(of: "|"))
    let end = try #require(row.lastIndex(of: "|"))
    let edges = (start..<end).filter { border[$0].isNumber && !border[$0 - 1].isNumber }
    try #require(edges == row.indices.filter { row[$0] == "|" }.dropLast())
    let highest = try edges.map { edge in
      try #require(Int(String(border[edge...].prefix { $0.isNumber })))
    }
    let form = String(row[(end + 1)...]).trimmingCharacters(in: .whitespaces)
    let cells = try edges.indices.flatMap { cell in
      let (left, right) = (edges[cell], cell + 1 < edges.count ? edges[cell + 1] : end)
      let below = cell + 1 < edges.count ? highest[cell + 1] : -1
      let bits = (first: below + 1, count: highest[cell] - below)
      // Cells are drawn to scale.
      try #require((right - left) * (highest[0] + 1) == bits.count * (end - start))
      let label = String(row[left + 1..<right]).trimmingCharacters(in: .whitespaces)
      if form == "base 3" {
        return try label.split(separator: " ").enumerated().map { digit, label in
          try Cell(label, bits: bits, digit: digit)
        }
      }
      let isWhole = label.contains("[") || !form.contains("…")
      return [try Cell(isWhole ? label : form.replacing("…", with: label), bits: bits)]
    }
    let offset = String(row[..<start]).trimmingCharacters(in: .whitespaces)
    return Box(
      offset: try Sum(offset), byteCount: (highest[0] + 1) / 8, cells: cells,
      isSigned: form == "i8")
  }

  /// All values of some variables.
  private func assignments(_ variables: [Character]) throws -> [[Character: Int]] {
    try variables.reduce([[:]]) { all, variable in
      let limit = try #require(limits[variable])
      return all.flatMap { some in
        (0..<limit).map { some.merging([variable: $0]) { first, _ in first } }
      }
    }
  }

  /// The numbers that a block holds, by name and index; each byte must be drawn once.
  func numbers(in block: [UInt8]) throws -> [String: [Int: Int]] {
    try #require(block.count == byteCount)
    var numbers: [String: [Int: Int]] = [:]
    var drawn = [Int](repeating: 0, count: byteCount)
    for box in boxes {
      for variables in try assignments(box.offset.terms.compactMap(\.variable)) {
        let offset = try box.offset.value(variables)
        try #require(offset + box.byteCount <= byteCount)
        var word = 0
        for byte in (offset..<offset + box.byteCount).reversed() {
          drawn[byte] += 1
          word = word << 8 | Int(block[byte])
        }
        for cell in box.cells {
          let number = cell.number(in: word)
          numbers[cell.name, default: [:]][try cell.index?.value(variables) ?? 0, default: 0] |=
            box.isSigned ? Int(Int8(truncatingIfNeeded: number)) : number
        }
      }
    }
    try #require(drawn.allSatisfy { $0 == 1 }, "drawn so often: \(drawn)")
    return numbers
  }
}

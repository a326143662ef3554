import WeightmillComparison
import WeightmillPresentation
import WeightmillTensors

/// What `compare` prints.
struct CompareReport: Encodable {
  /// How many tensors are named as the worst.
  private static let shownWorst = 3

  /// How many tensors a verdict was given to.
  struct Counts: Encodable {
    let tensors: Int
    let sameBytes: Int
    let sameValues: Int
    let different: Int
    let onlyInA: Int
    let onlyInB: Int
    let otherShape: Int
    let otherType: Int
    /// The number of tensors that do not keep the limits.
    let beyond: Int
  }

  let a: String
  let b: String
  let names: ComparedCheckpoints.Names
  let notes: [String]
  let limits: DifferenceLimits
  let passed: Bool
  let counts: Counts
  let total: TensorDifference.Figures
  let tensors: [TensorDifference]
  private let worst: [TensorDifference]
  private let beyond: [TensorDifference]

  private enum CodingKeys: CodingKey {
    case a, b, names, notes, limits, passed, counts, total, tensors
  }

  /// Judges a comparison.
  ///
  /// - Parameters:
  ///   - inputs: What was compared.
  ///   - difference: How it differs.
  ///   - limits: How far apart tensors may be.
  ///   - hidesSame: Whether tensors whose values are all the same are left out of the list.
  init(
    _ inputs: ComparedCheckpoints, _ difference: CheckpointDifference, _ limits: DifferenceLimits,
    hidesSame: Bool
  ) {
    a = inputs.a.location
    b = inputs.b.location
    names = inputs.names
    notes = inputs.notes
    self.limits = limits
    beyond = difference.beyond(limits)
    passed = beyond.isEmpty
    counts = Counts(
      tensors: difference.tensors.count, sameBytes: difference.count(.sameBytes),
      sameValues: difference.count(.sameValues), different: difference.count(.different),
      onlyInA: difference.count(.onlyInA), onlyInB: difference.count(.onlyInB),
      otherShape: difference.count(.otherShape), otherType: difference.count(.otherType),
      beyond: beyond.count)
    total = difference.total
    tensors = hidesSame ? difference.tensors.filter { !$0.isSame } : difference.tensors
    worst = difference.worst(Self.shownWorst)
  }

  /// Prints the report for people.
  func print() throws(WeightmillError) {
    let parts = [subjects, table, summary, verdict]
    try StandardOutput.print(parts.filter { !$0.isEmpty }.joined(separator: "\n\n"))
  }

  private var subjects: String {
    Text.table([["A", printable(a)], ["B", printable(b)]], alignments: [.left, .left])
  }

  private var table: String {
    guard !tensors.isEmpty else { return "" }
    let header = ["tensor", "shape", "type", "values", "max", "RMS", "of A's", "cosine"]
    return Text.table(
      [header] + tensors.map(row),
      alignments: [.left, .right, .left, .left, .right, .right, .right, .right])
  }

  private func row(_ tensor: TensorDifference) -> [String] {
    let shapes = [tensor.a?.shape, tensor.b?.shape].compactMap(\.self)
    let types = [tensor.a?.type, tensor.b?.type].compactMap(\.self)
    let start = [
      printable(tensor.name), Self.pair(shapes.map(\.description), " and "),
      Self.pair(types, " → "), Self.words(tensor),
    ]
    // What is the same needs no figures.
    guard let figures = tensor.figures, !tensor.isSame else { return start }
    return start + Self.cells(figures)
  }

  private static func cells(_ figures: TensorDifference.Figures) -> [String] {
    [
      Text.significant(figures.maximum), Text.significant(figures.rms),
      share(figures.relativeRMS), figures.cosine.map(cosine) ?? "",
    ]
  }

  /// Two texts, or one where they are the same.
  private static func pair(_ texts: [String], _ separator: String) -> String {
    texts.count == 2 && texts[0] == texts[1] ? texts[0] : texts.joined(separator: separator)
  }

  private static func words(_ tensor: TensorDifference) -> String {
    let nonFinite = (tensor.a?.nonFinite ?? 0, tensor.b?.nonFinite ?? 0)
    let special =
      nonFinite == (0, 0)
      ? "" : "; not finite: \(nonFinite.0) in A, \(nonFinite.1) in B"
    switch tensor.verdict {
    case .sameBytes: return "same bytes" + special
    case .sameValues: return "same values" + special
    case .different:
      let count = tensor.figures.map { "\(Text.grouped($0.differing)) " } ?? ""
      return "\(count)differ" + special
    case .onlyInA: return "only in A"
    case .onlyInB: return "only in B"
    case .otherShape: return "other shape"
    case .otherType: return "types that cannot be compared"
    }
  }

  /// A share with as many digits as count.
  private static func share(_ share: Double) -> String { "\(Text.significant(share * 100)) %" }

  /// Cut, not rounded: what differs is never 1.
  private static func cosine(_ value: Double) -> String {
    let cut = (value * 1_000_000).rounded(.down) / 1_000_000
    return Text.fixed(value < 1 ? min(cut, 0.999999) : value, 6)
  }

  private var summary: String {
    let kinds = [
      (counts.sameBytes, "same bytes"), (counts.sameValues, "same values"),
      (counts.different, "different values"), (counts.onlyInA, "only in A"),
      (counts.onlyInB, "only in B"), (counts.otherShape, "of other shapes"),
      (counts.otherType, "of types that cannot be compared"),
    ]
    let found = kinds.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
    var rows = [["tensors", "\(counts.tensors)" + (found.isEmpty ? "" : ": \(found)")]]
    rows.append([
      "values",
      "\(Text.grouped(total.values)), of which \(Text.grouped(total.differing)) differ"
        + (total.differing > 0 ? "   " + Self.line(total) : ""),
    ])
    if !worst.isEmpty {
      rows.append([
        "most apart",
        worst.map { tensor in
          let size = tensor.figures.map {
            $0.unmatched > 0 ? " (not finite)" : " (\(Self.share($0.relativeRMS)))"
          }
          return printable(tensor.name) + (size ?? "")
        }.joined(separator: "   "),
      ])
    }
    return Text.table(rows, alignments: [.left, .left])
  }

  private static func line(_ figures: TensorDifference.Figures) -> String {
    let cells = cells(figures)
    let cosine = cells[3].isEmpty ? "" : "   cosine \(cells[3])"
    return "max \(cells[0])   RMS \(cells[1]) (\(cells[2]) of A's)\(cosine)"
  }

  private var verdict: String {
    let asked = [
      limits.maximum.map { "--tolerance \(Text.significant($0))" },
      limits.relativeRMS.map { "--relative-tolerance \(Self.share($0))" },
    ].compactMap(\.self).joined(separator: " and ")
    guard let first = beyond.first else {
      return counts.sameBytes + counts.sameValues == counts.tensors
        ? "same     every value of A is B's" : "passed   every tensor keeps \(asked)"
    }
    let others = beyond.count > 1 ? " and \(beyond.count - 1) more" : ""
    let name = printable(first.name) + others
    return asked.isEmpty ? "DIFFER   \(name)" : "FAILED   \(asked) not kept by \(name)"
  }
}

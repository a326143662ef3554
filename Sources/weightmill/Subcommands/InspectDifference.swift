import WeightmillComparison
import WeightmillModels
import WeightmillPresentation
import WeightmillTensors

/// What `inspect A B` prints.
struct InspectDifference: Encodable {
  let a: String
  let b: String
  let same: Bool
  /// The tensors whose names, shapes and types are the same.
  let sameTensors: Int
  let metadata: [HeaderDifference.Entry]
  let configuration: [HeaderDifference.Entry]
  let tensors: [HeaderDifference.Tensor]
  private let kinds: [String]
  private let showsAll: Bool

  private enum CodingKeys: CodingKey {
    case a, b, same, sameTensors, metadata, configuration, tensors
  }

  /// Compares two checkpoints.
  ///
  /// - Parameters:
  ///   - a: One of them.
  ///   - b: The other.
  ///   - showsAll: Whether each tensor has a line.
  init(_ a: Checkpoint, _ b: Checkpoint, showsAll: Bool) {
    let difference = HeaderDifference(a, b)
    self.a = a.path
    self.b = b.path
    same = difference.isEmpty
    sameTensors = difference.sameTensors
    metadata = difference.metadata
    configuration = difference.configuration
    tensors = difference.tensors
    kinds = [a.layout.rawValue, b.layout.rawValue]
    self.showsAll = showsAll
  }

  /// Prints the report for people: one line for each key and each kind of tensor that differs.
  func print() throws(WeightmillError) {
    try StandardOutput.print(
      Text.table(
        [["A", printable(a), kinds[0]], ["B", printable(b), kinds[1]]],
        alignments: [.left, .left, .left]))
    for (title, entries) in [("configuration", configuration), ("metadata", metadata)]
    where !entries.isEmpty {
      try StandardOutput.print(
        "\n"
          + Text.table(
            [[title, "A", "B"]]
              + entries.map { ["  " + printable($0.key), $0.a ?? "-", $0.b ?? "-"] },
            alignments: [.left, .left, .left]))
    }
    if !tensors.isEmpty {
      try StandardOutput.print(
        "\n" + Text.table([["tensors", "A", "B"]] + rows, alignments: [.left, .left, .left]))
    }
    try StandardOutput.print("\n" + verdict)
  }

  private var rows: [[String]] {
    let forms = tensors.map { (Self.text($0.a), Self.text($0.b)) }
    guard !showsAll else {
      return zip(tensors, forms).map { ["  " + printable($0.name), $1.0, $1.1] }
    }
    return LayerGroups(zip(tensors, forms).map { ($0.name, "\($1.0) \($1.1)") }).groups.map {
      group in
      let form = forms[group.indices[0]]
      return ["  " + printable(group.name), form.0, form.1]
    }
  }

  private static func text(_ form: HeaderDifference.Form?) -> String {
    form.map { "\($0.type) [\($0.shape.map(String.init).joined(separator: ", "))]" } ?? "-"
  }

  private var verdict: String {
    guard !same else {
      return "same     what both say of themselves, and names, shapes and types of "
        + "\(Text.grouped(sameTensors)) tensors; see values with `weightmill compare`"
    }
    func count(_ number: Int, _ what: String) -> String? {
      number > 0 ? "\(Text.grouped(number)) \(what)\(number == 1 ? "" : "s")" : nil
    }
    let parts = [
      count(configuration.count, "field"), count(metadata.count, "key"),
      count(tensors.count, "tensor"),
    ].compactMap(\.self).joined(separator: ", ")
    return "DIFFER   \(parts); \(Text.grouped(sameTensors)) tensors do not"
  }
}

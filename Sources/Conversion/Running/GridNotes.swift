import WeightmillQuantization
import WeightmillTensors

/// Notes on tensors whose values were trained for a type: which were kept exactly, and which another type
/// would keep.
///
/// Tensors that an earlier run wrote, which this one continues, are not among them.
struct GridNotes {
  /// The notes, a line for each type.
  let notes: [String]

  /// Sorts tensors.
  ///
  /// - Parameter tensors: Tensors as they were written, with what was found of their rows.
  init(_ tensors: [(tensor: TensorDescriptor, rows: GridRows)]) {
    var kept: [TensorType: [String]] = [:]
    var others: [TensorType: [String]] = [:]
    for (tensor, rows) in tensors {
      if rows.isKept {
        kept[tensor.type, default: []].append(tensor.name)
      } else if let type = rows.betterType {
        others[type, default: []].append(tensor.name)
      }
    }
    notes =
      Self.lines(kept) { "on the grid of \($0.name), which keeps them exactly" }
      + Self.lines(others) {
        "on the grid of \($0.name), but were given another type: "
          + "\($0.name.lowercased()) keeps them exactly"
      }
  }

  private static func lines(
    _ names: [TensorType: [String]], _ text: (TensorType) -> String
  ) -> [String] {
    names.sorted { $0.key.rawValue < $1.key.rawValue }.compactMap { type, names in
      guard let first = names.first else { return nil }
      let more = names.count > 1 ? " and \(names.count - 1) more" : ""
      return "the values of \(first)\(more) lie \(text(type))"
    }
  }
}

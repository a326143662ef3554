/// Where a matrix stands in its model, by its name in GGUF files.
package struct MatrixPlace: Hashable, Sendable {
  /// The name in its layer, such as `ffn_down`; outside layers, the name without `.weight`.
  package let kind: String
  /// The number of the layer; `nil` for embeddings and output.
  package let layer: Int?

  package init(kind: String, layer: Int?) {
    self.kind = kind
    self.layer = layer
  }

  /// Reads a name.
  ///
  /// - Parameter name: The name, such as `blk.3.attn_q.weight`.
  package init(_ name: String) {
    var parts = name.split(separator: ".", omittingEmptySubsequences: false)
    if parts.count > 1, parts.last == "weight" { parts.removeLast() }
    if parts.count > 2, parts[0] == "blk", let number = Int(parts[1]), number >= 0 {
      (kind, layer) = (parts.dropFirst(2).joined(separator: "."), number)
    } else {
      (kind, layer) = (parts.joined(separator: "."), nil)
    }
  }
}

/// What the matrices of one kind cost together.
package struct KindCost: Equatable, Sendable {
  /// The kind, such as `ffn_down`.
  package let name: String
  /// How many matrices there are of it.
  package let matrices: Int
  /// How many weights they have.
  package let weights: Int
  /// The sum of the divergences that they make, each alone in its probe, in nats.
  package let divergence: Double
  /// That as a share of the sum over all matrices.
  package let share: Double
}

extension Sensitivities {
  /// What each kind of matrix costs, the most expensive first.
  package var kinds: [KindCost] {
    let total = matrices.reduce(0) { $0 + ($1.divergence ?? 0) }
    return Dictionary(grouping: matrices) { MatrixPlace($0.name).kind }.map { name, matrices in
      let sum = matrices.reduce(0) { $0 + ($1.divergence ?? 0) }
      return KindCost(
        name: name, matrices: matrices.count,
        weights: matrices.reduce(0) { $0 + $1.rows * $1.columns }, divergence: sum,
        share: total > 0 ? sum / total : 0)
    }.sorted { ($1.divergence, $0.name) < ($0.divergence, $1.name) }
  }
}

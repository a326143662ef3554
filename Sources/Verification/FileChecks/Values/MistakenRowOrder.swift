import WeightmillLLaMA

/// An order in which a program may leave the rows of queries and keys by mistake.
struct MistakenRowOrder {
  /// Says which order it is, after a tensor's name.
  let text: String

  private enum Kind {
    /// The halves order of Hugging Face, which was not permuted.
    case halves
    /// Permuted twice, or though the rows were in GGUF's order already.
    case twice
    /// Permuted as if a head had so many rows.
    case heads(of: Int)
  }

  private let kind: Kind
  private let head: Int

  /// The orders that a tensor may be in.
  ///
  /// - Parameters:
  ///   - configuration: The model's sizes.
  ///   - role: The tensor: queries or keys.
  /// - Returns: The orders.
  static func all(_ configuration: LlamaConfiguration, _ role: TensorRole) -> [MistakenRowOrder] {
    // Rows that GGUF does not permute are not left in another order.
    guard configuration.architecture.rowOrder == .neighbours else { return [] }
    let head = configuration.headDimension
    var orders = [
      MistakenRowOrder(
        text: "holds the reference's rows in Hugging Face's order, where GGUF has another",
        kind: .halves, head: head),
      MistakenRowOrder(
        text: "holds the reference's rows permuted as if they had been in Hugging Face's order, "
          + "which they were not", kind: .twice, head: head),
    ]
    // Keys permuted with the number of query heads: each of their heads is cut into several.
    let groups = configuration.headCount / configuration.keyValueHeadCount
    if case .layer(_, .key) = role, groups > 1, head % (2 * groups) == 0 {
      orders.append(
        MistakenRowOrder(
          text: "holds the reference's rows permuted with the number of query heads, not of key "
            + "heads", kind: .heads(of: head / groups), head: head))
    }
    return orders
  }

  /// The row in GGUF's order that stands in place of this row.
  func source(of row: Int) -> Int {
    switch kind {
    case .halves: Self.halves(row, head)
    case .twice: Self.neighbours(row, head)
    case .heads(let wrong): Self.halves(Self.neighbours(row, wrong), head)
    }
  }

  /// The row of the halves order that a row of the neighbours order is: `formats/meta-llama.md`,
  /// section 5.
  private static func neighbours(_ row: Int, _ head: Int) -> Int {
    let (first, index) = (row / head * head, row % head)
    return first + index % 2 * (head / 2) + index / 2
  }

  /// The row of the neighbours order that a row of the halves order is.
  private static func halves(_ row: Int, _ head: Int) -> Int {
    let (first, index) = (row / head * head, row % head)
    return first + index % (head / 2) * 2 + index / (head / 2)
  }
}

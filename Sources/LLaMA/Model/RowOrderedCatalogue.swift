package import WeightmillTensors

/// A catalogue that is made of others, and can ask them for the order of rows that it is asked for,
/// so that rows are not permuted on their way in and back on their way out.
package protocol RowOrderedCatalogue: Catalogue {
  /// The same tensors at the same indices, with the rows of queries and keys in this order.
  ///
  /// - Parameter order: The order.
  /// - Returns: The tensors, or `nil` where nothing is won: permuting this catalogue's own rows is
  ///   as little work.
  func ordered(_ order: Architecture.RowOrder) -> (any Catalogue)?
}

extension RenamedCatalogue: RowOrderedCatalogue {
  /// The same names and choice of tensors over the other order of the catalogue's.
  package func ordered(_ order: Architecture.RowOrder) -> (any Catalogue)? {
    guard let ordered = (catalogue as? any RowOrderedCatalogue)?.ordered(order) else { return nil }
    var other = self
    other.catalogue = ordered
    return other
  }
}

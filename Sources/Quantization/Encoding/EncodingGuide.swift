/// An encoder's knowledge of the inputs that a matrix gets.
///
/// A factor of the second moments of these inputs, for error feedback from column to column, would be a
/// third case: an encoder that is given one wants more rows at a time (`RowEncoder.rowsAtOnce`).
public enum EncodingGuide: Equatable, Sendable {
  /// Nothing: all errors of a row cost the same.
  case none
  /// For each column how much an error in it costs: not negative and finite, 0 where a column was never
  /// used. Types of numbers and the closed forms take no notice.
  case importance([Float])
}

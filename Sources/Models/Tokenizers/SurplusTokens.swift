import WeightmillTensors
import WeightmillTokenization

/// Tokens that a tokenizer's files name, and for which the model's embedding has no row.
///
/// A `[PAD]` that was added to a tokenizer and never to the model is the usual case: whatever such a
/// token was for, the model cannot have it, and it is left out. Many of them, or one that is a piece of
/// text, are the sign of another model's tokenizer.
struct SurplusTokens {
  /// The largest number that is left out.
  static let maximumCount = 8

  private struct Entry {
    let text: String
    let id: Int
    let location: String
  }

  let rows: Int
  private var entries: [Entry] = []
  private var ids: Set<Int> = []

  /// - Parameter rows: The rows of the embedding.
  init(rows: Int) { self.rows = rows }

  /// Notes a token, if it has no row.
  ///
  /// - Returns: Whether that is so.
  @discardableResult
  mutating func note(_ text: String, id: Int, location: String) -> Bool {
    guard id >= rows else { return false }
    // Several files may name the same one.
    if ids.insert(id).inserted {
      entries.append(Entry(text: text, id: id, location: location))
    }
    return true
  }

  /// Whether a token was left out.
  func contains(_ text: String) -> Bool { id(of: text) != nil }

  /// The id of a token that was left out.
  func id(of text: String) -> Int? {
    entries.first { TensorName($0.text) == TensorName(text) }?.id
  }

  /// Refuses more tokens than can be left out without a question.
  func check() throws(WeightmillError) {
    guard entries.count > Self.maximumCount, let first = entries.first else { return }
    throw WeightmillError(
      .mismatch, first.location,
      "names \(entries.count) tokens behind the model's \(rows) embedding rows, the first "
        + "\(quoted(first.text, limit: 40)), id \(first.id)",
      remedy:
        HelpTopic.surplusTokens.after(
          "use the tokenizer that these weights were saved with, or weights that were saved after "
            + "their embedding was resized; if the model was never trained with these tokens, take "
            + "them out of the file"))
  }

  /// The error for a vocabulary whose pieces of text are more than the rows.
  static func tooMany(_ count: Int, rows: Int, _ location: String) -> WeightmillError {
    WeightmillError(
      .mismatch, location, "holds \(count) tokens, but the model has \(rows) embedding rows",
      remedy: "use the tokenizer that these weights were saved with")
  }

  /// What the user should know.
  var notes: [String] {
    guard let first = entries.first else { return [] }
    let names = entries.map { "\(quoted($0.text, limit: 40)) (id \($0.id))" }
    return [
      HelpTopic.surplusTokens.after(
        "\(names.joined(separator: ", ")) of \(first.location) \(names.count == 1 ? "is" : "are") "
          + "left out: the model has \(rows) embedding rows, and none for "
          + (names.count == 1 ? "it" : "them"))
    ]
  }
}

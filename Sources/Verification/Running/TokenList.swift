import WeightmillModels
import WeightmillTensors

/// A list of token ids that was given in place of a text.
struct TokenList: Sendable {
  let ids: [Int]
  /// The name in reports.
  let name: String
  /// The location for messages: the file, and ` of list 2` in a file of several.
  private let location: String
  private let ordinal: String

  /// The lists of a source; none of a text.
  ///
  /// - Parameter source: A source.
  /// - Returns: The lists, none of them empty.
  /// - Throws: `noInput`, `unsupported` or `malformed` for a file that holds anything else.
  static func all(_ source: EvaluationInput.Source) throws(WeightmillError) -> [TokenList] {
    switch source {
    case .text, .textFile: return []
    case .tokens(let ids, let name):
      return [TokenList(ids: ids, name: name, location: name, ordinal: "")]
    case .tokenFile(let path):
      let lists = try TextInput.tokenLists(path)
      guard lists.count > 1 else {
        return lists.map { TokenList(ids: $0, name: path, location: path, ordinal: "") }
      }
      return lists.enumerated().map { index, ids in
        TokenList(
          ids: ids, name: "\(path)#\(index + 1)", location: path,
          ordinal: " of list \(index + 1)")
      }
    }
  }

  /// Refuses ids that cannot be judged.
  ///
  /// - Parameter vocabularyRows: How many ids the models know.
  /// - Throws: `mismatch` for ids that the models do not know, and for fewer than two, in which nothing
  ///   follows.
  func check(vocabularyRows: Int) throws(WeightmillError) {
    if let position = ids.firstIndex(where: { !(0..<vocabularyRows).contains($0) }) {
      throw WeightmillError(
        .mismatch, location, "holds the id \(ids[position]), which the models do not know",
        at: "position \(position)\(ordinal)",
        remedy: "give ids from 0 to \(vocabularyRows - 1), in the models' own vocabulary")
    }
    guard ids.count > 1 else {
      throw WeightmillError(
        .mismatch, location,
        "holds \(ids.isEmpty ? "no" : "one") id\(ordinal), of which no prediction can be judged",
        remedy: "give at least two")
    }
  }
}

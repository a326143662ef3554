import WeightmillCalibration
import WeightmillModels
import WeightmillTensors
import WeightmillTokenization

/// The texts that a command was given to learn from.
struct CalibrationTexts {
  /// What stands for text that the model writes itself; a file of that name is ./self.
  static let selfName = "self"

  /// Files, or `self`.
  let texts: [String]
  /// Files of token ids.
  let ids: [String]
  /// How many tokens a window holds.
  let context: Int

  /// Whether the model writes a text.
  var includesSelf: Bool { texts.contains(Self.selfName) }

  /// All files that are read.
  var files: [String] { texts.filter { $0 != Self.selfName } + ids }

  /// Reads the files, each by itself; `nil` stands in the place of what the model writes.
  ///
  /// - Parameters:
  ///   - model: The model that learns.
  ///   - tokenizer: Its tokenizer.
  /// - Returns: A text for each file, in their order.
  /// - Throws: The errors of reading them.
  func read(
    for model: LoadedModel, _ tokenizer: ModelTokenizer
  ) throws(WeightmillError) -> [CalibrationText?] {
    var parts: [CalibrationText?] = []
    for path in texts {
      guard path != Self.selfName else {
        parts.append(nil)
        continue
      }
      var part = CalibrationText(context: context)
      try part.add(try TextInput.text(path), from: path, tokenizer: tokenizer)
      parts.append(part)
    }
    for path in ids {
      var part = CalibrationText(context: context)
      try part.add(ids: try TextInput.tokenLists(path), from: path, for: model.llama)
      parts.append(part)
    }
    return parts
  }
}

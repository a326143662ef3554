import WeightmillCalibration
import WeightmillLLaMA
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
  /// Whether texts of control tokens are these tokens.
  var parsesControl = false

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
      try part.add(
        try TextInput.text(path), from: path, tokenizer: tokenizer, parsesControl: parsesControl)
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

/// Reads texts, and lets the model write what is to be its own.
struct TextReading {
  let texts: CalibrationTexts
  let writing: SelfWritingOptions
  let options: SelfWrittenText.Options
  /// Whether what the model wrote is kept as was asked for.
  var keepsText = true
  let common: CommonOptions

  /// The files that are read.
  var files: [String] { texts.files + [writing.draft].compactMap(\.self) }

  /// Reads the files, and lets the model write.
  ///
  /// - Parameters:
  ///   - model: The model that learns.
  ///   - overwrite: Whether a text that is kept may replace a file.
  ///   - inputs: Files that are read: the text that is kept must be none of them.
  /// - Returns: All windows.
  /// - Throws: The errors of reading and of writing.
  func read(
    for model: LoadedModel, overwrite: Bool, inputs: [String]
  ) throws(WeightmillError) -> CalibrationText {
    let tokenizer = try model.requiredTokenizer()
    var text = CalibrationText(context: texts.context)
    // All files are read before the model writes, so that what is wrong with one is found at once.
    for part in try texts.read(for: model, tokenizer) {
      if let part {
        text.add(part)
        continue
      }
      let written = try writing.compose(
        by: try writer(for: model), tokenizer, context: texts.context, options, common)
      if keepsText { try writing.keep(written, overwrite: overwrite, inputs: inputs, tokenizer) }
      text.add(written)
    }
    return text
  }

  /// The same without what the model would write: of that the number of tokens is known.
  ///
  /// - Parameter model: The model that learns.
  /// - Returns: Windows, some of them placeholders.
  /// - Throws: The errors of reading.
  func planned(for model: LoadedModel) throws(WeightmillError) -> CalibrationText {
    var text = CalibrationText(context: texts.context)
    for part in try texts.read(for: model, try model.requiredTokenizer()) {
      if let part { text.add(part) } else { text.add(placeholdersFor: options.tokens) }
    }
    return text
  }

  private func writer(for model: LoadedModel) throws(WeightmillError) -> LlamaModel {
    if let draft = writing.draft {
      let writer = try ModelLoader.load(draft)
      try SelfWrittenText.check(draft: writer, for: model)
      return writer.llama
    }
    if model.llama.catalogue.byteCount > CommonOptions.physicalMemory {
      common.printNotes([
        "the model is larger than this machine's memory: every step of its text reads it from the "
          + "disk; give a smaller file of it with --draft"
      ])
    }
    return model.llama
  }
}

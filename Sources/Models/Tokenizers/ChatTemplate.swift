import WeightmillLLaMA
package import WeightmillTensors
package import WeightmillTokenization

/// The form in which a model wants a question to be written.
///
/// Models bring a program in Jinja for that. Weightmill runs no programs: it knows the templates
/// that it writes itself.
package enum ChatTemplate: Sendable {
  /// Ziya's: `<human>:` + question + newline + `<bot>:`.
  case ziya

  /// Ziya's template as it is written into GGUF files.
  package static let ziyaText =
    "{% for message in messages %}"
    + "{% if message['role'] == 'user' %}"
    + "{{ '<human>:' + (message['content'] | trim) + '\\n<bot>:' }}"
    + "{% elif message['role'] == 'assistant' %}"
    + "{{ (message['content'] | trim) + eos_token }}"
    + "{% else %}"
    + "{{ (message['content'] | trim) + '\\n' }}"
    + "{% endif %}{% endfor %}"

  /// Finds the template of a model.
  ///
  /// A model without one that has the tokens `<human>` and `<bot>` is taken for Ziya.
  ///
  /// - Parameters:
  ///   - text: The model's template, if it has one.
  ///   - vocabulary: Its vocabulary, if it has one.
  ///   - location: Its file or folder, for messages.
  /// - Throws: `unsupported` when the model's template is none of those known, `mismatch` when it
  ///   has none.
  package init(
    _ text: String?, vocabulary: Vocabulary?, location: String
  ) throws(WeightmillError) {
    let remedy = "write the prompt as the model wants it, and leave out --chat"
    if let text {
      guard text == Self.ziyaText else {
        throw WeightmillError(
          .unsupported, location,
          "has a chat template that Weightmill does not know", at: quoted(text, limit: 60),
          remedy: remedy)
      }
      self = .ziya
      return
    }
    let tokens = Set(vocabulary?.tokens.lazy.map(\.text) ?? [])
    guard tokens.isSuperset(of: ["<human>", "<bot>"]) else {
      throw WeightmillError(
        .mismatch, location, "has no chat template", remedy: remedy)
    }
    self = .ziya
  }

  /// The text that asks the model a question.
  ///
  /// - Parameter question: The question; white space around it is left out, as the template does.
  /// - Returns: The text, which the answer continues.
  package func prompt(_ question: String) -> String {
    let scalars = question.unicodeScalars
    let start = scalars.firstIndex { !$0.properties.isWhitespace } ?? scalars.endIndex
    let end = scalars.lastIndex { !$0.properties.isWhitespace }.map(scalars.index(after:))
    return "<human>:\(String(scalars[start..<(end ?? start)]))\n<bot>:"
  }
}

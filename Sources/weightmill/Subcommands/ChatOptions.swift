import ArgumentParser
import WeightmillModels
import WeightmillTensors

/// What a model is asked, and whether by its chat template.
struct ChatOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: "The text to continue, or the question.")
  var prompt: String?

  @Flag(help: "Ask the prompt as a question, by the model's chat template.")
  var chat = false

  @Option(help: "The system message, which goes before the question (with it comes --chat).")
  var system: String?

  @Option(
    help: ArgumentHelp(
      "The chat template to take of a model with several: default, tool_use, rag … (with it comes --chat).",
      valueName: "name"))
  var chatTemplate: String?

  @Option(
    help: ArgumentHelp(
      "A JSON file with what was said so far, in place of --prompt (with it comes --chat).",
      valueName: "file"), completion: .file(extensions: ["json"]))
  var conversation: String?

  func validate() throws {
    guard prompt?.isEmpty != true else { throw ValidationError("--prompt is empty") }
    guard system?.isEmpty != true else { throw ValidationError("--system is empty") }
    guard chatTemplate?.isEmpty != true else { throw ValidationError("--chat-template is empty") }
    switch (prompt, conversation) {
    case (nil, nil):
      throw ValidationError("give a text with --prompt, or a file with --conversation")
    case (_?, _?): throw ValidationError("--prompt and --conversation cannot go together")
    default: break
    }
  }

  /// The conversation that goes by the chat template; `nil` for a text that is continued.
  func asked() throws(WeightmillError) -> Conversation? {
    if let path = conversation {
      let conversation = try Conversation(path: path)
      guard let system else { return conversation }
      return try conversation.with(system: system, location: path)
    }
    guard chat || system != nil || chatTemplate != nil else { return nil }
    return Conversation(question: prompt ?? "", system: system)
  }
}

import ArgumentParser
import WeightmillMetadata
import WeightmillModels
import WeightmillTensors

/// The changes of metadata that are asked for.
struct MetadataOptions: ParsableArguments {
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "Set a key, or an element of an array, KEY[N]; may be repeated.",
      valueName: "KEY=[TYPE:]VALUE"))
  private var assignments: [String] = []

  @Option(
    name: [.long, .customLong("remove-metadata")],
    help: ArgumentHelp(
      "Remove a key, or with * at its end all that begin so; may be repeated.", valueName: "KEY"))
  private var remove: [String] = []

  @Option(
    help: ArgumentHelp("Give a key another name; may be repeated.", valueName: "OLD=NEW"))
  private var rename: [String] = []

  @Option(
    help: ArgumentHelp(
      "Choose the token for a role, such as bos, eos, eot, unknown, padding, mask, fim_pre; may be repeated.",
      valueName: "ROLE=TOKEN"))
  private var specialToken: [String] = []

  @Option(
    help: ArgumentHelp(
      "Choose it by its number in the vocabulary; may be repeated.", valueName: "ROLE=ID"))
  private var specialTokenById: [String] = []

  @Option(
    name: [.customLong("chat-template-file"), .customLong("chat-template-config")],
    help:
      "Take the chat templates from here: a Jinja file, or a tokenizer_config.json, which may have several.",
    completion: .file(extensions: ["jinja", "json"]))
  private var chatTemplateFile: String?

  /// Whether nothing is to be changed.
  var isEmpty: Bool {
    assignments.isEmpty && remove.isEmpty && rename.isEmpty && specialToken.isEmpty
      && specialTokenById.isEmpty && chatTemplateFile == nil
  }

  /// The changes.
  ///
  /// - Throws: `usage` for what is none; what reading files throws.
  func edits() throws(WeightmillError) -> [MetadataEdit] {
    var edits = remove.map { MetadataEdit.remove($0) }
    for argument in rename {
      let (old, new) = try MetadataEdit.pair(argument, "--rename", form: "OLD=NEW")
      edits.append(.rename(old, to: new))
    }
    if let chatTemplateFile {
      edits.append(.chatTemplates(try ChatTemplates(file: chatTemplateFile)))
    }
    for argument in assignments { edits.append(.set(try MetadataEdit.Assignment(argument))) }
    for argument in specialToken {
      let (role, text) = try MetadataEdit.pair(argument, "--special-token", form: "ROLE=TOKEN")
      edits.append(.special(try MetadataEdit.role(role, "--special-token"), text: text))
    }
    for argument in specialTokenById {
      let option = "--special-token-by-id"
      let (role, digits) = try MetadataEdit.pair(argument, option, form: "ROLE=ID")
      guard let id = Int(digits), id >= 0 else {
        throw WeightmillError(
          .usage, option, "\(quoted(digits)) is no number of a token",
          remedy: "choose it by its text: --special-token \(role)=TOKEN")
      }
      edits.append(.specialID(try MetadataEdit.role(role, option), id))
    }
    return edits
  }
}

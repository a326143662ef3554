import ArgumentParser
import WeightmillModels

/// How byte-pair tokenizers cut text into words, where a file does not say it in a way that is known.
struct PreTokenizerOption: ParsableArguments {
  @Option(
    name: .customLong("pre"),
    help: ArgumentHelp(
      "How text is cut before byte pairs merge, by llama.cpp's name (default: what the files say).",
      valueName: "name"))
  var name: String?

  /// The request with what was given.
  func applied(to request: ModelRequest) -> ModelRequest {
    var request = request
    request.preTokenizer = name
    return request
  }
}

import ArgumentParser
import WeightmillLLaMA
import WeightmillReporting
import WeightmillTensors
import WeightmillVerification

/// What `verify-logits` measures besides the logits, and what it writes.
struct ReportOptions: ParsableArguments {
  @Flag(help: "Measure which share of the divergence comes from which tensor.")
  var attribute = false

  @Option(help: "Which tensors --attribute takes together: tensor, kind or layer.")
  var attributeBy: Grouping = .tensor

  @Option(help: "How many tokens --attribute is measured on, at most.")
  var attributeTokens = 512

  @Flag(help: "Compute in binary64: slower, for differences that rounding could explain.")
  var precise = false

  @Option(
    help: "Save the reference's logits (without --reference, the model's own) as safetensors.",
    completion: .file(extensions: ["safetensors"]))
  var saveLogits: String?

  @Option(
    help:
      "Save the divergence at every position as JSON, to compare two candidates by the same positions.",
    completion: .file(extensions: ["json"]))
  var savePositions: String?

  @Option(
    help: "Write the report as a page with charts; - is standard output.",
    completion: .file(extensions: ["html"]))
  var html: String?

  @Option(
    help: "Write the report as Markdown, for a CI summary; - is standard output.",
    completion: .file(extensions: ["md"]))
  var markdown: String?

  @Flag(help: "Replace files that exist.")
  var force = false

  func validate() throws {
    guard attributeTokens >= 2 else {
      throw ValidationError("--attribute-tokens must be 2 or more")
    }
    guard html != Self.standardOutput || markdown != Self.standardOutput else {
      throw ValidationError("only one page can go to standard output")
    }
    guard saveLogits != Self.standardOutput else {
      throw ValidationError("--save-logits needs a file")
    }
    guard savePositions != Self.standardOutput else {
      throw ValidationError("--save-positions needs a file")
    }
  }

  /// The numbers to compute with.
  var precision: Precision { precise ? .double : .single }

  /// The attribution, if it was asked for.
  var attribution: VerificationRequest.Attribution? {
    attribute ? .init(grouping: attributeBy.value, tokens: attributeTokens) : nil
  }

  /// Where logits are saved, if they are.
  var savedLogits: VerificationRequest.SavedOutput? {
    saveLogits.map { .init($0, overwrite: force) }
  }

  /// Where the divergence at every position is saved, if it is.
  var savedPositions: VerificationRequest.SavedOutput? {
    savePositions.map { .init($0, overwrite: force) }
  }

  /// Refuses outputs that cannot be written, before anything is measured.
  func check(inputs: [String]) throws(WeightmillError) {
    for path in [saveLogits, savePositions, html, markdown].compactMap({ $0 })
    where path != Self.standardOutput {
      try ReportFile.check(path, overwrite: force, inputs: inputs)
    }
  }

  /// Whether a page goes to standard output, so that nothing else may.
  var printsPage: Bool { html == Self.standardOutput || markdown == Self.standardOutput }

  private static let standardOutput = "-"

  /// Writes the pages that were asked for; files first, since standard output may be full or closed.
  func write(_ report: VerificationReport, inputs: [String]) throws(WeightmillError) {
    for isFile in [true, false] {
      if let html, isFile == (html != Self.standardOutput) {
        try write(report.html, to: html, inputs: inputs)
      }
      if let markdown, isFile == (markdown != Self.standardOutput) {
        try write(report.markdown, to: markdown, inputs: inputs)
      }
    }
  }

  private func write(
    _ page: String, to path: String, inputs: [String]
  ) throws(WeightmillError) {
    guard path != Self.standardOutput else { return try StandardOutput.print(page, terminator: "") }
    try ReportFile.write(page, to: path, overwrite: force, inputs: inputs)
  }

  /// Which tensors are taken together.
  struct Grouping: ListedArgument {
    static let allValueStrings = TensorGrouping.allCases.map(\.rawValue)
    static let tensor = Grouping(value: .tensor)

    let value: TensorGrouping
    var defaultValueDescription: String { value.rawValue }

    init(value: TensorGrouping) { self.value = value }

    init?(argument: String) {
      guard let value = TensorGrouping(rawValue: argument.lowercased()) else { return nil }
      self.value = value
    }
  }
}

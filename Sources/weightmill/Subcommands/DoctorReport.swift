import WeightmillConversion
import WeightmillLLaMA
import WeightmillModels
import WeightmillPresentation
import WeightmillTensors
import WeightmillTokenization

/// What `doctor` prints.
struct DoctorReport: Encodable {
  /// A model, as far as headers tell.
  struct Model: Encodable {
    struct File: Encodable {
      let path: String
      let bytes: Int
    }

    let path: String
    let delta: String?
    let adapters: [String]
    let architecture: String
    let layers: Int
    let parameters: Int
    let context: Int
    let tokens: Int?
    /// The bytes of keys and values for each token that the model has read, in F16.
    let bytesPerToken: Int
    let files: [File]

    init(_ loaded: LoadedModel, request: ModelRequest) {
      let configuration = loaded.llama.configuration
      path = request.path
      delta = request.delta
      adapters = request.adapters.map(\.path)
      architecture = loaded.llama.architecture.name
      layers = configuration.layerCount
      parameters = loaded.llama.catalogue.parameterCount
      context = configuration.contextLength
      tokens = loaded.tokenizer?.vocabulary.tokens.count
      bytesPerToken =
        4 * configuration.layerCount * configuration.keyValueHeadCount * configuration.headDimension
      files = loaded.sources.map { File(path: $0.path, bytes: $0.byteCount) }
    }
  }

  let host: Machine
  /// Where the output would go.
  let output: String
  /// The bytes that are free there, if the file system tells.
  let freeBytes: Int?
  var model: Model?
  var forecasts: [ConversionForecast]?

  /// The tokens that a running model is said to hold.
  private static let shownContext = 4096

  /// The types for which there is too little space.
  var lacking: [ConversionForecast] {
    (forecasts ?? []).filter { $0.bytes > freeBytes ?? .max }
  }

  /// The bytes of a file that runs with its keys and values.
  private func running(_ forecast: ConversionForecast) -> Int {
    forecast.bytes + (model.map { $0.bytesPerToken * min($0.context, Self.shownContext) } ?? 0)
  }

  /// Prints the report for people.
  func print() throws(WeightmillError) {
    try StandardOutput.print(ProgramVersion.line + "\n" + Text.table(machineRows, alignments: []))
    guard let model, let forecasts else { return }
    try StandardOutput.print("\n" + Text.table(modelRows(model), alignments: []))
    guard !forecasts.isEmpty else { return }
    let head = ["type", "file", "on the disk", "encoding", "to run", "in memory"]
    let rows = forecasts.map { forecast in
      let fits = freeBytes.map { forecast.bytes <= $0 ? "fits" : "too large" } ?? "unknown"
      let needed = running(forecast)
      return [
        forecast.type, Text.bytes(forecast.bytes), fits,
        forecast.encodingSeconds.map { Text.duration($0) } ?? "", Text.bytes(needed),
        needed <= host.memory ? "fits" : "too large",
      ]
    }
    try StandardOutput.print(
      "\n"
        + Text.table(
          [head] + rows, alignments: [.left, .right, .left, .right, .right, .left]))
    let memory = forecasts.map(\.memory).max() ?? 0
    try StandardOutput.print(
      """

      memory    writing any of them takes at most \(Text.bytes(memory))
      encoding  minutes and seconds of all threads; where the disk is slower, it decides
      to run    the file, and keys and values of \(Text.grouped(min(model.context, Self.shownContext))) tokens in F16
      """)
    for forecast in forecasts {
      guard let obstacle = forecast.obstacle else { continue }
      try StandardOutput.print("\(forecast.type): \(printable(obstacle))")
    }
  }

  private var machineRows: [[String]] {
    let cores = "\(host.cores) \(host.cores == 1 ? "core" : "cores")"
    return [
      ["system", printable("\(host.system), \(host.architecture)")],
      ["processor", printable(host.processor.map { "\($0), \(cores)" } ?? cores)],
      ["instructions", host.instructions],
      ["memory", Text.bytes(host.memory)],
      [
        "free disk",
        "\(freeBytes.map { Text.bytes($0) } ?? "unknown") in \(printable(output))",
      ],
    ]
  }

  private func modelRows(_ model: Model) -> [[String]] {
    let parts = [model.path, model.delta].compactMap { $0 } + model.adapters
    let bytes = model.files.reduce(0) { $0 + $1.bytes }
    let tokens = model.tokens.map { "\(Text.grouped($0)) tokens" } ?? "no tokenizer"
    return [
      ["model", printable(parts.joined(separator: " + "))],
      [
        "",
        "\(model.architecture), \(model.layers) layers, \(Text.grouped(model.parameters)) values, "
          + "\(tokens), context \(Text.grouped(model.context))",
      ],
      [
        "files",
        "\(model.files.count) of \(Text.bytes(bytes)): all are there, and headers, names and shapes fit together",
      ],
    ]
  }
}

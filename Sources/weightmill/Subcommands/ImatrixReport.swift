import WeightmillCalibration
import WeightmillLLaMA
import WeightmillPresentation
import WeightmillQuantization
import WeightmillTensors

/// What `imatrix` says of what it learned.
struct ImatrixReport: Encodable {
  /// What the model has written itself.
  struct Written: Encodable {
    let tokens: Int
    let windows: Int
    let texts: Int
    let sideBySide: Int
    let start: Int
    let seed: UInt64
    let seconds: Double
    let tokensPerSecond: Double
    let draft: String?
    let savedAs: String?

    /// The same in words.
    var line: String {
      let place = savedAs.map { "\(printable($0)): " } ?? ""
      return
        "\(place)\(Text.grouped(tokens)) tokens of \(Text.grouped(texts)) texts that "
        + "\(draft.map { "\(printable($0)) wrote" } ?? "the model wrote"), "
        + "\(Text.grouped(sideBySide)) window\(sideBySide == 1 ? "" : "s") side by side, "
        + "\(Text.significant(tokensPerSecond)) tokens a second, \(Text.fixed(seconds, 2)) s"
    }
  }

  let output: String
  let bytes: Int
  let matrices: Int
  let context: Int
  let windows: Int
  let tokens: Int
  let leftOut: Int
  let texts: [String]
  let joined: [String]
  let perplexity: Double?
  let perplexityError: Double?
  let perplexityTokens: Int?
  let written: Written?
  let notes: [String]

  /// The same in words.
  func line(seconds: Double) -> String {
    let surprise = perplexity.map { value in
      ", perplexity \(Text.significant(value))"
        + (perplexityError.map { " ± \(Text.significant($0))" } ?? "")
    }
    return
      "\(printable(output)): \(matrices) matrices from \(windows) windows of \(context) tokens"
      + (joined.isEmpty ? "" : " and \(joined.count) \(joined.count == 1 ? "file" : "files")")
      + ", \(Text.bytes(bytes)) in \(Text.fixed(seconds, 2)) s\(surprise ?? "")"
  }
}

/// What `imatrix` says of files that it joined.
struct ImatrixJoinReport: Encodable {
  let output: String
  let bytes: Int
  let files: [String]
  let matrices: Int
  let windows: Int
  let notes: [String]
}

/// What `imatrix --show-statistics` says.
struct ImatrixStatisticsReport: Encodable {
  let file: String
  let datasets: [String]
  let chunks: Int
  let chunkSize: Int
  let tensors: [ImportanceStatistics.Tensor]
  let layers: [ImportanceStatistics.Layer]
  let notes: [String]

  init(_ matrix: ImportanceMatrix, path: String) {
    let statistics = ImportanceStatistics(matrix)
    file = path
    datasets = matrix.datasets
    chunks = matrix.chunkCount
    chunkSize = matrix.chunkSize
    tensors = statistics.tensors
    layers = statistics.layers
    notes =
      statistics.empty.isEmpty
      ? []
      : [
        "nothing was gathered for "
          + TensorFault.summary(statistics.empty.map { TensorFault($0, "") })
      ]
  }

  /// The same for people.
  var table: String {
    let hasMeans = tensors.contains { $0.meanShare != nil }
    var heads = [
      "layer", "tensor", "Σ(Act²)", "min", "max", "μ", "σ", "active", "N", "entropy", "E (norm)",
      "ZD",
      "CosSim",
    ]
    if hasMeans { heads.append("mean²") }
    let rows = tensors.map { tensor -> [String] in
      var row = [
        tensor.layer.map(String.init) ?? "-", printable(ImportanceStatistics.kind(tensor.name)),
        Text.significant(tensor.sum), Text.significant(tensor.minimum),
        Text.significant(tensor.maximum), Text.significant(tensor.mean),
        Text.significant(tensor.deviation), Text.percent(tensor.active),
        Text.grouped(tensor.values), Text.fixed(tensor.entropy, 4),
        tensor.normalizedEntropy.map { Text.percent($0) } ?? "-", Text.percent(tensor.high),
        tensor.cosine.map { Text.fixed($0, 4) } ?? "-",
      ]
      if hasMeans { row.append(tensor.meanShare.map { Text.percent($0) } ?? "-") }
      return row
    }
    let layerRows = layers.map { layer in
      [
        "\(layer.layer)", Text.significant(layer.sum), Text.percent(layer.high),
        Text.fixed(layer.cosine, 4),
      ]
    }
    let right = [Text.Alignment](repeating: .right, count: heads.count)
    return "\(printable(file)): \(tensors.count) tensors, \(Text.grouped(chunks)) chunks"
      + (chunkSize > 0 ? " of \(chunkSize) tokens" : "") + "\n\n"
      + Text.table([heads] + rows, alignments: [.right, .left] + right.dropFirst(2))
      + (layerRows.isEmpty
        ? ""
        : "\n\n"
          + Text.table(
            [["layer", "μΣ(Act²)", "μZD", "μCosSim"]] + layerRows,
            alignments: [.right, .right, .right, .right]))
  }
}

public import WeightmillLLaMA
public import WeightmillQuantization
public import WeightmillTensors
import WeightmillTokenization

/// Runs a model over text and gathers how much each input of each matrix matters.
///
/// The matrices are those of the layers, and the output matrix. An embedding that is only looked up, and not
/// multiplied with, has no entry; one that is the output matrix, too, has. Weights stream layer by layer; memory is the
/// activations of `tokensPerPass` tokens, a sum for each column, and a tile for each thread.
public struct ImportanceCollector: Sendable {
  /// The number of tokens that go through the model together.
  package static let tokensPerPass = 1024

  private let pass: ForwardPass
  private let includesOutput: Bool

  /// Prepares a collection.
  ///
  /// - Parameters:
  ///   - model: The model, in any scheme: entries have GGUF names, and columns have the same order
  ///     in all of them.
  ///   - includesOutput: Whether the output matrix gets an entry; one that is the embedding (tied
  ///     weights) has it under the embedding's name.
  ///   - workers: The threads.
  public init(_ model: LlamaModel, includesOutput: Bool = true, workers: Workers) {
    pass = ForwardPass(model, workers: workers)
    self.includesOutput = includesOutput
  }

  /// Runs the model over a text and gathers the sums.
  ///
  /// - Parameters:
  ///   - text: The text; all tokens of its windows count.
  ///   - progress: Called with the share of the work that is done.
  /// - Returns: The sums over all tokens of all windows.
  /// - Throws: `mismatch` when the text fills no window, or an input is infinite or not a number;
  ///   reading errors.
  public func run(
    _ text: CalibrationText, progress: (Double) -> Void = { _ in }
  ) throws(WeightmillError) -> ImportanceMatrix {
    let passes = text.windows.passes(ofAtMost: Self.tokensPerPass)
    guard !passes.isEmpty else {
      throw WeightmillError(
        .mismatch, pass.model.catalogue.location,
        "cannot learn from this text: \(text.leftOut) tokens do not fill a window of "
          + "\(text.context)", remedy: "give more text, or a smaller --context")
    }
    var gathered = Gathered()
    for (number, part) in passes.enumerated() {
      try gather(part, into: &gathered) { share in
        progress((Double(number) + share) / Double(passes.count))
      }
    }
    return ImportanceMatrix(
      entries: Self.entries(gathered, pass.model.architecture), datasets: text.names,
      chunkCount: text.windows.windows.count, chunkSize: text.context)
  }

  /// The sums of each input, by the matrices that share it.
  private typealias Gathered = [[TensorRole]: InputSums]

  private func gather(
    _ part: TextWindows.Pass, into gathered: inout Gathered, progress: (Double) -> Void
  ) throws(WeightmillError) {
    let layers = pass.model.configuration.layerCount
    var hidden = try pass.embed(part.tokens)
    for layer in 0..<layers {
      try pass.apply(layer: layer, to: &hidden, windows: part.ranges) {
        (matrices, input) throws(WeightmillError) in
        try add(input, of: matrices, to: &gathered)
      }
      progress(Double(layer + 1) / Double(layers))
    }
    guard includesOutput else { return }
    let matrix: TensorRole = pass.model.tiesEmbeddings ? .tokenEmbedding : .output
    try add(pass.normalized(hidden), of: [matrix], to: &gathered)
  }

  private func add(
    _ input: Activations, of matrices: [TensorRole], to gathered: inout Gathered
  ) throws(WeightmillError) {
    gathered[matrices, default: InputSums(columns: input.columns)].add(input)
    guard gathered[matrices]?.areFinite == true else {
      throw WeightmillError(
        .mismatch, pass.model.catalogue.location,
        "computes values that are infinite or not numbers",
        at: "the input of \(NamingScheme.gguf.name(of: matrices[0], in: pass.model.architecture))",
        remedy: "its weights are damaged: look for the notes when it was converted")
    }
  }

  /// Books what was gathered for each of the matrices that share an input.
  private static func entries(
    _ gathered: Gathered, _ architecture: Architecture
  ) -> [TensorName: ImportanceMatrix.Entry] {
    var entries: [TensorName: ImportanceMatrix.Entry] = [:]
    for (matrices, sums) in gathered {
      let entry = sums.entry
      for matrix in matrices {
        entries[TensorName(NamingScheme.gguf.name(of: matrix, in: architecture))] = entry
      }
    }
    return entries
  }
}

/// The sums of squares of what text sends into a matrix, column by column.
///
/// They are kept in binary64, where the square of a binary32 value is exact. Every column adds the
/// squares one after the other in the order of the tokens, so that the sums depend on nothing else:
/// not on the number of threads, and not on how the text is cut into passes.
package struct InputSums {
  private var sums: [Double]
  private var count = 0

  /// Makes sums of nothing.
  package init(columns: Int) { sums = [Double](repeating: 0, count: columns) }

  /// Adds the squares of vectors.
  ///
  /// - Parameter vectors: The vectors, as long as there are columns.
  package mutating func add(_ vectors: Activations) {
    vectors.addSquares(to: &sums)
    count += vectors.rows
  }

  /// Whether every sum is a number that files can hold.
  var areFinite: Bool { sums.allSatisfy { $0 <= Double(Float.greatestFiniteMagnitude) } }

  /// The sums as files hold them.
  package var entry: ImportanceMatrix.Entry {
    ImportanceMatrix.Entry(sums: sums.map(Float.init), count: Float(count))
  }
}

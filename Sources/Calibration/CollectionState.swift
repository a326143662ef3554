package import WeightmillGGUF
package import WeightmillLLaMA
import WeightmillModels
import WeightmillOutput
package import WeightmillTensors
import WeightmillTokenization

/// What an unfinished collection keeps beside its output, so that another run can go on: the origin and
/// the exact sums. A GGUF file; `formats/imatrix.md` section 8 describes it.
package struct CollectionState: Equatable, Sendable {
  /// What decides every figure: of two runs that have it in common, one goes on where the other stopped.
  package struct Origin: Equatable, Sendable {
    /// A digest of the model's tensors.
    package let model: String
    /// A digest of all windows.
    package let text: String
    /// The number of windows.
    package let windows: Int
    /// The number of tokens of a window.
    package let context: Int
    /// Whether the output matrix gets an entry.
    package let includesOutput: Bool
    /// Whether the sums of inputs themselves are gathered.
    package let gathersMeans: Bool
    /// Whether perplexity is measured.
    package let measuresPerplexity: Bool

    /// Describes a collection.
    ///
    /// - Throws: Reading errors.
    package init(
      _ model: LlamaModel, _ text: CalibrationText, includesOutput: Bool, gathersMeans: Bool,
      measuresPerplexity: Bool
    ) throws(WeightmillError) {
      self.init(
        model: try ModelDigest.of(model), text: text.digest, windows: text.windows.windows.count,
        context: text.context, includesOutput: includesOutput, gathersMeans: gathersMeans,
        measuresPerplexity: measuresPerplexity)
    }

    fileprivate init(
      model: String, text: String, windows: Int, context: Int, includesOutput: Bool,
      gathersMeans: Bool, measuresPerplexity: Bool
    ) {
      (self.model, self.text, self.windows, self.context) = (model, text, windows, context)
      (self.includesOutput, self.gathersMeans, self.measuresPerplexity) =
        (includesOutput, gathersMeans, measuresPerplexity)
    }

    /// What differs from an earlier run; `nil` if nothing does.
    func difference(from other: Self) -> String? {
      if model != other.model { return "it learned from another model" }
      if text != other.text || context != other.context {
        return "it read another text: \(other.windows) windows of \(other.context) tokens"
      }
      for (name, now, before) in [
        ("--process-output", includesOutput, other.includesOutput),
        ("--means", gathersMeans, other.gathersMeans),
        ("--ppl", measuresPerplexity, other.measuresPerplexity),
      ] where now != before {
        return "it was run \(before ? "with" : "without") \(name)"
      }
      return nil
    }
  }

  /// What it is of.
  package let origin: Origin
  /// What was gathered.
  package let sums: ImportanceSums

  /// Describes what was gathered.
  package init(_ origin: Origin, _ sums: ImportanceSums) {
    self.origin = origin
    self.sums = sums
  }

  /// The name of the file beside an output.
  ///
  /// - Parameter output: The importance matrix that will be written.
  /// - Returns: Its path with `.state` behind.
  package static func path(of output: String) -> String { output + ".state" }

  /// The sums of an interrupted run of the same origin.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - origin: What is being learned.
  /// - Returns: The sums; `nil` if there is no file.
  /// - Throws: `mismatch` when it is of another origin; `malformed`.
  package static func resume(
    _ path: String, _ origin: Origin
  ) throws(WeightmillError) -> ImportanceSums? {
    guard Folder.isFolder(path) == false else { return nil }
    let state = try read(path)
    if let difference = origin.difference(from: state.origin) {
      throw WeightmillError(
        .mismatch, path, "is of a run that cannot be continued: \(difference)",
        remedy: "give what it was given, or begin anew without --resume")
    }
    return state.sums
  }

  /// Removes the file beside an output that is complete.
  ///
  /// - Parameter output: The importance matrix.
  package static func remove(of output: String) {
    OutputFile.removeKept(path(of: output))
  }

  // MARK: The file

  private enum Key {
    static let type = "general.type"
    static let typeValue = "imatrix-state"
    static let version = "weightmill.state.version"
    static let model = "weightmill.state.model"
    static let text = "weightmill.state.text"
    static let context = "weightmill.state.context"
    static let total = "weightmill.state.windows_in_all"
    static let windows = "weightmill.state.windows"
    static let output = "weightmill.state.includes_output"
    static let means = "weightmill.state.gathers_means"
    static let surprise = "weightmill.state.surprise.sum"
    static let squares = "weightmill.state.surprise.squares"
    static let tokens = "weightmill.state.surprise.count"
    static let squareSums = ".in_sum2"
    static let valueSums = ".in_sum"
  }

  private static let version: UInt32 = 1

  /// Writes the file anew.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - inputs: Files that are read: it must be none of them.
  /// - Throws: `cannotWrite`, `inputOutput`.
  package func write(to path: String, inputs: [String]) throws(WeightmillError) {
    var metadata = GGUFMetadata()
    metadata[Key.type] = .string(Key.typeValue)
    metadata[Key.version] = .uint32(Self.version)
    metadata[Key.model] = .string(origin.model)
    metadata[Key.text] = .string(origin.text)
    metadata[Key.context] = .uint64(UInt64(origin.context))
    metadata[Key.total] = .uint64(UInt64(origin.windows))
    metadata[Key.windows] = .uint64(UInt64(sums.windows))
    metadata[Key.output] = .bool(origin.includesOutput)
    metadata[Key.means] = .bool(origin.gathersMeans)
    if let perplexity = sums.perplexity {
      metadata[Key.surprise] = .float64(perplexity.sum)
      metadata[Key.squares] = .float64(perplexity.squares)
      metadata[Key.tokens] = .uint64(UInt64(perplexity.count))
    }
    var tensors: [TensorDescriptor] = []
    var values: [[Double]] = []
    for (name, input) in sums.inputs.sorted(by: { $0.key.text < $1.key.text }) {
      for (suffix, content) in [(Key.squareSums, input.squares), (Key.valueSums, input.values)] {
        guard let content, let shape = TensorShape([content.count]) else { continue }
        tensors.append(TensorDescriptor(name: name.text + suffix, type: .f64, shape: shape))
        values.append(content)
      }
    }
    let layout = try GGUFLayout(metadata: metadata, tensors: tensors, path: path)
    let output = try OutputFile(path, overwrite: true, inputs: inputs)
    let target = try output.begin(nil, byteCount: layout.byteCount)
    try target.write(layout.header, count: layout.header.count, at: 0)
    for (values, position) in zip(values, layout.positions) {
      let bytes = ImatrixValues.encode(values)
      try target.write(bytes, count: bytes.count, at: position)
    }
    try output.commit(Cancellation())
  }

  private static func read(_ path: String) throws(WeightmillError) -> CollectionState {
    func broken(_ problem: String) -> WeightmillError {
      WeightmillError(
        .malformed, path, problem, remedy: "remove it, and begin anew without --resume")
    }
    let file = try GGUFFile(path: path)
    let metadata = file.metadata
    guard metadata[Key.type]?.string == Key.typeValue else {
      throw broken("is no state of an interrupted `weightmill imatrix`")
    }
    guard metadata[Key.version]?.integer == Int(version) else {
      throw WeightmillError(
        .unsupported, path, "was kept by another version of Weightmill",
        remedy: "remove it, and begin anew without --resume")
    }
    guard let model = metadata[Key.model]?.string, let text = metadata[Key.text]?.string,
      let context = metadata[Key.context]?.integer, (2...1 << 20).contains(context),
      let total = metadata[Key.total]?.integer, let windows = metadata[Key.windows]?.integer,
      (1...total).contains(windows), total <= Int(ImatrixFile.maximumCount) / context,
      case .bool(let output)? = metadata[Key.output],
      case .bool(let means)? = metadata[Key.means]
    else { throw broken("does not say what was learned") }
    var sums = ImportanceSums()
    sums.windows = windows
    if metadata[Key.tokens] != nil {
      guard case .float64(let sum)? = metadata[Key.surprise], sum.isFinite,
        case .float64(let squares)? = metadata[Key.squares], squares.isFinite, squares >= 0,
        let count = metadata[Key.tokens]?.integer, (0...windows * context).contains(count)
      else { throw broken("does not say the perplexity") }
      sums.perplexity = TextPerplexity(sum: sum, squares: squares, count: count)
    }
    sums.inputs = try inputs(file, count: windows * context, hasMeans: means, broken)
    return CollectionState(
      Origin(
        model: model, text: text, windows: total, context: context, includesOutput: output,
        gathersMeans: means, measuresPerplexity: sums.perplexity != nil), sums)
  }

  private static func inputs(
    _ file: GGUFFile, count: Int, hasMeans: Bool, _ broken: (String) -> WeightmillError
  ) throws(WeightmillError) -> [TensorName: InputSums] {
    var (squares, values) = ([TensorName: [Double]](), [TensorName: [Double]]())
    var room = ImatrixFile.maximumValues
    for (index, tensor) in file.tensors.enumerated() {
      guard tensor.type == .f64, tensor.shape.extents.count == 1, tensor.shape.count <= room else {
        throw broken("holds something else than sums: \(quoted(tensor.name))")
      }
      room -= tensor.shape.count
      let sums = ImatrixValues.decodeDoubles(try file.bytes(rows: 0..<1, ofTensor: index))
      guard sums.allSatisfy(\.isFinite) else {
        throw broken("has a sum that is no number: \(quoted(tensor.name))")
      }
      if tensor.name.hasSuffix(Key.squareSums), sums.allSatisfy({ $0 >= 0 }) {
        squares[TensorName(String(tensor.name.dropLast(Key.squareSums.count)))] = sums
      } else if tensor.name.hasSuffix(Key.valueSums) {
        values[TensorName(String(tensor.name.dropLast(Key.valueSums.count)))] = sums
      } else {
        throw broken("holds something else than sums: \(quoted(tensor.name))")
      }
    }
    var inputs: [TensorName: InputSums] = [:]
    for (name, sums) in squares {
      let others = values.removeValue(forKey: name)
      guard (others != nil) == hasMeans, others.map({ $0.count == sums.count }) ?? true else {
        throw broken("has other sums than it says: \(quoted(name.text))")
      }
      inputs[name] = InputSums(squares: sums, values: others, count: count)
    }
    guard values.isEmpty, !inputs.isEmpty else { throw broken("has other sums than it says") }
    return inputs
  }
}

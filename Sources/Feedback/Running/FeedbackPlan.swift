import WeightmillCalibration
import WeightmillConversion
import WeightmillLLaMA
import WeightmillTensors
import WeightmillTokenization

/// What error feedback will take: text, memory, arithmetic. Nothing is computed for it.
package struct FeedbackPlan: Sendable {
  /// The text, and how it goes through the models.
  let streams: StreamLayout
  /// The number of layers.
  package let layers: Int
  /// The arithmetic of each stage.
  let cost: FeedbackCost
  /// The bytes of activations, in memory and in a file.
  package let activations: Int
  /// The bytes of memory at the highest, by calculation.
  package let memory: Int

  /// The number of matrices that are rounded with feedback.
  package var matrices: Int { cost.matrices }
  /// The operations of binary32 of everything, additions and multiplications, by calculation.
  package var operations: Double { cost.operations }
  /// The number of tokens that are learnt from.
  package var learntTokens: Int { streams.windows.learnt.tokenCount }
  /// The number of tokens that choose between what was learnt.
  package var judgedTokens: Int { streams.windows.judged.tokenCount }
  /// The bytes that a file beside the output holds meanwhile.
  package var spilled: Int { max(0, activations - streams.activationsInMemory) }

  /// The most tokens that are judged by.
  private static let mostJudged = 4096

  /// Plans.
  ///
  /// - Parameters:
  ///   - plan: What is written.
  ///   - model: The model, in the plan's names.
  ///   - text: The text.
  ///   - memory: How many bytes activations may take in memory.
  /// - Throws: `mismatch` when the text does not fill two windows; `usage` when nothing is to be rounded;
  ///   `unsupported` for matrices of more than 131,072 columns.
  init(
    _ plan: ConversionPlan, of model: LlamaModel, _ text: CalibrationText, memory: Int
  ) throws(WeightmillError) {
    let configuration = model.configuration
    let widest = max(
      configuration.hiddenSize, configuration.feedForwardSize, configuration.queryWidth)
    // No product of sizes below can overflow then; the moments of as many inputs take 137 GB.
    guard widest <= 1 << 17 else {
      throw WeightmillError(
        .unsupported, model.catalogue.location,
        "has matrices of \(widest) columns, too many to keep all products of two inputs",
        remedy: "leave out --calibrate; an importance matrix takes a number for each column")
    }
    // What a pass of more tokens takes would be more than the moments.
    let isWide = widest > 8192
    let tokensAtOnce = isWide ? 1024 : 2048
    let windows = CalibrationWindows(
      text.windows, judgedByAtMost: isWide ? Self.mostJudged / 2 : Self.mostJudged)
    guard windows.judged.tokenCount > 0 else {
      throw WeightmillError(
        .mismatch, model.catalogue.location,
        "cannot be calibrated with this text: it does not fill two windows of "
          + "\(text.context) tokens",
        remedy: "give more text, or --calibrate self")
    }
    layers = configuration.layerCount
    let window = max(text.context, tokensAtOnce)
    let slot = (window + 16) * (configuration.hiddenSize + widest) * 4
    let parts = windows.learnt.passes(ofAtMost: tokensAtOnce).count
    activations = 2 * parts * slot
    let inMemory = PartStore.kept(slots: 2 * parts, slot: slot, memory: memory) * slot
    streams = StreamLayout(
      windows: windows, tokensAtOnce: tokensAtOnce, slot: slot, activationsInMemory: inMemory)
    cost = FeedbackCost(plan, model, windows)
    guard cost.matrices > 0 else {
      throw WeightmillError(
        .usage, plan.source.location,
        "has no matrix that is to be rounded to blocks of another type",
        remedy: "leave out --calibrate, or choose a type such as q4_k_m")
    }
    self.memory =
      inMemory + 2 * widest * widest * 4 + 6 * window * widest * 4
      + 2 * windows.judged.tokenCount * (configuration.hiddenSize + widest) * 4 + cost.largestRows
  }
}

/// The arithmetic of a run, stage by stage.
struct FeedbackCost: Sendable {
  /// The number of matrices that are rounded.
  private(set) var matrices = 0
  /// The operations of each stage of each layer, and of the output matrix.
  private(set) var stages: [Double] = []
  /// The bytes of the largest matrix as it is written, and of the rows that are worked on.
  private(set) var largestRows = 0

  /// The operations of all stages.
  var operations: Double { stages.reduce(0, +) }

  init(_ plan: ConversionPlan, _ model: LlamaModel, _ windows: CalibrationWindows) {
    let (learnt, all) = (
      Double(windows.learnt.tokenCount),
      Double(windows.learnt.tokenCount + windows.judged.tokenCount)
    )
    let places = MatrixPlaces(plan, model)
    stages = [Double](repeating: 0, count: 4 * model.configuration.layerCount + 1)
    for (index, place) in places.stages {
      let item = plan.items[index]
      let (rows, columns) = (Double(item.tensor.shape.rows), Double(item.tensor.shape.columns))
      // Both models' products; behind the last layer there are none.
      if place.ordinal < stages.count - 1 { stages[place.ordinal] += 4 * rows * columns * all }
      guard plan.isRounded(item) else { continue }
      matrices += 1
      // The correction, two solves with the factor, feedback; the factors that are tried.
      let tries = Double(MatrixFeedback.dampings.count)
      stages[place.ordinal] += (5 * rows + tries * columns / 3) * columns * columns
      let width = item.tensor.shape.columns
      largestRows = max(
        largestRows, 2 * item.tensor.byteCount + 32 * MatrixFeedback.rowsAtOnce * width)
    }
    for (ordinal, columns) in places.columns where stages.indices.contains(ordinal) {
      // Half of one square and all of another.
      stages[ordinal] += 3 * Double(columns) * Double(columns) * learnt
    }
  }
}

extension ConversionPlan {
  /// Whether an item's values are rounded to blocks of another type than they have.
  func isRounded(_ item: Item) -> Bool {
    !item.tensor.type.isScalar && source.tensors[item.index].type != item.tensor.type
  }
}

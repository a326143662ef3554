import Foundation
package import WeightmillCalibration
package import WeightmillConversion
package import WeightmillLLaMA
import WeightmillQuantization
package import WeightmillTensors
import WeightmillTokenization

/// Writes a plan's file with error feedback: layer by layer, by what text sends into each matrix.
package struct FeedbackRun: Sendable {
  private let plan: ConversionPlan
  private let run: ConversionRun
  private let text: CalibrationText
  private let workers: Workers
  private let reference: ForwardPass
  private let roles: [TensorRole: Int]

  /// Prepares a run.
  package init(
    _ plan: ConversionPlan, of model: LlamaModel, text: CalibrationText, workers: Workers,
    run: ConversionRun
  ) throws(WeightmillError) {
    self.plan = plan
    self.run = run
    self.text = text
    self.workers = workers
    let whole = try LlamaModel(
      catalogue: plan.source, configuration: model.configuration, scheme: .gguf)
    reference = ForwardPass(whole, workers: workers)
    var roles: [TensorRole: Int] = [:]
    for (index, item) in plan.items.enumerated() {
      if let role = NamingScheme.gguf.role(of: item.tensor.name, in: model.architecture) {
        roles[role] = index
      }
    }
    self.roles = roles
  }

  private var model: LlamaModel { reference.model }

  /// Writes the file.
  package func write(
    to path: String, _ options: RunOptions
  ) throws(WeightmillError) -> ConversionReport {
    let layers = model.configuration.layerCount
    var order = [roles[.tokenEmbedding]].compactMap(\.self)
    for layer in 0..<layers {
      for stage in LayerStage.allCases {
        order += stage.matrices(layer: layer, of: model).compactMap { roles[$0] }
      }
    }
    if let output = roles[.output] { order.append(output) }
    let walk = Walk(self, path)
    return try run.write(
      to: path, options, oneByOne: order,
      guidedBy: { (item, written) throws(WeightmillError) in
        try walk.guide(item, written)
      })
  }

  /// A run on its way.
  private final class Walk {
    private let run: FeedbackRun
    private let path: String
    private var streams: ModelStreams?
    private var feedback: (layer: Int, stage: LayerStage, MatrixFeedback)?
    private let stages: [Int: (layer: Int, stage: LayerStage)]

    init(_ run: FeedbackRun, _ path: String) {
      self.run = run
      self.path = path
      var stages: [Int: (layer: Int, stage: LayerStage)] = [:]
      for layer in 0..<run.model.configuration.layerCount {
        for stage in LayerStage.allCases {
          for role in stage.matrices(layer: layer, of: run.model) {
            if let item = run.roles[role] { stages[item] = (layer, stage) }
          }
        }
      }
      if let output = run.roles[.output] {
        stages[output] = (run.model.configuration.layerCount, .attention)
      }
      self.stages = stages
    }

    func guide(
      _ item: Int, _ written: WrittenTensors
    ) throws(WeightmillError) -> TensorGuide? {
      guard let (layer, stage) = stages[item] else { return nil }
      let target = run.plan.items[item]
      guard !target.tensor.type.isScalar,
        run.plan.source.tensors[target.index].type != target.tensor.type
      else { return nil }
      let feedback = try feedback(layer, stage, written)
      let began = ContinuousClock.now
      let sample = try rows(item, sampleOf: target.tensor.shape.rows)
      let (choice, error, plain) = try feedback.choose(
        target.tensor.type, sample, location: path)
      let chosen = ContinuousClock.now
      let rounded = try feedback.round(
        to: target.tensor.type, choice, rows: target.tensor.shape.rows, location: path
      ) { [run] (range) throws(WeightmillError) in try run.rows(item, range) }
      if Knobs.isLoud {
        print(
          "\(target.tensor.name) \(target.tensor.type.name): damping \(choice.damping ?? -1), "
            + "correction \(choice.correction), \(error / plain) of plain; "
            + "\(chosen - began) choosing, \(ContinuousClock.now - chosen) rounding")
      }
      guard let rounded else { return nil }
      return .rows(rounded.bytes)
    }

    private func rows(_ item: Int, sampleOf count: Int) throws(WeightmillError) -> RowGroup {
      let wanted = min(count, MatrixFeedback.sample)
      var values: [Float] = []
      for index in 0..<wanted {
        let row = index * count / wanted
        values += try run.values(item, row..<row + 1)
      }
      return RowGroup(
        rows: 0..<wanted, values: values, columns: run.plan.items[item].tensor.shape.columns)
    }

    private func feedback(
      _ layer: Int, _ stage: LayerStage, _ written: WrittenTensors
    ) throws(WeightmillError) -> MatrixFeedback {
      if let feedback, feedback.layer == layer, feedback.stage == stage { return feedback.2 }
      feedback = nil
      let began = ContinuousClock.now
      try go(to: layer, stage, written)
      let went = ContinuousClock.now
      guard let streams else { preconditionFailure() }
      let moments = InputMoments(
        size: streams.learnt.first?.written.input.columns ?? 0, run.workers)
      for part in streams.learnt {
        moments.add(reference: part.reference.input, written: part.written.input)
      }
      let summed = ContinuousClock.now
      let made = MatrixFeedback(
        moments,
        judged: streams.judged.map {
          .init(
            reference: PanelMatrix($0.reference.input), written: PanelMatrix($0.written.input))
        }, run.workers)
      if Knobs.isLoud {
        print("layer \(layer) \(stage): \(went - began) forward, \(summed - went) moments")
      }
      feedback = (layer, stage, made)
      return made
    }

    private func go(
      to layer: Int, _ stage: LayerStage, _ written: WrittenTensors
    ) throws(WeightmillError) {
      let model = run.model
      let candidate = ForwardPass(
        try LlamaModel(
          catalogue: WrittenModel(run.plan, written), configuration: model.configuration,
          scheme: .gguf), workers: run.workers)
      if streams == nil {
        streams = try ModelStreams(
          CalibrationWindows(run.text.windows, judgedByAtMost: 4096), tokens: 2048,
          reference: run.reference, written: candidate)
      }
      while let at = streams, at.layer < layer || at.layer == layer && at.stage.rawValue < stage.rawValue {
        try streams?.advance(run.reference, candidate)
      }
    }
  }

  /// Some rows of an item's source, side by side.
  fileprivate func rows(_ item: Int, _ range: Range<Int>) throws(WeightmillError) -> RowGroup {
    RowGroup(
      rows: range, values: try values(item, range),
      columns: plan.items[item].tensor.shape.columns)
  }

  fileprivate func values(_ item: Int, _ range: Range<Int>) throws(WeightmillError) -> [Float] {
    let index = plan.items[item].index
    let source = plan.source.tensors[index]
    let bytes = try plan.source.bytes(rows: range, ofTensor: index)
    var values = [Float](repeating: 0, count: range.count * source.shape.columns)
    try RowDecoder(source.type, location: plan.source.location).decode(bytes, into: &values)
    return values
  }
}

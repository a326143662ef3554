import WeightmillCalibration
import WeightmillConversion
import WeightmillLLaMA
import WeightmillModels
import WeightmillQuantization
import WeightmillTensors

/// A run on its way: the text behind some layers, and the moments of the stage that is worked on.
///
/// Whatever an interrupted run has written is taken as it is: the text goes through it, and what follows is
/// what would have followed.
final class FeedbackWalk {
  /// What a run is done with.
  struct Surroundings {
    let path: String
    let workers: Workers
    let cancellation: Cancellation
    let progress: @Sendable (FeedbackRun.Progress) -> Void
  }

  /// What was done, in its order.
  private(set) var matrices: [FeedbackReport.Matrix] = []
  /// Where the time went.
  private(set) var seconds = FeedbackReport.Seconds()

  private let plan: ConversionPlan
  private let reference: ForwardPass
  private let text: CalibrationText
  private let cost: FeedbackPlan
  private let places: MatrixPlaces
  private let around: Surroundings
  private let importance: ImportanceOnTheWay?
  private var streams: ModelStreams?
  private var summed: Set<MatrixPlaces.Place> = []
  private var current: (place: MatrixPlaces.Place, feedback: MatrixFeedback)?

  init(
    _ plan: ConversionPlan, _ reference: ForwardPass, _ text: CalibrationText,
    _ cost: FeedbackPlan, _ places: MatrixPlaces, _ around: Surroundings,
    _ importance: ImportanceOnTheWay?
  ) {
    self.plan = plan
    self.reference = reference
    self.text = text
    self.cost = cost
    self.places = places
    self.around = around
    self.importance = importance
  }

  /// A tensor's rows, when its turn comes.
  ///
  /// - Parameters:
  ///   - item: The index of the plan's item.
  ///   - written: What is written by now.
  /// - Returns: Its rows, or what guides its encoder; `nil` for tensors that feedback has nothing to do with.
  /// - Throws: `unsupported` for values beyond a type's range; `interrupted`; reading errors.
  func guide(_ item: Int, _ written: WrittenTensors) throws(WeightmillError) -> TensorGuide? {
    try around.cancellation.check(around.path, "written")
    let target = plan.items[item]
    if let embedding = places.embedding, embedding.item == item {
      return embedding.isOutput && plan.isRounded(target) && target.importance == nil
        ? .inputs(.importance(try outputImportance())) : nil
    }
    guard let place = places.stages[item], plan.isRounded(target) else { return nil }
    let feedback = try feedback(at: place, written)
    defer { report(place) }
    let type = target.tensor.type
    let rows = try sample(item)
    let choice = try seconds.add(\.rounding) { () throws(WeightmillError) in
      try feedback.choose(type, rows)
    }
    matrices.append(.init(name: target.tensor.name, type: type, choice: choice))
    let rounded = try seconds.add(\.rounding) { () throws(WeightmillError) in
      try feedback.round(to: type, choice, rows: target.tensor.shape.rows) {
        [plan] (rows) throws(WeightmillError) in try plan.rows(rows, ofItem: item)
      }
    }
    guard let rounded else { return .inputs(.importance(feedback.importance)) }
    if let rows = rounded.beyond {
      throw WeightmillError(
        .unsupported, plan.source.location,
        "tensor \(quoted(target.tensor.name)) holds values too large for \(type.name)",
        at: "rows \(rows.lowerBound) to \(rows.upperBound - 1)",
        remedy: "convert to f32 or bf16, or find out why the weights are so large")
    }
    return .rows(rounded.bytes)
  }

  /// Some rows, evenly spread.
  private func sample(_ item: Int) throws(WeightmillError) -> RowGroup {
    let shape = plan.items[item].tensor.shape
    let count = min(shape.rows, MatrixFeedback.sample)
    var values: [Float] = []
    for index in 0..<count {
      let row = index * shape.rows / count
      values += try plan.rows(row..<row + 1, ofItem: item).values
    }
    return RowGroup(rows: 0..<count, values: values, columns: shape.columns)
  }

  /// The moments of a place's input, for all matrices that share it.
  private func feedback(
    at place: MatrixPlaces.Place, _ written: WrittenTensors
  ) throws(WeightmillError) -> MatrixFeedback {
    if let current, current.place == place { return current.feedback }
    current = nil
    let streams = try seconds.add(\.forward) { () throws(WeightmillError) in
      try self.streams(at: place, written)
    }
    let roles = importance == nil ? [] : roles(at: place)
    summed.insert(place)
    let made = try seconds.add(\.moments) { () throws(WeightmillError) in
      guard
        let moments = try streams.moments(
          around.workers, observe: { input in importance?.add(input, of: roles) })
      else {
        throw WeightmillError(.internal, around.path, "has no text to learn from")
      }
      return MatrixFeedback(
        moments, judged: streams.judgedInputs, around.workers, location: around.path)
    }
    current = (place, made)
    return made
  }

  private func roles(at place: MatrixPlaces.Place) -> [TensorRole] {
    let model = reference.model
    guard place.layer < model.configuration.layerCount else { return [.output] }
    return place.stage.matrices(layer: place.layer, of: model)
  }

  /// The text at a place: what stands before it has been written.
  private func streams(
    at place: MatrixPlaces.Place, _ written: WrittenTensors
  ) throws(WeightmillError) -> ModelStreams {
    let model = reference.model
    let candidate = ForwardPass(
      try LlamaModel(
        catalogue: WrittenModel(plan, written), configuration: model.configuration, scheme: .gguf),
      workers: around.workers)
    let streams =
      if let streams {
        streams
      } else {
        try ModelStreams(
          cost.streams, reference: reference, written: candidate, beside: around.path)
      }
    self.streams = streams
    while streams.layer < place.layer
      || streams.layer == place.layer && streams.stage.rawValue < place.stage.rawValue
    {
      let here = MatrixPlaces.Place(layer: streams.layer, stage: streams.stage)
      report(here)
      // What an interrupted run has written, nothing was summed for.
      if let importance, !summed.contains(here) {
        let roles = roles(at: here)
        try streams.observe { importance.add($0, of: roles) }
      }
      try streams.advance(reference, candidate, until: around.cancellation)
    }
    return streams
  }

  private func report(_ place: MatrixPlaces.Place) {
    let stages = cost.cost.stages
    let done = stages.prefix(place.ordinal).reduce(0, +)
    around.progress(.init(share: done / max(cost.operations, 1), layer: place.layer))
  }

  /// The importance of an output matrix that is the embedding: it is written before text can go through the
  /// written model, so the model itself reads some of the text.
  private func outputImportance() throws(WeightmillError) -> [Float] {
    var few = text
    few.keep(first: max(1, 8192 / text.context))
    let matrix = try ImportanceCollector(
      reference.model, includesOutput: true, workers: around.workers
    ).run(few)
    let name = NamingScheme.gguf.name(of: .tokenEmbedding, in: reference.model.architecture)
    guard let entry = matrix.entries[TensorName(name)] else {
      throw WeightmillError(.internal, around.path, "has no importance of the output matrix")
    }
    importance?.add(entry, of: name)
    return entry.weights
  }
}

extension ConversionPlan {
  /// Some rows of an item's source, decoded.
  fileprivate func rows(_ rows: Range<Int>, ofItem item: Int) throws(WeightmillError) -> RowGroup {
    let index = items[item].index
    return RowGroup(
      rows: rows, values: try source.finiteValues(rows: rows, ofTensor: index),
      columns: source.tensors[index].shape.columns)
  }
}

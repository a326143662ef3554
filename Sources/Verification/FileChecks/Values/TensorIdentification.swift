import WeightmillLLaMA
import WeightmillPresentation
import WeightmillTensors

/// Finds out what a tensor that is far from the reference's holds instead.
struct TensorIdentification {
  /// A tensor that is far from the reference's, in the whole or in some rows.
  struct Suspect {
    let role: TensorRole
    let tensor: TensorDescriptor
    /// Rows that are far from the reference's.
    let rows: [Int]
    let relativeError: Double
    /// The largest relative error that rounding explains.
    let bound: Double
  }

  /// The contents that a tensor was found to have.
  private enum Match {
    /// The reference's rows in another order; the text says which.
    case order(String)
    /// Another tensor of the reference.
    case tensor(TensorRole)
    /// The reference's rows, moved by this many rows.
    case shifted(Int)
    /// The reference's matrix, rows and columns exchanged.
    case transposed
    /// The reference's values times a factor.
    case scaled(Double)
  }

  /// The number of rows that are compared.
  private static let sampleRows = 8
  /// How far embeddings are searched for rows that moved.
  private static let largestShift = 64
  /// For how many tensors all layers are searched; for the others only their own layer.
  private static let wideSearches = 16

  private let candidate: ModelRows
  private let reference: ModelRows

  /// Compares two models.
  init(candidate: ModelRows, reference: ModelRows) {
    self.candidate = candidate
    self.reference = reference
  }

  /// Says of each suspect what it holds, as far as that can be told.
  ///
  /// - Throws: The errors of reading.
  func findings(_ suspects: [Suspect]) throws(WeightmillError) -> TensorFindings {
    var findings = TensorFindings()
    var wide = 0
    for suspect in suspects where reference.tensor(suspect.role) != nil {
      var match = try nearMatch(suspect)
      if match == nil, wide < Self.wideSearches {
        wide += 1
        match = try wideMatch(suspect)
      }
      findings.add(
        problem(suspect, match), tensor: suspect.tensor.name, figures: figures(suspect),
        weight: suspect.relativeError)
    }
    return findings
  }

  private func figures(_ suspect: Suspect) -> String {
    let error = "a relative error of \(Text.significant(suspect.relativeError))"
    guard let first = suspect.rows.first, suspect.rows.count < suspect.tensor.shape.rows else {
      return error
    }
    return "\(Text.grouped(suspect.rows.count)) of \(Text.grouped(suspect.tensor.shape.rows)) rows "
      + "from row \(first) on, " + error
  }

  private func problem(_ suspect: Suspect, _ match: Match?) -> TensorFindings.Problem {
    switch match {
    case .order(let text):
      .init(
        severity: .error, check: "row-order", text: text,
        remedy: HelpTopic.garbageOutput.after(
          "the model talks garbage: convert it again from the original checkpoint"))
    case .tensor(let role):
      .init(
        severity: .error, check: "misplaced-tensor",
        text: "holds the reference's \(described(role, in: suspect.role))",
        remedy: "tensors were exchanged: convert the model again")
    case .shifted(let rows):
      .init(
        severity: .error, check: "shifted-rows",
        text: "holds the reference's rows \(abs(rows)) further \(rows > 0 ? "on" : "back")",
        remedy: "tokens were added or left out without their ids: use the tokenizer that came with "
          + "the model")
    case .transposed:
      .init(
        severity: .error, check: "misplaced-tensor",
        text: "holds the reference's matrix with rows and columns exchanged",
        remedy: "convert the model again")
    case .scaled(let factor):
      .init(
        severity: .error, check: "tensor-error",
        text: "holds the reference's values times \(Text.significant(factor))",
        remedy: "the scales are damaged, or were applied twice: convert the model again")
    case nil: different(suspect)
    }
  }

  private func different(_ suspect: Suspect) -> TensorFindings.Problem {
    if suspect.relativeError >= ErrorBound.unrelated {
      return .init(
        severity: .error, check: "tensor-error",
        text: "has no likeness with the reference's",
        remedy: "is the reference the model that the file was made from?")
    }
    if suspect.relativeError > suspect.bound {
      return .init(
        severity: .warning, check: "tensor-error",
        text:
          "is further from the reference's than rounding to \(suspect.tensor.type.name) explains",
        remedy: "the file is damaged, or was made from another model")
    }
    return .init(
      severity: .warning, check: "tensor-error", text: "has rows that are not the reference's",
      remedy: "the file is damaged, or was made from another model")
  }

  /// The tensor a match names, without its layer if that is the suspect's.
  private func described(_ role: TensorRole, in suspect: TensorRole) -> String {
    if case .layer(let layer, let kind) = role, case .layer(let own, let ownKind) = suspect {
      if layer == own { return name(.layer(0, kind)).dropLayer }
      if kind == ownKind {
        return "\(name(.layer(0, kind)).dropLayer) of the layer "
          + "\(abs(layer - own)) \(layer > own ? "further on" : "before")"
      }
    }
    return name(role)
  }

  private func name(_ role: TensorRole) -> String {
    NamingScheme.gguf.name(of: role, in: candidate.model.architecture)
  }
}

extension String {
  /// `ffn_up.weight` of `blk.0.ffn_up.weight`.
  fileprivate var dropLayer: String {
    split(separator: ".").dropFirst(2).joined(separator: ".")
  }
}

/// The search for what a suspect holds.
extension TensorIdentification {
  /// What is likely and cheap to find: row orders, scales, tensors of the same layer.
  private func nearMatch(_ suspect: Suspect) throws(WeightmillError) -> Match? {
    let sample = try RowSet(candidate, suspect.role, rows: sampled(suspect))
    let own = try RowSet(reference, suspect.role, rows: sample.rows)
    let direct = sample.error(from: own)
    func fits(_ other: RowSet) -> Bool {
      sample.error(from: other) < min(suspect.bound * 1.5, direct / 2)
    }
    if suspect.role.isRotated, isComparable(suspect.role, suspect) {
      for order in MistakenRowOrder.all(candidate.model.configuration, suspect.role) {
        let rows = sample.rows.map(order.source)
        if rows != sample.rows, fits(try RowSet(reference, suspect.role, rows: rows)) {
          return .order(order.text)
        }
      }
    }
    if case .layer(let layer, _) = suspect.role {
      for kind in candidate.model.architecture.layerTensors {
        let other = TensorRole.layer(layer, kind)
        if other != suspect.role, isComparable(other, suspect),
          fits(try RowSet(reference, other, rows: sample.rows))
        {
          return .tensor(other)
        }
      }
    } else if suspect.role == .output || suspect.role == .tokenEmbedding {
      let other: TensorRole = suspect.role == .output ? .tokenEmbedding : .output
      if isComparable(other, suspect), fits(try RowSet(reference, other, rows: sample.rows)) {
        return .tensor(other)
      }
    }
    if sample.isTransposed(of: own, bound: min(suspect.bound * 1.5, direct / 2)) {
      return .transposed
    }
    if let factor = sample.factor(of: own), sample.error(from: own, times: factor) < suspect.bound {
      return .scaled((factor * 1000).rounded() / 1000)
    }
    return nil
  }

  /// What needs many rows to find: other layers, rows of tokens that moved.
  private func wideMatch(_ suspect: Suspect) throws(WeightmillError) -> Match? {
    let sample = try RowSet(candidate, suspect.role, rows: sampled(suspect))
    let direct = sample.error(from: try RowSet(reference, suspect.role, rows: sample.rows))
    let bound = min(suspect.bound * 1.5, direct / 2)
    if case .layer(let own, let kind) = suspect.role {
      // The nearest layers first: one that was left out moves all behind it by one.
      let layers = (0..<reference.model.configuration.layerCount).filter { $0 != own }
        .sorted { (abs($0 - own), $0) < (abs($1 - own), $1) }
      for layer in layers where isComparable(.layer(layer, kind), suspect) {
        let other = TensorRole.layer(layer, kind)
        if sample.error(from: try RowSet(reference, other, rows: sample.rows)) < bound {
          return .tensor(other)
        }
      }
      return nil
    }
    guard let count = reference.tensor(suspect.role)?.shape.rows,
      suspect.tensor.shape.extents.count == 2
    else { return nil }
    for distance in 1...Self.largestShift {
      for shift in [distance, -distance] {
        let rows = sample.rows.map { $0 + shift }
        guard rows.allSatisfy((0..<count).contains) else { continue }
        if sample.error(from: try RowSet(reference, suspect.role, rows: rows)) < bound {
          return .shifted(shift)
        }
      }
    }
    return nil
  }

  private func isComparable(_ other: TensorRole, _ suspect: Suspect) -> Bool {
    reference.tensor(other)?.shape == suspect.tensor.shape
  }

  /// Rows spread over those that are far from the reference's, away from both ends.
  private func sampled(_ suspect: Suspect) -> [Int] {
    let shared = min(
      suspect.tensor.shape.rows, reference.tensor(suspect.role)?.shape.rows ?? 0)
    let rows = suspect.rows.isEmpty ? Array(0..<shared) : suspect.rows
    let inner = rows.filter {
      $0 >= Self.largestShift && $0 < shared - Self.largestShift
    }
    let chosen = inner.isEmpty ? rows : inner
    let count = min(Self.sampleRows, chosen.count)
    return (0..<count).map { chosen[(2 * $0 + 1) * chosen.count / (2 * count)] }
  }
}

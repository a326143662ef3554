package import WeightmillTensors

/// What each type costs each matrix of a model: how far the model's predictions move when it alone is rounded.
///
/// Measured once, it tells the best types for every size. formats/sensitivities.md describes its file.
public struct Sensitivities: Equatable, Sendable {
  /// One matrix.
  package struct Matrix: Equatable, Sendable {
    /// The name in GGUF files.
    package let name: String
    /// The number of rows.
    package let rows: Int
    /// The number of values of a row.
    package let columns: Int
    /// The error of the matrix's products with what text sends into it, as a share of the sum of their
    /// squares, by type: types whose blocks fit the rows.
    package internal(set) var errors: [TensorType: Double]
    /// The type in which the matrix alone was rounded.
    package let probe: TensorType
    /// The divergence of the model's predictions then, in nats; `nil` while it is not measured.
    package internal(set) var divergence: Double?
  }

  /// A model all of whose matrices have one type, or the one that fits in its place.
  package struct Uniform: Equatable, Sendable {
    /// The type.
    package let type: TensorType
    /// The divergence of its predictions, in nats.
    package let divergence: Double
  }

  /// What decides every figure: of two runs that have it in common, one goes on where the other stopped.
  package struct Origin: Equatable, Sendable {
    /// A digest of the model's tensors: their names, shapes and first values.
    package let model: String
    /// A digest of all tokens.
    package let text: String
    /// A digest of the importance that guided the encoders; empty without.
    package let importance: String
    /// The number of tokens that went through the model in each type.
    package let tokens: Int
    /// The number of tokens that went through the models of one quantized matrix each.
    package let sample: Int
    /// The names of the texts.
    package let names: [String]
    /// The types that were tried.
    package let types: [TensorType]
  }

  /// What it was measured by.
  package let origin: Origin
  /// The matrices, in the order in which text goes through them.
  package internal(set) var matrices: [Matrix]
  /// The model in one type, for each type.
  package internal(set) var uniform: [Uniform]

  /// Whether nothing is left to measure.
  public var isComplete: Bool { matrices.allSatisfy { $0.divergence != nil } }

  package init(origin: Origin, matrices: [Matrix], uniform: [Uniform]) {
    self.origin = origin
    self.matrices = matrices
    self.uniform = uniform
  }
}

public import WeightmillTensors

/// What each type costs each matrix of a model: how far the model's predictions move when it alone is rounded.
///
/// Measured once, it tells the best types for every size. formats/sensitivities.md describes its file.
public struct Sensitivities: Equatable, Sendable {
  /// One matrix.
  public struct Matrix: Equatable, Sendable {
    /// The name in GGUF files.
    public let name: String
    /// The number of rows.
    public let rows: Int
    /// The number of values of a row.
    public let columns: Int
    /// The error of the matrix's products with what text sends into it, as a share of the sum of their
    /// squares, by type: types whose blocks fit the rows.
    public internal(set) var errors: [TensorType: Double]
    /// The type in which the matrix alone was rounded.
    public let probe: TensorType
    /// The divergence of the model's predictions then, in nats; `nil` while it is not measured.
    public internal(set) var divergence: Double?
  }

  /// A model all of whose matrices have one type, or the one that fits in its place.
  public struct Uniform: Equatable, Sendable {
    /// The type.
    public let type: TensorType
    /// The divergence of its predictions, in nats.
    public let divergence: Double
  }

  /// What decides every figure: of two runs that have it in common, one goes on where the other stopped.
  public struct Origin: Equatable, Sendable {
    /// A digest of the model's tensors: their names, shapes and first values.
    public let model: String
    /// A digest of all tokens.
    public let text: String
    /// A digest of the importance that guided the encoders; empty without.
    public let importance: String
    /// The number of tokens that went through the model in each type.
    public let tokens: Int
    /// The number of tokens that went through the models of one quantized matrix each.
    public let sample: Int
    /// The names of the texts.
    public let names: [String]
    /// The types that were tried.
    public let types: [TensorType]
  }

  /// What it was measured by.
  public let origin: Origin
  /// The matrices, in the order in which text goes through them.
  public internal(set) var matrices: [Matrix]
  /// The model in one type, for each type.
  public internal(set) var uniform: [Uniform]

  /// Whether nothing is left to measure.
  public var isComplete: Bool { matrices.allSatisfy { $0.divergence != nil } }

  package init(origin: Origin, matrices: [Matrix], uniform: [Uniform]) {
    self.origin = origin
    self.matrices = matrices
    self.uniform = uniform
  }
}

public import WeightmillMerging
public import WeightmillPyTorch

/// A request for a model: a checkpoint, and the deltas and adapters to be merged into it.
public struct ModelRequest: Sendable {
  /// A folder in Hugging Face's or Meta's layout, or a file.
  public var path: String
  /// The wanted tensors of PyTorch files.
  public var selection = TensorSelection.model
  /// The folder or file of delta weights to add.
  public var delta: String?
  /// The delta's family, if it is not to be recognised.
  public var deltaKind: DeltaKind?
  /// LoRA adapters, in the order in which they are added.
  public var adapters: [ScaledAdapter] = []
  /// Whether evidence that the base is the wrong one is reported only.
  public var forcesBase = false
  /// llama.cpp's name for the way byte pairs cut text, whatever the files say.
  package var preTokenizer: String?

  /// Asks for a model.
  ///
  /// - Parameters:
  ///   - path: A folder or a file.
  ///   - delta: The folder of the delta.
  ///   - kind: The delta's family, if it is not to be recognised.
  public init(_ path: String, delta: String? = nil, kind: DeltaKind? = nil) {
    self.path = path
    self.delta = delta
    deltaKind = kind
  }

  /// All paths that are read.
  package var paths: [String] { [path] + [delta].compactMap(\.self) + adapters.map(\.path) }
}

/// A LoRA adapter that is to be merged, and how strongly.
public struct ScaledAdapter: Sendable, Equatable {
  /// The folder that PEFT saved, or the GGUF file.
  public var path: String
  /// The number by which its own scales are multiplied.
  public var scale: Double

  /// Names an adapter.
  ///
  /// - Parameters:
  ///   - path: The folder that PEFT saved, or the GGUF file.
  ///   - scale: The number by which its own scales are multiplied.
  public init(_ path: String, scale: Double = 1) {
    self.path = path
    self.scale = scale
  }
}

public import LLaMA
public import Tensors

/// A base model plus delta weights, by the rule with which they were published.
///
/// Ziya's `embed_tokens` and `lm_head` are taken from the delta, everything else is base + delta;
/// in the other families those are added, too, the base's rows continued by zeros where the delta
/// has more. Rotary frequencies are left out, since they follow from the configuration. Both sides
/// are rounded to binary16 first, as `from_pretrained(torch_dtype=float16)` does, and the sum once
/// more to the nearest, ties to even. Tensors have Hugging Face's names and row order.
///
/// Source: `apply_delta.py` of Fengshenbang-LM and of FastChat; `formats/delta-ziya.md`.
public struct MergedCatalogue: Catalogue {
  public let location: String
  public let tensors: [TensorDescriptor]
  private let base: LlamaView
  private let delta: LlamaView
  private let sources: [(rule: Rule, base: Int, delta: Int)]

  private enum Rule {
    case replace
    case add
  }

  /// Merges two models whose fit has been checked by `DeltaCheck`.
  ///
  /// - Parameters:
  ///   - base: The base, in any layout.
  ///   - delta: The delta.
  ///   - kind: The delta's family.
  /// - Throws: `mismatch` when a tensor is on one side only.
  public init(
    base: LlamaModel, delta: LlamaModel, kind: DeltaKind
  ) throws(WeightmillError) {
    self.location = "\(base.catalogue.location) + \(delta.catalogue.location)"
    self.base = LlamaView(base, as: .huggingFace)
    self.delta = LlamaView(delta, as: .huggingFace)
    let index = try TensorIndex(self.base)
    var tensors: [TensorDescriptor] = []
    var sources: [(rule: Rule, base: Int, delta: Int)] = []
    for (place, tensor) in self.delta.tensors.enumerated() {
      guard let basePlace = index[tensor.name] else {
        throw WeightmillError(
          .mismatch, base.catalogue.location, "lacks tensor \(quoted(tensor.name)) of the delta")
      }
      tensors.append(TensorDescriptor(name: tensor.name, type: .f16, shape: tensor.shape))
      sources.append((kind == .ziya ? Self.rule(tensor.name) : .add, basePlace, place))
    }
    self.tensors = tensors
    self.sources = sources
  }

  private static func rule(_ name: String) -> Rule {
    switch NamingScheme.huggingFace.role(of: name) {
    case .tokenEmbedding, .output: .replace
    default: .add
    }
  }

  public func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let source = sources[index]
    try HalfRows.read(rows, of: delta, source.delta, into: &bytes, at: offset)
    guard source.rule == .add else { return }
    let count = rows.count * tensors[index].bytesPerRow
    var addend = [UInt8](repeating: 0, count: count)
    // Rows that the base does not have stay zeros.
    let shared = rows.clamped(to: 0..<base.tensors[source.base].shape.rows)
    try addend.withMutableBytes { (span) throws(WeightmillError) in
      try HalfRows.read(shared, of: base, source.base, into: &span, at: 0)
    }
    HalfRows.add(addend, to: &bytes, at: offset)
  }
}

package import WeightmillTensors

/// A model's tensors under another scheme's names, rows of queries and keys in its order, gains of
/// norms as its files hold them.
package struct LlamaView: Catalogue {
  /// The model's file or folder.
  package let location: String
  /// The tensors under the scheme's names, in the order of use.
  package let tensors: [TensorDescriptor]
  private let model: LlamaModel
  private let scheme: NamingScheme
  /// The model's tensors, in the order of rows that is shown where they can be had in it.
  private let catalogue: any Catalogue
  private let sources: [Source]

  private struct Source: Sendable {
    let index: Int
    let permutation: RowPermutation?
    /// What is added to each value.
    let offset: Float
  }

  /// Views a model.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - scheme: The scheme of the names and the row order to show.
  package init(_ model: LlamaModel, as scheme: NamingScheme) {
    self.init(model, as: scheme, scheme.rowOrder(of: model.architecture))
  }

  private init(
    _ model: LlamaModel, as scheme: NamingScheme, _ order: Architecture.RowOrder
  ) {
    self.location = model.catalogue.location
    self.model = model
    self.scheme = scheme
    let ordered = Self.catalogue(of: model, in: order)
    catalogue = ordered ?? model.catalogue
    let permutation =
      ordered == nil
      ? RowPermutation(head: model.configuration.headDimension, to: order) : nil
    var tensors: [TensorDescriptor] = []
    var sources: [Source] = []
    let shift = model.gainOffset - (model.architecture.gainOffsets[scheme] ?? 0)
    for role in model.roles where scheme.holds(role) {
      guard let index = model[role] else { continue }
      let source = model.catalogue.tensors[index]
      let offset = role.isNorm ? shift : 0
      tensors.append(
        TensorDescriptor(
          name: scheme.name(of: role, in: model.architecture),
          type: offset == 0 ? source.type : .f32, shape: source.shape))
      sources.append(
        Source(index: index, permutation: role.isRotated ? permutation : nil, offset: offset))
    }
    self.tensors = tensors
    self.sources = sources
  }

  /// The tensors in an order of rows that they are stored in or can be asked for; `nil` if they have
  /// to be permuted.
  private static func catalogue(
    of model: LlamaModel, in order: Architecture.RowOrder
  ) -> (any Catalogue)? {
    order == model.rowOrder
      ? model.catalogue : (model.catalogue as? any RowOrderedCatalogue)?.ordered(order)
  }

  /// The same tensors under the same names, rows of queries and keys in another order.
  ///
  /// - Parameter order: The order.
  /// - Returns: The view; its tensors have the indices they have here.
  package func ordered(_ order: Architecture.RowOrder) -> LlamaView {
    LlamaView(model, as: scheme, order)
  }

  /// Whether the model's tensors can be had in an order of rows without permuting them here.
  ///
  /// - Parameter order: The order.
  /// - Returns: Whether they are stored in it, or made of others of which some are.
  package func offers(_ order: Architecture.RowOrder) -> Bool {
    Self.catalogue(of: model, in: order) != nil
  }

  /// The ordinal of the tensor it comes from.
  package func readingOrdinal(ofTensor index: Int) -> Int {
    catalogue.readingOrdinal(ofTensor: sources[index].index)
  }

  /// Reads rows, those of queries and keys in the scheme's order.
  package func read(
    rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
  ) throws(WeightmillError) {
    let source = sources[index]
    guard source.offset != 0 else {
      return try catalogue.read(
        rows: rows, ofTensor: source.index, permutedBy: source.permutation, into: &bytes, at: offset
      )
    }
    let type = catalogue.tensors[source.index].type
    guard ScalarRows.decodable.contains(type) else {
      throw WeightmillError(
        .unsupported, location,
        "tensor \(quoted(catalogue.tensors[source.index].name)) is of type \(type.name), to which "
          + "nothing can be added", remedy: "start from the model before it was quantized")
    }
    let stored = try catalogue.bytes(
      rows: rows, ofTensor: source.index, permutedBy: source.permutation)
    let values = ScalarRows.values(stored, as: type).map { $0 + source.offset }
    ScalarRows.store(values, as: .f32, into: &bytes, at: offset)
  }
}

extension LlamaModel {
  /// The model under GGUF's names and in its order of rows, so that tensors can be compared.
  ///
  /// - Returns: The model itself if it is so already.
  /// - Throws: What `init` throws, never for a whole model.
  package func inGGUFOrder() throws(WeightmillError) -> LlamaModel {
    guard scheme != .gguf else { return self }
    return try LlamaModel(
      catalogue: LlamaView(self, as: .gguf), configuration: configuration, scheme: .gguf)
  }
}

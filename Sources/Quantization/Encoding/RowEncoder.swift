public import WeightmillTensors

/// Turns float32 values into stored rows of one tensor.
///
/// What a tensor's type, method and guide ask for is decided once, when the encoder is made; threads
/// share it. Encoders are deterministic: the same bytes for the same values on any machine, whatever
/// the number of threads.
public struct RowEncoder: Sendable {
  /// The type of the rows.
  public let type: TensorType
  /// The number of values of a row.
  public let columns: Int

  private let encoder: any BlockEncoder
  /// Looks for what outliers drowned, and decodes what it looks at; `nil` for values without scales.
  private let inspection: (outliers: OutlierScan, decoder: RowDecoder)?
  /// Keeps rows on a grid exactly; `nil` for values without scales and for the closed forms.
  private let grids: GridKeeper?

  /// The types whose rows can be encoded.
  public static let types: [TensorType] =
    scalars + [.q8_0, .mxfp4, .q1_0] + searched.map { $0.type } + lattices.map { $0.type }

  /// The types that llama.cpp's closed forms exist for.
  package static let compatibleTypes: [TensorType] = scalars + closed.map { $0.type }

  /// Whether rows of a type are encoded with an eye on importance where it is known.
  ///
  /// - Parameter type: The type.
  /// - Returns: Whether they are by the method `best`.
  package static func usesImportance(_ type: TensorType) -> Bool {
    types.contains(type) && !scalars.contains(type) && type != .q8_0
  }

  private static let scalars = ScalarRows.encodable

  static let searched: [any SearchedFormat.Type] = [
    Q4_0.self, Q4_1.self, Q5_0.self, Q5_1.self, Q2_K.self, Q3_K.self, Q4_K.self, Q5_K.self,
    Q6_K.self, IQ4_NL.self, IQ4_XS.self, TQ1_0.self, TQ2_0.self, Q2_0.self,
  ]

  private static let lattices: [any LatticeFormat.Type] = [
    IQ1_S.self, IQ1_M.self, IQ2_XXS.self, IQ2_XS.self, IQ2_S.self, IQ3_XXS.self, IQ3_S.self,
  ]

  private static let closed: [any ClosedForm.Type] = [
    Q8_0.self, Q4_0.self, Q4_1.self, Q5_0.self, Q5_1.self, Q6_K.self,
  ]

  // MARK: Resolving

  /// Makes an encoder.
  ///
  /// - Parameters:
  ///   - type: The type of the rows.
  ///   - method: How scales are chosen.
  ///   - guide: What is known of the inputs.
  ///   - columns: How many values a row has: whole blocks.
  ///   - location: The file to be written, for messages.
  /// - Throws: `unsupported` when rows of this type and length cannot be encoded, or not by that method,
  ///   `mismatch` when the importance is that of other columns, `malformed` when it is none.
  public init(
    _ type: TensorType, method: EncodingMethod = .best, guide: EncodingGuide = .none, columns: Int,
    location: String
  ) throws(WeightmillError) {
    try self.init(
      type, method: method, guide: guide, columns: columns, search: EncoderKernel.best,
      location: location)
  }

  /// Makes an encoder whose scales are searched by certain code.
  ///
  /// - Parameters:
  ///   - type: The type of the rows.
  ///   - method: How scales are chosen.
  ///   - guide: What is known of the inputs.
  ///   - columns: How many values a row has: whole blocks.
  ///   - search: The code that searches; if an `EncoderKernel`, one of those that are available.
  ///   - location: The file to be written, for messages.
  /// - Throws: As above.
  package init(
    _ type: TensorType, method: EncodingMethod = .best, guide: EncodingGuide = .none, columns: Int,
    search: any ScaleSearch, location: String
  ) throws(WeightmillError) {
    try Self.check(type, method, columns: columns, location)
    let importance = try Self.importance(guide, columns: columns, location)
    self.type = type
    self.columns = columns
    encoder =
      method == .compatible
      ? Self.compatible(type) : Self.best(type, importance: importance, search)
    if let outliers = OutlierScan(type) {
      let decoder = try RowDecoder(type, location: location)
      inspection = (outliers, decoder)
      grids = method == .best ? GridKeeper(type, columns: columns, decoder: decoder) : nil
    } else {
      (inspection, grids) = (nil, nil)
    }
  }

  /// Refuses what cannot be encoded.
  private static func check(
    _ type: TensorType, _ method: EncodingMethod, columns: Int, _ location: String
  ) throws(WeightmillError) {
    guard types.contains(type) else {
      throw WeightmillError(
        .unsupported, location, "tensors of type \(type.name) cannot be written yet",
        remedy: "types that can: " + types.map(\.name).joined(separator: ", "))
    }
    guard method == .best || compatibleTypes.contains(type) else {
      throw WeightmillError(
        .unsupported, location,
        "there is no closed form of llama.cpp for type \(type.name)",
        remedy: "leave out --encoder compatible, or use one of "
          + compatibleTypes.map(\.name).joined(separator: ", "))
    }
    guard columns >= 0, columns % type.valuesPerBlock == 0 else {
      throw WeightmillError(
        .unsupported, location,
        "rows of \(columns) values are no whole blocks of \(type.name), which hold "
          + "\(type.valuesPerBlock)",
        remedy: "use a type with smaller blocks, or f16")
    }
  }

  /// The importance of as many columns as there are, if it is known.
  private static func importance(
    _ guide: EncodingGuide, columns: Int, _ location: String
  ) throws(WeightmillError) -> [Float]? {
    guard case .importance(let importance) = guide else { return nil }
    guard importance.count == columns else {
      throw WeightmillError(
        .mismatch, location,
        "importance of \(importance.count) columns was given for rows of \(columns)",
        remedy: "use importance that was gathered with this model")
    }
    guard let column = importance.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) else {
      return importance
    }
    throw WeightmillError(
      .malformed, location, "the importance of a column is \(importance[column])",
      at: "column \(column)", remedy: "gather the importance anew: it is finite and not negative")
  }

  private static func compatible(_ type: TensorType) -> any BlockEncoder {
    for format in closed where format.type == type { return ClosedFormEncoder(format: format) }
    return ScalarEncoder(type: type)
  }

  private static func best(
    _ type: TensorType, importance: [Float]?, _ search: any ScaleSearch
  ) -> any BlockEncoder {
    if type == .q8_0 { return ShortEncoder(format: Q8_0.self, search: search) }
    if type == .q4_0, importance == nil { return ShortEncoder(format: Q4_0.self, search: search) }
    let weights = importance.map { ColumnWeights.weights($0, blockSize: type.valuesPerBlock) }
    for format in searched where format.type == type {
      return SearchedEncoder(format: format, weights: weights, search: search)
    }
    for format in lattices where format.type == type {
      return LatticeEncoder(format: format, weights: weights, search: search)
    }
    switch type {
    case .mxfp4: return MXFP4Encoder(weights: weights)
    case .q1_0: return Q1_0Encoder(weights: weights)
    default: return ScalarEncoder(type: type)
    }
  }

  // MARK: Encoding

  /// The number of rows to encode at a time: about so many values stay in the nearest caches.
  package var rowsAtOnce: Int { max(1, (1 << 14) / max(columns, 1)) }

  /// Encodes rows.
  ///
  /// - Parameters:
  ///   - values: Finite values, whole rows of them.
  ///   - bytes: Where to write; must have room for the rows.
  ///   - offset: The first byte to write.
  /// - Returns: What could not be kept.
  public func encode(
    _ values: [Float], into bytes: inout [UInt8], at offset: Int = 0
  ) -> EncodingFaults {
    precondition(values.isEmpty || columns > 0 && values.count % columns == 0, "rows are whole")
    let count = values.count / type.valuesPerBlock
    precondition(offset >= 0 && offset <= bytes.count)
    precondition(count * type.bytesPerBlock <= bytes.count - offset, "rows have room")
    return unsafe values.withUnsafeBufferPointer { source in
      unsafe bytes.withUnsafeMutableBytes { target in
        guard count > 0, let from = source.baseAddress, let to = target.baseAddress else {
          return EncodingFaults()
        }
        var faults = unsafe encoder.encode(from, to + offset, count: count)
        unsafe keepGrids(from, to + offset, rows: values.count / columns, &faults)
        // Where a scale is out of range, nothing will be written.
        if faults.overflowed == 0 {
          unsafe faults.drowned.add(drowned(from, to + offset, rows: values.count / columns))
        }
        return faults
      }
    }
  }

  /// Encodes blocks anew whose values are multiples of steps, if that keeps them exactly.
  private func keepGrids(
    _ values: UnsafePointer<Float>, _ bytes: UnsafeMutableRawPointer, rows: Int,
    _ faults: inout EncodingFaults
  ) {
    guard let grids else { return }
    let size = columns / type.valuesPerBlock * type.bytesPerBlock
    for row in 0..<rows {
      unsafe faults.grids.add(grids.keep(values + row &* columns, bytes + row &* size))
    }
  }

  /// What outliers drowned in encoded rows.
  private func drowned(
    _ values: UnsafePointer<Float>, _ bytes: UnsafeRawPointer, rows: Int
  ) -> DrownedValues {
    var found = DrownedValues()
    guard let (outliers, decoder) = inspection else { return found }
    let size = columns / type.valuesPerBlock * type.bytesPerBlock
    for row in 0..<rows {
      let blocks = unsafe bytes + row &* size
      found.add(
        unsafe outliers.scan(values + row &* columns, columns: columns) { column, count, target in
          let first = column / type.valuesPerBlock &* type.bytesPerBlock
          unsafe decoder.decode(blocks + first, count: count, into: target)
        })
    }
    return found
  }
}

/// The way an encoder chooses scales.
public enum EncodingMethod: String, CaseIterable, Sendable {
  /// The representable scales with the least weighted error that a search finds.
  case best
  /// The closed forms of llama.cpp, byte for byte: Q8_0, Q4_0, Q4_1, Q5_0, Q5_1 and Q6_K, without
  /// importance.
  case compatible
}

/// An encoder's knowledge of the inputs that a matrix gets.
public enum EncodingGuide: Equatable, Sendable {
  /// Nothing: all errors of a row cost the same.
  case none
  /// For each column how much an error in it costs: not negative and finite, 0 where a column was never
  /// used. Types of numbers and the closed forms take no notice.
  case importance([Float])
}
